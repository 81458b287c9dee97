import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import postgres from 'postgres'
import { beforeAll, describe, expect, test } from 'vitest'
import { NotSent } from '../../src/backends/postgres/clients/client.js'
import { databaseOf } from '../../src/backends/postgres/clients/recognise.js'
import { AmbiguousWriteError, InvalidValueError, PostgresDict, StoreUnavailableError } from '../../src/postgres.js'
import { rejection, until } from '../model/test-database.js'
import { startWireProxy, type WireProxy } from '../model/wire-proxy.js'
import { startPausingProxy } from '../servers/pausing-proxy.js'
import { testServer } from './test-server.js'

const server = testServer()
let proxy: WireProxy

beforeAll(async () => {
  proxy = await startWireProxy(server.it.server.port as number)
  return () => proxy.close()
})

/** How many statements wait for a lock. */
async function waiting(): Promise<number> {
  const [row] = await server.it.sql<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'durabledict_(commit|set)_1[(]'`,
  )
  return Number(row?.count)
}

async function changesOf(name: string): Promise<number> {
  const [row] = await server.it.sql<{ count: string }>(
    'SELECT count(*) FROM durabledict_changes WHERE dictionary = $1',
    [name],
  )
  return Number(row?.count)
}

/** Locks the head of a dictionary until the returned function is called. */
async function lockHead(name: string): Promise<() => Promise<unknown>> {
  const connection = await server.it.connection()
  await connection.query('BEGIN')
  await connection.query('SELECT FROM durabledict_heads WHERE dictionary = $1 FOR UPDATE', [name])
  return () => connection.query('COMMIT')
}

describe('a connection that is lost during a commit', () => {
  for (const when of ['before', 'after'] as const) {
    test(`${when} it was executed: the write takes effect once`, async () => {
      const { it } = server
      const name = it.name()
      const dict = await it.open(name, {}, it.pool({ url: proxy.url }))
      await dict.update({ popped: 1, deleted: 2 })
      const writes: [() => Promise<unknown>, unknown][] = [
        [() => dict.pop('popped'), 1],
        [() => dict.delete('deleted', { by: 'deleter' }), true],
        [() => dict.setDefault('new', 3), 3],
        [() => dict.set('set', 4), undefined],
        [() => dict.transact(async tx => tx.set('counted', ((await tx.get('set')) as number) + 1)), undefined],
      ]
      for (const [write, result] of writes) {
        const [cuts, changes] = [proxy.cuts, await changesOf(name)]
        proxy.cut(when)
        expect(await write()).toBe(result)
        expect(proxy.cuts).toBe(cuts + 1)
        expect(await changesOf(name)).toBe(changes + 1)
      }
      expect(await dict.history().toArray()).toHaveLength(6)
      expect(Object.fromEntries(await dict.entries())).toEqual({ new: 3, set: 4, counted: 5 })
    })
  }

  test('an attempt that still waits in the server, and the one after it, are executed once', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name, {}, it.pool({ url: proxy.url }))
    await dict.set('a', 1)
    const unlock = await lockHead(name)
    const popped = dict.pop('a')
    await until(async () => (await waiting()) === 1, 'the first attempt waits')
    proxy.drop()
    await until(async () => (await waiting()) === 2, 'the second attempt waits as well')
    const other = await it.open(name)
    const overwritten = other.set('a', 2)
    await until(async () => (await waiting()) === 3, 'another write waits behind both')
    await unlock()
    expect(await popped).toBe(1)
    await overwritten
    expect(await dict.get('a')).toBe(2)
    expect(await dict.history().toArray()).toHaveLength(3)
  })

  test('a server that stays away makes the outcome unknown', async () => {
    const { it } = server
    const url = await startWireProxy(it.server.port as number)
    it.cleanup.push(() => url.close())
    const dict = await it.open(it.name(), { timeout: 400 }, it.pool({ url: url.url }))
    url.cut('after', 'stays away')
    expect(await rejection(dict.set('a', 1))).toBeInstanceOf(AmbiguousWriteError)
  })

  test('pg_terminate_backend during a commit repeats it', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name)
    const unlock = await lockHead(name)
    const written = dict.set('a', 1)
    await until(async () => (await waiting()) === 1, 'the write waits')
    await it.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'durabledict_(commit|set)_1[(]'`,
    )
    await unlock()
    await written
    expect(await dict.get('a')).toBe(1)
    expect(await dict.history().toArray()).toHaveLength(1)
  })
})

test('a connection that ends together with its beginning does not end the process', async () => {
  const { it } = server
  const port = it.server.port as number
  // What the server says of its beginning and of its end arrives in one piece.
  const merging = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    client.on('error', () => {}).pipe(upstream)
    upstream.on('data', chunk => chunks.push(chunk)).on('end', () => client.end(Buffer.concat(chunks)))
    // BackendKeyData: the id of the server's process.
    upstream.once('data', chunk =>
      it.sql('SELECT pg_terminate_backend($1)', [chunk.readInt32BE(chunk.indexOf('K\0\0\0\f') + 5)]),
    )
  }).listen(0, '127.0.0.1')
  await once(merging, 'listening')
  it.cleanup.push(() => merging.close())
  const url = `postgres://postgres@127.0.0.1:${(merging.address() as AddressInfo).port}/postgres`
  const opening = it.open(it.name(), { timeout: 500 }, it.pool({ url }))
  expect(await rejection(opening)).toBeInstanceOf(StoreUnavailableError)
})

test('a pool that only returns promises works as well', async () => {
  const { it } = server
  const pool = it.pool()
  const wrapped = { totalCount: 0, query: () => {}, connect: () => pool.connect() }
  const dict = await PostgresDict.open(it.name(), wrapped as never)
  await dict.set('a', 1)
  expect(await dict.get('a')).toBe(1)
  await dict.close()
})

test('a call by postgres.js that gave up while it connected does not block the connection, and is never executed', async () => {
  const { it } = server
  const slow = await startPausingProxy(it.server.port as number)
  it.cleanup.push(() => slow.close())
  const sql = postgres(`postgres://postgres@127.0.0.1:${slow.port}/postgres`, { max: 1, connect_timeout: 60 })
  it.cleanup.push(() => sql.end({ timeout: 0 }))
  const name = it.name()
  await (await it.open(name)).set('a', 1)
  const text = `INSERT INTO durabledict_entries (dictionary, key, value) VALUES ($1, $2, '0')`
  slow.pause(true)
  const calls = ['b', 'c', 'd'].map(key =>
    databaseOf(sql).run({ text, values: [name, key], name: 'insert' }, AbortSignal.timeout(50), 0),
  )
  for (const error of await Promise.all(calls.map(rejection))) expect(error).toBeInstanceOf(NotSent)
  slow.pause(false)
  const dict = await PostgresDict.open(name, sql)
  expect(await dict.keys()).toEqual(['a'])
  await dict.close()
})

describe('a call that cannot be executed in time', () => {
  test('rejects while another transaction holds the lock, and writes nothing', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name, { timeout: 500 })
    const unlock = await lockHead(name)
    const error = await rejection(dict.set('a', 1))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    await unlock()
    expect(await dict.get('a')).toBeUndefined()
  })

  test('rejects while the pool has no free connection, and writes nothing', async () => {
    const { it } = server
    const pool = it.pool({ max: 1 })
    const dict = await it.open(it.name(), { timeout: 300 }, pool)
    const client = await pool.connect()
    const errors = await Promise.all([dict.set('a', 1), dict.get('a')].map(rejection))
    for (const error of errors) expect(error).toBeInstanceOf(StoreUnavailableError)
    client.release()
    expect(await dict.get('a')).toBeUndefined()
    expect(await dict.history().toArray()).toEqual([])
    await dict.set('a', 2)
  })

  test('rejects after the statement_timeout of the session', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name, {}, it.pool({ statement_timeout: 200 }))
    const unlock = await lockHead(name)
    expect(await rejection(dict.set('a', 1))).toBeInstanceOf(StoreUnavailableError)
    await unlock()
    await dict.set('a', 2)
    expect(await dict.get('a')).toBe(2)
  })
})

test('a write that takes too long in the database ends there as well, and writes nothing', async () => {
  const { it } = server
  const name = it.name()
  const dict = await it.open(name, { timeout: 400 })
  await it.sql(
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;
     CREATE TRIGGER slow BEFORE INSERT ON durabledict_entries FOR EACH ROW WHEN (NEW.dictionary = '${name}') EXECUTE FUNCTION slow()`,
  )
  it.cleanup.unshift(() => it.sql('DROP FUNCTION slow CASCADE'))
  expect(await rejection(dict.update({ a: 1, b: 2 }))).toBeInstanceOf(Error)
  const sleeping = `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`
  await until(async () => (await it.sql(sleeping)).length === 0, 'nothing runs any more')
  expect(await dict.size()).toBe(0)
})

test('a value that the database refuses fails alone, also in a batch', async () => {
  const { it } = server
  const name = it.name()
  const dict = await it.open(name)
  await it.sql(`ALTER TABLE durabledict_entries ADD CONSTRAINT even CHECK (dictionary <> '${name}' OR value <> '13')`)
  it.cleanup.unshift(() => it.sql('ALTER TABLE durabledict_entries DROP CONSTRAINT even'))
  const [first, refused, last] = await Promise.allSettled([dict.set('a', 1), dict.set('b', 13), dict.set('c', 2)])
  expect([first.status, refused.status, last.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const { reason } = refused as PromiseRejectedResult
  expect(reason).toBeInstanceOf(InvalidValueError)
  expect(reason).toMatchObject({ key: 'b', message: expect.stringMatching(/constraint "even"/) })
  expect(Object.fromEntries(await dict.entries())).toEqual({ a: 1, c: 2 })
})

test('a writer in a transaction of its own that deadlocks is retried', async () => {
  const { it } = server
  const name = it.name()
  const dict = await it.open(name)
  await dict.update({ a: 1 })
  const connection = await it.connection()
  await connection.query('BEGIN')
  await connection.query(`UPDATE durabledict_entries SET value = '2' WHERE dictionary = $1`, [name])
  const written = dict.set('a', 3)
  await until(async () => (await waiting()) === 1, 'the write waits for the row')
  // It waits for the head, which the write holds: PostgreSQL ends one of the two.
  await connection.query('SELECT FROM durabledict_heads WHERE dictionary = $1 FOR UPDATE', [name]).catch(() => {})
  await connection.query('ROLLBACK')
  await written
  expect(await dict.get('a')).toBe(3)
})

/** Copies what belongs to a dictionary. Returns a function that puts it back. */
async function backUp(name: string): Promise<() => Promise<void>> {
  const { it } = server
  const TABLES = ['entries', 'heads', 'changes', 'commits']
  for (const table of TABLES)
    await it.sql(`CREATE TABLE backup_${table} AS SELECT * FROM durabledict_${table} WHERE dictionary = '${name}'`)
  return async () => {
    for (const table of TABLES) {
      await it.sql(
        `SET session_replication_role = replica; DELETE FROM durabledict_${table} WHERE dictionary = '${name}';
         INSERT INTO durabledict_${table} SELECT * FROM backup_${table}; DROP TABLE backup_${table}; RESET session_replication_role`,
      )
    }
  }
}

test('a write whose answer is lost after a backup was restored takes effect at most once', async () => {
  const { it } = server
  const name = it.name()
  const dict = await it.open(name, { autosync: false }, it.pool({ url: proxy.url }))
  await dict.set('popped', 1)
  const restore = await backUp(name)
  for (let count = 0; count < 3; count += 1) await dict.set('lost', count)
  await restore()
  const changes = await changesOf(name)
  proxy.cut('after')
  expect(await rejection(dict.pop('popped'))).toBeInstanceOf(AmbiguousWriteError)
  expect(await changesOf(name)).toBe(changes)
  expect(await dict.pop('popped')).toBe(1)
  expect(await changesOf(name)).toBe(changes + 1)
})

test('a write that does not know of a restored backup takes effect once', async () => {
  const { it } = server
  const name = it.name()
  const dict = await it.open(name, { autosync: false })
  await dict.set('popped', 1)
  const restore = await backUp(name)
  for (let count = 0; count < 3; count += 1) await dict.set('lost', count)
  await restore()
  const changes = await changesOf(name)
  expect(await dict.pop('popped')).toBe(1)
  expect(await changesOf(name)).toBe(changes + 1)
})

/** Removes all changes but the latest from the log. */
async function trimLog(name: string): Promise<void> {
  await server.it.sql(
    `DELETE FROM durabledict_changes c USING durabledict_heads h
    WHERE c.dictionary = $1 AND h.dictionary = $1 AND c.number < h.number`,
    [name],
  )
}

test('an attempt that arrives when the log has forgotten the one after it is not executed', async () => {
  const { it } = server
  const name = it.name()
  const dict = await it.open(name)
  await dict.set('a', 1)
  const unlock = await lockHead(name)
  const popped = dict.pop('a')
  await until(async () => (await waiting()) === 1, 'the attempt waits')
  const [attempt] = await it.sql<{ query: string }>(
    `SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'durabledict_commit_1[(]'`,
  )
  await unlock()
  expect(await popped).toBe(1)
  await dict.set('a', 2)
  await trimLog(name)
  const late = await rejection(it.sql(attempt?.query as string))
  expect(late).toMatchObject({ code: 'DD004' })
  expect(await dict.get('a')).toBe(2)
})

test('a write of a dictionary that is further behind than the log reaches is executed', async () => {
  const { it } = server
  const name = it.name()
  const [dict, other] = [await it.open(name, { autosync: false }), await it.open(name)]
  await dict.set('a', 1)
  for (let count = 2; count < 5; count += 1) await other.set('b', count)
  await trimLog(name)
  expect(await dict.pop('a')).toBe(1)
  expect(Object.fromEntries(dict.local)).toEqual({ b: 4 })
  expect(await dict.history().toArray()).toHaveLength(5)
})

test('a restored state is noticed, although its number is the same', async () => {
  const { it } = server
  const name = it.name()
  const dict = await it.open(name)
  await dict.set('a', 'old')
  const restore = await backUp(name)
  await dict.set('a', 'lost')
  const lost = (await dict.history({ limit: 1 }).toArray())[0]?.id
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  await restore()
  const other = await it.open(name)
  await other.set('b', 'new')
  expect(await dict.get('a')).toBe('old')
  expect(await dict.get('b')).toBe('new')
  expect(reasons).toContain('diverged')
  expect((await dict.history().toArray()).map(({ id }) => id)).not.toContain(lost)
})
