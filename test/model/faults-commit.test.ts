import { beforeAll, describe, expect, test } from 'vitest'
import {
  AmbiguousWriteError,
  InvalidValueError,
  kyselyManager,
  StoreUnavailableError,
  versionTables,
} from '../../src/index.js'
import { memoryVersions } from './memory-versions.js'
import { rejection, testDatabase, until } from './test-database.js'
import { startWireProxy, type WireProxy } from './wire-proxy.js'

const database = testDatabase()
let proxy: WireProxy

beforeAll(async () => {
  proxy = await startWireProxy(database.it.server.port as number)
  return () => proxy.close()
})

async function increment(dict: Awaited<ReturnType<typeof database.it.open>>, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await dict.transact(async tx => tx.set('n', (((await tx.get('n')) as number | undefined) ?? 0) + 1))
  }
}

describe('a connection cut in the middle of a commit', () => {
  for (const when of ['before', 'after'] as const) {
    test(`${when} it was executed: the write takes effect once`, async () => {
      const { it } = database
      const table = await it.table()
      const other = await it.open(table, { live: true, pollEvery: 20, autosync: false })
      const dict = await it.open(table, {}, { url: proxy.url })
      await dict.update({ popped: 1, deleted: 2 })
      await other.sync()
      const seen: unknown[] = []
      other.on('change', ({ key, value }) => seen.push([key, value]))
      const writes: [() => Promise<unknown>, unknown][] = [
        [() => dict.as({ by: 'popper' }).pop('popped'), 1],
        [() => dict.delete('deleted', { by: 'deleter' }), true],
        [() => dict.setDefault('new', 3), 3],
        [() => dict.set('set', 4, { by: 'setter' }), undefined],
        [() => dict.transact(async tx => tx.set('counted', ((await tx.get('set')) as number) + 1)), undefined],
      ]
      for (const [write, result] of writes) {
        const [cuts, changes] = [proxy.cuts, await it.changes(table)]
        proxy.cut(when)
        expect(await write()).toBe(result)
        expect(proxy.cuts).toBe(cuts + 1)
        expect(await it.changes(table)).toBe(changes + 1)
      }
      expect((await dict.history().toArray()).map(({ by, changes }) => [by, changes[0]?.key])).toEqual([
        [undefined, 'counted'],
        ['setter', 'set'],
        [undefined, 'new'],
        ['deleter', 'deleted'],
        ['popper', 'popped'],
        [undefined, 'popped'],
      ])
      const now = { counted: 5, new: 3, set: 4 }
      expect(await it.rows(table)).toEqual(now)
      expect(Object.fromEntries(dict.local)).toEqual(now)
      await until(() => seen.length >= 5, 'the other has seen all')
      expect(seen).toEqual([
        ['popped', undefined],
        ['deleted', undefined],
        ['new', 3],
        ['set', 4],
        ['counted', 5],
      ])
    })

    test(`${when} it was executed, and the server stays down: the write rejects as ambiguous, and is resolved later`, async () => {
      const { it } = database
      const own = await startWireProxy(it.server.port as number)
      it.cleanup.push(() => own.close())
      const table = await it.table()
      const other = await it.open(table)
      const dict = await it.open(table, { timeout: 400 }, { url: own.url })
      await dict.set('a', 1)
      own.cut(when, 'stays away')
      const error = await rejection(dict.set('a', 2))
      expect(error).toBeInstanceOf(AmbiguousWriteError)
      expect(error.message).toContain('"a"')
      await until(async () => (await it.busy()) === 0, 'the transaction has ended')
      expect(await other.get('a')).toBe(when === 'before' ? 1 : 2)
      expect(await it.changes(table)).toBe(when === 'before' ? 1 : 2)
    })

    test(`${when} it was executed, with versions in a cache: the write rejects as ambiguous, and no replica is stale`, async () => {
      const { it } = database
      const table = await it.table()
      const cache = memoryVersions()
      const other = await it.open(table, { cache })
      const dict = await it.open(table, { cache }, { url: proxy.url })
      await dict.set('a', 1)
      expect(await other.get('a')).toBe(1)
      proxy.cut(when)
      expect(await rejection(dict.set('a', 2))).toBeInstanceOf(AmbiguousWriteError)
      const expected = when === 'before' ? 1 : 2
      expect(await it.rows(table)).toEqual({ a: expected })
      expect(await Promise.all([other.get('a'), dict.get('a')])).toEqual([expected, expected])
    })
  }

  test('while someone removed the head: the write rejects as ambiguous', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table, {}, { url: proxy.url })
    await it.sql('DELETE FROM durabledict_model_versions WHERE dict LIKE $1', [`%${table}%`])
    proxy.cut('before')
    expect(await rejection(dict.set('a', 1))).toBeInstanceOf(AmbiguousWriteError)
    await dict.set('a', 2)
    expect(await it.rows(table)).toEqual({ a: 2 })
  })
})

describe('transactions of the application', () => {
  test('that lock the rows in the opposite order deadlock, and the write is retried and succeeds', async () => {
    const { it } = database
    const table = await it.table()
    // It checks for deadlocks first, and so is the victim.
    const dict = await it.open(table, {}, { url: `${it.server.url}?options=-c%20deadlock_timeout%3D100ms` })
    await dict.update({ a: 1, b: 1 })
    const other = await it.connection()
    await other.query(`BEGIN; SET LOCAL deadlock_timeout = '10s'; UPDATE ${table} SET value = '5' WHERE key = 'b'`)
    const write = dict.update({ a: 2, b: 2 })
    const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE '%${table}%'`
    await until(async () => (await it.sql(waits)).length > 0, 'the dictionary waits for row b')
    await other.query(`UPDATE ${table} SET value = '5' WHERE key = 'a'`)
    await other.query('COMMIT')
    await write
    expect(await it.rows(table)).toEqual({ a: 2, b: 2 })
    expect(await dict.get('a')).toBe(2)
  })

  for (const level of ['serializable', 'repeatable read']) {
    test(`in a ${level} database: a write that cannot be serialized is retried`, async () => {
      const { it } = database
      const table = await it.table()
      const name = `isolated_${level.replace(' ', '_')}`
      await it.sql(`CREATE DATABASE ${name}`)
      await it.sql(`ALTER DATABASE ${name} SET default_transaction_isolation = '${level}'`)
      const url = it.server.url.replace(/postgres$/, name)
      const { db, pool, errors } = it.application({ url, max: 9 })
      for (const sql of versionTables('postgresql')) await pool.query(sql)
      await pool.query(`CREATE TABLE ${table} (key text PRIMARY KEY, value text NOT NULL)`)
      const dicts = await Promise.all([1, 2, 3].map(() => it.openOn(kyselyManager(db, table))))
      await Promise.all(dicts.map(dict => increment(dict, 10)))
      expect(await Promise.all(dicts.map(dict => dict.get('n')))).toEqual([30, 30, 30])
      expect(errors.filter(error => (error as { code?: string }).code === '40001').length).toBeGreaterThan(0)
      await Promise.all(dicts.map(dict => dict.touch('n')))
    })
  }

  test('that lock the head: the write times out and writes nothing', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table, { timeout: 300 })
    await dict.set('a', 1)
    const other = await it.connection()
    await other.query('BEGIN')
    await other.query('SELECT 1 FROM durabledict_model_versions WHERE dict LIKE $1 FOR UPDATE', [`%${table}%`])
    const startedAt = performance.now()
    const errors = await Promise.all([dict.set('a', 2), dict.pop('a'), dict.clear()].map(rejection))
    for (const error of errors) expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    // Reads need no lock.
    expect(await dict.get('a')).toBe(1)
    expect(await rejection(dict.touch('a'))).toBeInstanceOf(StoreUnavailableError)
    await other.query('COMMIT')
    await until(async () => (await it.busy()) === 0, 'nothing waits any more')
    expect(await it.rows(table)).toEqual({ a: 1 })
    await dict.set('a', 3)
  })

  test('that insert the same keys: each set, setDefault and pop is atomic', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table, { autosync: false })
    for (let round = 0; round < 30; round += 1) {
      const key = `key ${round}`
      const insert = it.sql(`INSERT INTO ${table} VALUES ($1, '"theirs"') ON CONFLICT DO NOTHING RETURNING key`, [key])
      const write = round % 2 === 0 ? dict.set(key, 'ours') : dict.setDefault(key, 'ours')
      const [inserted, given] = await Promise.all([insert, write])
      const now = (await it.rows(table))[key]
      if (round % 2 === 1) expect([now, given]).toEqual(inserted.length > 0 ? ['theirs', 'theirs'] : ['ours', 'ours'])
      else if (inserted.length === 0) expect(now).toBe('ours')
    }
  })

  test('that insert a row between our check and our insert: the write is retried, also when groups are written separately', async () => {
    const { it } = database
    const table = await it.table('key text PRIMARY KEY, value text NOT NULL CHECK (length(value) < 20)')
    const dict = await it.open(table)
    const other = await it.connection()
    await other.query(`BEGIN; INSERT INTO ${table} VALUES ('a', '"theirs"')`)
    const results = Promise.allSettled([dict.setDefault('a', 'ours'), dict.set('b', 'x'.repeat(30)), dict.set('c', 1)])
    const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE '%insert into%${table}%'`
    await until(async () => (await it.sql(waits)).length > 0, 'the dictionary waits for the row')
    await other.query('COMMIT')
    const [a, b, c] = await results
    expect(a).toEqual({ status: 'fulfilled', value: 'theirs' })
    expect((b as PromiseRejectedResult).reason).toBeInstanceOf(InvalidValueError)
    expect(c?.status).toBe('fulfilled')
    expect(await it.rows(table)).toEqual({ a: 'theirs', c: 1 })
  })
})
