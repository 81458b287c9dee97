import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ClosedError, kyselyManager, ModelDict, StoreUnavailableError } from '../../src/index.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import { poolOf, rejection, TestDatabase, until } from './test-database.js'

let it: TestDatabase
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durabledict-model-'))
  it = await TestDatabase.start({ folder })
})

afterEach(() => it.clean())

afterAll(async () => {
  await it?.end()
  await rm(folder, { recursive: true, force: true })
})

/** The same server, with its data, on the same port. */
async function startAgain(): Promise<void> {
  it.server = await startServer(postgres, { folder, port: it.server.port as number })
}

/** Client connections that listen or have listened. */
async function listeners(): Promise<number> {
  return (await it.sql(`SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`)).length
}

/** A connection to listen on; the option accepts one, or a function that makes one. */
async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: it.server.url })
  client.on('error', () => {})
  await client.connect()
  return client
}

interface Connected {
  readonly connection: { readonly stream: { readonly _handle: { hasRef(): boolean } } }
}

describe('the server is restarted', () => {
  test('calls reject while it is down, reads from memory work, and everything recovers when it is up', async () => {
    const table = await it.table()
    const dict = await it.open(table)
    const memory = await it.open(table, { autosync: false })
    const made: pg.Client[] = []
    const listen = async () => {
      const client = await connected()
      made.push(client)
      return client
    }
    const live = await it.open(table, { live: true, autosync: false, maxStaleness: 400, listen })
    const lost = await connected()
    const fallen = await it.open(table, { live: true, autosync: false, maxStaleness: 400, listen: lost })
    await dict.set('a', 1)
    await until(() => [live, fallen].every(one => one.local.get('a') === 1), 'both are notified')
    const events: [string, unknown][] = []
    for (const one of [live, fallen]) {
      one.on('stale', ({ cause }) => events.push(['stale', cause]))
      one.on('fresh', () => events.push(['fresh', undefined]))
    }
    await it.server.stop()
    const calls = [dict.get('a'), dict.size(), dict.snapshot(), memory.sync(), dict.set('a', 2), dict.touch('a')]
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.cause).toBeInstanceOf(Error)
    }
    expect([dict, memory, live].map(one => one.local.get('a'))).toEqual([1, undefined, 1])
    await until(() => events.filter(([name]) => name === 'stale').length === 2, 'both know that they are stale')
    expect(events.every(([, cause]) => cause instanceof Error)).toBe(true)
    await startAgain()
    expect(await dict.get('a')).toBe(1)
    await dict.set('a', 3)
    await memory.set('b', 4)
    expect(Object.fromEntries(memory.local)).toEqual({ a: 3, b: 4 })
    await until(() => [live, fallen].every(one => one.local.get('b') === 4), 'both have what was written meanwhile')
    await until(() => events.filter(([name]) => name === 'fresh').length === 2, 'both are fresh again')
    // The dictionary with the function has a new connection; the other one polls.
    await until(async () => (await listeners()) === 1, 'one listens again')
    await dict.set('a', 5)
    await until(() => [live, fallen].every(one => one.local.get('a') === 5), 'both follow')
    await Promise.all([live.close(), fallen.close()])
    await until(async () => (await listeners()) === 0, 'no connection is left')
    for (const client of made) expect(client.listenerCount('notification')).toBe(0)
    expect(lost.listenerCount('notification')).toBe(0)
  })

  test('during writes: each takes effect once, or rejects and never takes effect', async () => {
    const table = await it.table()
    const dicts = await Promise.all([1, 2, 3].map(() => it.open(table)))
    let running = true
    const outcomes: { key: string; code: string | undefined }[] = []
    const write = async (dict: (typeof dicts)[number], who: number) => {
      for (let n = 0; running; n += 1) {
        const key = `${who}-${n}`
        const code = await dict.set(key, n).then(
          () => undefined,
          error => (error as { code: string }).code,
        )
        outcomes.push({ key, code })
        if (code) await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
    const writers = dicts.map(write)
    await until(() => outcomes.length > 30, 'they write')
    await it.server.stop()
    await startAgain()
    const before = outcomes.length
    await until(() => outcomes.slice(before).filter(({ code }) => code === undefined).length > 30, 'they write again')
    running = false
    await Promise.all(writers)
    const rows = await it.rows(table)
    for (const { key, code } of outcomes) {
      if (code === undefined) expect(rows, `${key} was acknowledged`).toHaveProperty(key)
      else if (code === 'DURABLEDICT_STORE_UNAVAILABLE') expect(rows, `${key} was refused`).not.toHaveProperty(key)
      else expect(code).toBe('DURABLEDICT_AMBIGUOUS_WRITE')
    }
    expect(await it.changes(table)).toBe(Object.keys(rows).length)
    await Promise.all(dicts.map(dict => dict.sync()))
    for (const dict of dicts) expect(Object.fromEntries(dict.local)).toEqual(rows)
  })
})

describe('the pool is exhausted', () => {
  test('reads and writes reject within the timeout, and a rejected write is never written', async () => {
    const table = await it.table()
    const { pool, db } = it.application({ max: 1 })
    const dict = await it.openOn(kyselyManager(db, table), { timeout: 300 })
    await dict.set('a', 1)
    const held = await pool.connect()
    const startedAt = performance.now()
    const calls = [dict.get('a'), dict.set('a', 2), dict.setDefault('b', 2), dict.touch('a')]
    for (const error of await Promise.all(calls.map(rejection))) expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    held.release()
    // Everything that waited for the connection is done when a new caller gets it.
    await until(() => pool.waitingCount === 0 && pool.idleCount === 1, 'the abandoned calls have had their turn')
    expect(await it.rows(table)).toEqual({ a: 1 })
    expect(await it.changes(table)).toBe(1)
    expect(await dict.get('a')).toBe(1)
    await dict.set('a', 3)
  })

  test('open() rejects within the timeout or when the signal is aborted', async () => {
    const table = await it.table()
    const { pool, db } = it.application({ max: 1 })
    const held = await pool.connect()
    const error = await rejection(ModelDict.open(kyselyManager(db, table), { timeout: 200 }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('timeout')
    const reason = new Error('no longer wanted')
    const controller = new AbortController()
    const opening = rejection(ModelDict.open(kyselyManager(db, table), { signal: controller.signal }))
    controller.abort(reason)
    expect(await opening).toBe(reason)
    expect(await rejection(ModelDict.open(kyselyManager(db, table), { signal: controller.signal }))).toBe(reason)
    held.release()
    await until(() => pool.waitingCount === 0 && pool.idleCount === 1, 'nothing is held')
  })
})

describe('the server hangs', () => {
  /** The server and all of its processes, one for each connection. */
  async function signalAll(signal: NodeJS.Signals, pids: readonly number[]): Promise<void> {
    for (const pid of pids) process.kill(pid, signal)
  }

  test('a connection that only listens does not keep the process alive', async () => {
    const clients: pg.Client[] = []
    const listen = async () => {
      clients.push(await connected())
      return clients.at(-1) as pg.Client
    }
    const dict = await it.open(await it.table(), { live: true, listen })
    await dict.set('a', 1)
    expect(clients.map(client => (client as never as Connected).connection.stream._handle.hasRef())).toEqual([false])
    await dict.close()
  })

  test('calls and close() end within the timeout, and nothing is written after it resumes', async () => {
    const table = await it.table()
    const dict = await it.open(table, { timeout: 300 }, { max: 3 })
    const closed = await it.open(table, { timeout: 300 })
    const live = await it.open(table, {
      timeout: 300,
      live: true,
      autosync: false,
      maxStaleness: 300,
      listen: connected,
    })
    const { db } = it.application({ max: 1 })
    await dict.set('a', 1)
    await Promise.all([closed.get('a'), db.introspection.getTables()])
    let stale = 0
    live.on('stale', () => {
      stale += 1
    })
    const backends = await it.sql<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
    const [own] = await it.sql<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const pids = [it.server.pid as number, ...new Set([...backends, ...(own ? [own] : [])].map(({ pid }) => pid))]
    await signalAll('SIGSTOP', pids)
    try {
      const startedAt = performance.now()
      const opening = ModelDict.open(kyselyManager(db, table), { timeout: 300 })
      const calls = [dict.get('a'), dict.set('a', 2), dict.pop('a'), closed.get('a'), opening]
      const errors = await Promise.all(calls.map(rejection))
      for (const error of errors) expect(error.message).toContain('timeout')
      expect(performance.now() - startedAt).toBeLessThan(2_000)
      for (const error of [errors[0], errors[3], errors[4]]) expect(error).toBeInstanceOf(StoreUnavailableError)
      await until(() => stale > 0, 'the live one knows that it is stale')
      expect([dict, live].map(one => one.local.get('a'))).toEqual([1, 1])
      await closed.close()
      expect(await rejection(closed.get('a'))).toBeInstanceOf(ClosedError)
    } finally {
      await signalAll('SIGCONT', pids)
    }
    await until(() => live.staleness < 300, 'the live one is fresh again')
    await until(async () => (await it.busy()) === 0, 'the pending calls have ended')
    expect(await it.rows(table)).toEqual({ a: 1 })
    expect(await dict.pop('a')).toBe(1)
  })
})

describe('closing', () => {
  test('during writes: sent writes end, other writes reject, and no connection stays checked out', async () => {
    const table = await it.table()
    const { pool, db } = it.application({ max: 2 })
    const dict = await it.openOn(kyselyManager(db, table))
    const other = await it.connection()
    await other.query(`BEGIN; LOCK TABLE ${table}`)
    const first = dict.set('a', 1)
    await until(async () => (await it.busy()) > 1, 'the first is in progress')
    const second = rejection(dict.set('b', 2))
    const read = rejection(dict.get('a'))
    const closing = dict.close()
    expect(await second).toBeInstanceOf(ClosedError)
    await read
    await other.query('COMMIT')
    await Promise.all([first, closing])
    expect(await it.rows(table)).toEqual({ a: 1 })
    await until(() => pool.idleCount === pool.totalCount, 'no connection is held')
  })

  test('while the connect function hangs: its connection is closed when it arrives', async () => {
    const table = await it.table()
    let give: (client: pg.Client) => void = () => {}
    const opening = rejection(
      it.open(table, { live: true, timeout: 200, listen: () => new Promise<pg.Client>(resolve => (give = resolve)) }),
    )
    expect(await opening).toBeInstanceOf(StoreUnavailableError)
    const client = await connected()
    const ended = new Promise(resolve => client.once('end', resolve))
    give(client)
    await ended
    expect(client.listenerCount('notification')).toBe(0)
  })

  test('with a pool that its owner has ended: calls reject, close() resolves', async () => {
    const table = await it.table()
    const pool = poolOf(it.server.url, 2)
    const dict = await it.openOn(kyselyManager(new Kysely<object>({ dialect: new PostgresDialect({ pool }) }), table))
    await pool.end()
    const errors = await Promise.all([dict.get('a'), dict.set('a', 1)].map(rejection))
    for (const error of errors) expect(error).toBeInstanceOf(StoreUnavailableError)
    await dict.close()
  })
})
