import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { databaseOf } from '../../src/backends/postgres/clients/recognise.js'
import { PostgresBackend } from '../../src/backends/postgres/postgres-backend.js'
import type { Presence } from '../../src/contract/presence.js'
import { migration } from '../../src/postgres.js'
import { TIMING_OPTION } from '../../src/replica/presence-timing.js'
import { until } from '../model/test-database.js'
import { testServer } from './test-server.js'

const server = testServer()

const LONG = 600_000

/** Records that are renewed often. */
const OFTEN = { [TIMING_OPTION]: { ttl: LONG, renewEvery: 20 } } as object

function backendOf(name: string, pool = server.it.pool()): PostgresBackend {
  const options = { name, schemaName: 'public', timeout: 5_000, pollEvery: 200 }
  return new PostgresBackend({ ...options, client: databaseOf(pool) })
}

function presence(id: string, said: Partial<Presence> = {}): Presence {
  return { id, host: 'web-1', pid: 42, library: '1.2.3', live: true, ...said }
}

async function boundOf(name: string): Promise<unknown> {
  return (await server.it.sql('SELECT bound FROM durabledict_heads WHERE dictionary = $1', [name]))[0]?.bound
}

test('the renewals of all dictionaries of one client are one statement', async () => {
  const { it } = server
  const pool = it.pool({ max: 1 })
  const named: number[] = []
  pool.on('connect', client => {
    const query = client.query.bind(client) as (first: { text?: string; values?: string[] }) => unknown
    client.query = ((first: { text?: string; values?: string[] }) => {
      if (first.text?.includes('SET renewed')) named.push(JSON.parse(String(first.values?.[0])).length)
      return query(first)
    }) as never
  })
  const timing = { [TIMING_OPTION]: { ttl: LONG, renewEvery: 300 } } as object
  for (let n = 0; n < 3; n += 1) await it.open(it.name(), timing, pool)
  await until(() => named.includes(3), 'one statement names all three')
})

test('an acknowledgement wakes a writer that listens', async () => {
  const { it } = server
  const name = it.name()
  const [writer, other] = [backendOf(name), backendOf(name)]
  it.cleanup.push(() => writer.close())
  await writer.subscribe({ changed() {}, interrupted() {} })
  await other.register(presence('one', { bound: LONG }), LONG)
  await writer.persist('a', '1')
  const version = await writer.lastUpdated()
  const ended = new AbortController()
  const reported: string[] = []
  const waiting = writer.awaitAcknowledgements(version, ['one'], id => reported.push(id), ended.signal)
  const listens = `SELECT FROM pg_stat_activity WHERE query ILIKE '%listen%durabledict_ack_%'`
  await until(async () => (await it.sql(listens)).length > 0, 'it listens')
  await other.acknowledge('one', version)
  await waiting
  expect(reported).toEqual(['one'])
})

test('acknowledgements do not count for a version of a history that a restore has lost', async () => {
  const { it } = server
  const name = it.name()
  const [writer, other] = [backendOf(name), backendOf(name)]
  await writer.persist('a', '1')
  const [head] = await it.sql('SELECT number, nonce, bytes, position FROM durabledict_heads WHERE dictionary = $1', [
    name,
  ])
  for (const stored of ['2', '3', '4']) await writer.persist('a', stored)
  const lost = await other.lastUpdated()
  await other.register(presence('lost', { bound: LONG, version: lost }), LONG)
  await other.register(presence('found', { bound: LONG }), LONG)
  // The head alone is restored: the log still has what was lost.
  const restored =
    'UPDATE durabledict_heads SET number = $1, nonce = $2, bytes = $3, position = $4 WHERE dictionary = $5'
  await it.sql(restored, [head?.number, head?.nonce, head?.bytes, head?.position, name])
  await backendOf(name).persist('a', '5')
  const version = await other.lastUpdated()
  const reported: string[] = []
  const ended = new AbortController()
  const waiting = writer.awaitAcknowledgements(version, ['lost', 'found'], id => reported.push(id), ended.signal)
  await other.acknowledge('found', version)
  await until(() => reported.length > 0, 'the other one is reported')
  await other.acknowledge('lost', version)
  await waiting
  expect(reported).toEqual(['found', 'lost'])
})

test.each([
  ['is of a later release', `format = 99`],
  ['is not JSON', `record = 'x'`],
  ['has other members', `record = '{"host":1}'`],
  ['is huge', `record = repeat('x', 1000000)`],
])('a row that %s is reported, and the others are listed', async (_what, change) => {
  const { it } = server
  const name = it.name()
  const backend = backendOf(name)
  for (const id of ['one', 'two']) await backend.register(presence(id, { bound: 50 }), LONG)
  await it.sql(`UPDATE durabledict_replicas SET ${change} WHERE id = 'one' AND dictionary = $1`, [name])
  const registry = await backend.replicas()
  expect(registry.replicas.map(({ id }) => id)).toEqual(['two'])
  expect(registry.damage).toContain('durabledict_replicas')
  const dict = await it.open(name, { replicas: false })
  const begun = performance.now()
  await dict.set('a', 1, { everywhere: true })
  expect(performance.now() - begun).toBeGreaterThanOrEqual(50)
})

test('tables without the registry that a user cannot complete: one warning names the migration, and bounds are waited for', async () => {
  const { it } = server
  const url = await it.database('older')
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  it.cleanup.push(() => admin.end())
  await admin.query(migration())
  await admin.query(
    `DROP TABLE durabledict_replicas CASCADE; REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE older LOGIN;
     GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO older`,
  )
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  it.cleanup.push(() => warning.mockRestore())
  const pool = it.pool({ url: it.urlOf('older', 'older') })
  const reader = await it.open('settings', { maxStaleness: 60 }, pool)
  const begun = performance.now()
  await reader.set('a', 1, { everywhere: true })
  expect(performance.now() - begun).toBeGreaterThanOrEqual(60)
  await expect(reader.replicas()).rejects.toMatchObject({ code: 'DURABLEDICT_UNSUPPORTED' })
  const messages = warning.mock.calls.map(([message]) => String(message))
  expect(messages.filter(text => /durabledict_replicas is missing.*migration\(\)/.test(text))).toHaveLength(1)
  await admin.query(migration())
  await admin.query('GRANT SELECT, INSERT, UPDATE, DELETE ON durabledict_replicas TO older')
  const again = await it.open('settings', {}, pool)
  expect((await again.replicas()).length).toBe(1)
})

describe('a process that', () => {
  const worker = fileURLToPath(new URL('./replica-process.js', import.meta.url))
  let child: ChildProcess | undefined

  afterEach(() => void child?.kill('SIGKILL'))

  test('was stopped is waited for until its bound has passed, and forgotten after it was killed', async () => {
    const { it } = server
    const name = it.name()
    child = spawn(process.execPath, [worker, it.server.url, name, '400'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    const dict = await it.open(name, OFTEN)
    await dict.set('a', 1, { everywhere: true })
    child.kill('SIGSTOP')
    const waited: number[] = []
    const onProgress = ({ waitingFor }: { waitingFor: readonly { pid: number }[] }) =>
      void waited.push(...waitingFor.map(({ pid }) => pid))
    const begun = performance.now()
    await dict.set('a', 2, { everywhere: { onProgress } })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(400)
    expect(waited).toContain(child.pid)
    child.kill('SIGKILL')
    const rows = `SELECT FROM durabledict_replicas WHERE dictionary = $1 AND id <> '' AND bound > 0`
    await until(async () => (await it.sql(rows, [name])).length === 0, 'its row has expired')
    await until(async () => (await boundOf(name)) === 0, 'its bound is not recorded any more')
  })
})
