import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openModel } from '../../src/backends/model/open-model.js'
import { splitOptions } from '../../src/backends/model/options.js'
import type { Presence } from '../../src/contract/presence.js'
import { JSONEncoding, kyselyManager, ModelDict, replicasMigration } from '../../src/index.js'
import { TIMING_OPTION } from '../../src/replica/presence-timing.js'
import { testDatabase, until } from './test-database.js'

const database = testDatabase()

const LONG = 600_000

/** Records that are renewed often. */
const OFTEN = { [TIMING_OPTION]: { ttl: LONG, renewEvery: 20 } } as object

const warnings: string[] = []
const note = (warning: Error) => void warnings.push(warning.message)

beforeEach(() => {
  warnings.length = 0
  process.on('warning', note)
})

afterEach(() => void process.off('warning', note))

/** The backend of a dictionary. */
async function backendOf(table: string) {
  const given = { encoding: JSONEncoding as never, oldEncoding: undefined, timeout: 5_000 }
  const { backend } = await openModel(database.it.manager(table), splitOptions({})[0], given)
  database.it.cleanup.push(() => backend.close())
  return backend
}

function presence(id: string, said: Partial<Presence> = {}): Presence {
  return { id, host: 'web-1', pid: 42, library: '1.2.3', live: true, ...said }
}

const rowsOf = (table: string) =>
  database.it.sql(`SELECT id, bound, record FROM durabledict_model_replicas WHERE dict LIKE $1 ORDER BY id`, [
    `%${table}%`,
  ])

const boundOf = async (table: string) =>
  (await database.it.sql('SELECT bound FROM durabledict_model_versions WHERE dict LIKE $1', [`%${table}%`]))[0]?.bound

describe('the renewals of all dictionaries of one client', () => {
  test('are one statement', async () => {
    const { it } = database
    const { db, pool } = it.application({ max: 1 })
    const named: number[] = []
    pool.on('connect', client => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown
      client.query = ((
        first: string | { readonly text: string },
        parameters: readonly unknown[],
        ...rest: unknown[]
      ) => {
        const isRenewal = (typeof first === 'string' ? first : first.text).includes('SET renewed')
        if (isRenewal) named.push(new Set(parameters.filter(one => String(one).startsWith('durabledict:'))).size)
        return query(first, parameters, ...rest)
      }) as never
    })
    for (const table of [await it.table(), await it.table(), await it.table()]) {
      // They are all idle when the next renewals are due.
      const timing = { [TIMING_OPTION]: { ttl: LONG, renewEvery: 400 } } as object
      const dict = await ModelDict.open(kyselyManager(db, table), timing)
      it.cleanup.push(() => dict.close())
    }
    await until(() => named.includes(3), 'one statement names all three')
  })
})

describe('acknowledgements', () => {
  test('do not count for a version of a history that a restore has lost', async () => {
    const { it } = database
    const table = await it.table()
    const [writer, other] = [await backendOf(table), await backendOf(table)]
    await writer.persist('a', '1')
    const [head] = await it.sql('SELECT * FROM durabledict_model_versions WHERE dict LIKE $1', [`%${table}%`])
    for (const stored of ['2', '3', '4']) await writer.persist('a', stored)
    await other.register(presence('lost', { bound: LONG, version: await other.lastUpdated() }), LONG)
    await other.register(presence('found', { bound: LONG }), LONG)
    // The head alone is restored: the log still has what was lost.
    const restored =
      'UPDATE durabledict_model_versions SET number = $1, nonce = $2, bytes = $3, history = $4 WHERE dict = $5'
    await it.sql(restored, [head?.number, head?.nonce, head?.bytes, head?.history, head?.dict])
    await writer.persist('a', '5')
    const version = await writer.lastUpdated()
    const reported: string[] = []
    const ended = new AbortController()
    const waiting = writer.awaitAcknowledgements(version, ['lost', 'found'], id => reported.push(id), ended.signal)
    await other.acknowledge('found', version)
    await until(() => reported.length > 0, 'the other one is reported')
    for (const stored of ['6', '7', '8']) await writer.persist('a', stored)
    await other.acknowledge('lost', await other.lastUpdated())
    await waiting
    expect(reported).toEqual(['found', 'lost'])
    ended.abort()
  })
})

describe('a row that cannot be read', () => {
  test.each([
    ['is of a later release', `format = 99`],
    ['is not JSON', `record = 'x'`],
    ['has other members', `record = '{"host":1}'`],
  ])('%s: it is reported, and the others are listed', async (_what, change) => {
    const { it } = database
    const table = await it.table()
    const backend = await backendOf(table)
    for (const id of ['one', 'two']) await backend.register(presence(id, { bound: 50 }), LONG)
    await it.sql(`UPDATE durabledict_model_replicas SET ${change} WHERE id = 'one' AND dict LIKE $1`, [`%${table}%`])
    const registry = await backend.replicas()
    expect(registry.replicas.map(({ id }) => id)).toEqual(['two'])
    expect(registry.damage).toContain('durabledict_model_replicas')
    const dict = await it.open(table, { replicas: false })
    const begun = performance.now()
    await dict.set('a', 1, { everywhere: true })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(50)
  })
})

test('a bound that an earlier release recorded is waited for, and stays recorded', async () => {
  const { it } = database
  const table = await it.table()
  const backend = await backendOf(table)
  await backend.register(presence('one', { bound: 20 }), LONG)
  await it.sql('UPDATE durabledict_model_versions SET bound = 60 WHERE dict LIKE $1', [`%${table}%`])
  expect((await backend.replicas()).unregistered).toBe(60)
  await backend.leave('one')
  for (let n = 0; n < 3; n += 1) await backend.register(presence('two'), LONG)
  expect(await boundOf(table)).toBe(60)
})

test('without the table, one warning names the migration, and everywhere waits for the recorded bound', async () => {
  const { it } = database
  const table = await it.table()
  await it.sql('ALTER TABLE durabledict_model_replicas RENAME TO replicas_aside')
  try {
    const dict = await it.open(table)
    await it.open(table, { maxStaleness: 60 })
    await expect(dict.replicas()).rejects.toMatchObject({ code: 'DURABLEDICT_UNSUPPORTED' })
    const begun = performance.now()
    await dict.set('a', 1, { everywhere: true })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(60)
    await until(() => warnings.length > 0, 'it is warned')
    expect(warnings.filter(text => text.includes('replicasMigration'))).toHaveLength(2)
    for (const statement of replicasMigration('postgresql')) await it.sql(statement)
    const again = await it.open(table)
    expect((await again.replicas()).length).toBe(1)
  } finally {
    await it.sql('DROP TABLE durabledict_model_replicas')
    await it.sql('ALTER TABLE replicas_aside RENAME TO durabledict_model_replicas')
  }
})

describe('a process that', () => {
  const worker = fileURLToPath(new URL('./replica-process.js', import.meta.url))
  let child: ChildProcess | undefined

  afterEach(() => void child?.kill('SIGKILL'))

  test('was stopped is waited for until its bound has passed, and forgotten after it was killed', async () => {
    const { it } = database
    const table = await it.table()
    child = spawn(process.execPath, [worker, it.server.url, table, '400'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    const dict = await it.open(table, OFTEN)
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
    await until(async () => (await rowsOf(table)).every(({ bound }) => bound === 0), 'its row has expired')
    await until(async () => (await boundOf(table)) === 0, 'its bound is not recorded any more')
  })
})
