import { afterEach, beforeEach, expect, it } from 'vitest'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { InvalidValueError, SqliteDict, StoreUnavailableError } from '../../src/index.js'
import { rawHandle } from './backend.js'

/** A database in memory: nothing is synced to a disk. */
let raw: OwnHandle
let dict: SqliteDict
let follower: SqliteDict

beforeEach(async () => {
  raw = await rawHandle(':memory:')
  dict = await SqliteDict.open('d', raw)
  follower = await SqliteDict.open('d', raw)
  await dict.update({ old: 0, other: 0 })
  await follower.get('old')
})

afterEach(async () => {
  for (const one of [dict, follower]) await one.close()
  raw.close()
})

/** Memory equals the rows, in processes that were open before and in one that was not. */
async function expectRows(rows: Record<string, unknown>): Promise<void> {
  const opened = await SqliteDict.open('d', raw)
  for (const one of [dict, follower, opened])
    expect(new Map(await one.entries())).toEqual(new Map(Object.entries(rows)))
  await opened.close()
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    error => error.constructor,
  )

const SETS: [string, string][] = [
  ['skips', 'BEFORE INSERT ON %s WHEN NEW.key = char(98) BEGIN SELECT RAISE(IGNORE); END'],
  ['alters', "AFTER INSERT ON %s WHEN NEW.key = 'b' BEGIN UPDATE %s SET value = '9' WHERE key = 'b'; END"],
  ['renames', "AFTER INSERT ON %s WHEN NEW.key = 'b' BEGIN UPDATE %s SET key = 'c' WHERE key = 'b'; END"],
  ['removes', "AFTER INSERT ON %s WHEN NEW.key = 'b' BEGIN DELETE FROM %s WHERE key = 'b'; END"],
  ['refuses', "BEFORE INSERT ON %s WHEN NEW.key = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END"],
]

const create = (sql: string, table: string, temporary = '') =>
  raw.exec(`CREATE ${temporary} TRIGGER t ${sql.replaceAll('%s', table)}`)

it.each(SETS)('rejects only the write whose row a trigger %s', async (_what, sql) => {
  create(sql, 'durabledict_entries')
  const writes = [dict.set('a', 1), dict.set('b', 2), dict.set('a2', 3)].map(outcome)
  expect(await Promise.all(writes)).toEqual(['done', InvalidValueError, 'done'])
  await expectRows({ old: 0, other: 0, a: 1, a2: 3 })
})

it('rejects a write whose row a temporary trigger of the connection skips', async () => {
  create(SETS[0]?.[1] as string, 'main.durabledict_entries', 'TEMPORARY')
  expect(await outcome(dict.set('b', 2))).toBe(InvalidValueError)
  await expectRows({ old: 0, other: 0 })
})

it.each<[string, (dict: SqliteDict) => Promise<unknown>]>([
  ['delete', dict => dict.delete('old')],
  ['pop', dict => dict.pop('old')],
  ['clear', dict => dict.clear()],
])('rejects %s if a trigger skips it', async (_what, write) => {
  create('BEFORE DELETE ON %s BEGIN SELECT RAISE(IGNORE); END', 'DurableDict_Entries')
  expect(await outcome(write(dict))).toBe(InvalidValueError)
  await expectRows({ old: 0, other: 0 })
})

it.each([
  ['changes', 'BEFORE INSERT ON %s BEGIN SELECT RAISE(IGNORE); END'],
  ['changes', "AFTER INSERT ON %s BEGIN UPDATE %s SET value = '9' WHERE number = NEW.number; END"],
  ['heads', 'BEFORE UPDATE ON %s BEGIN SELECT RAISE(IGNORE); END'],
  ['heads', 'AFTER UPDATE ON %s WHEN OLD.nonce <> NEW.nonce BEGIN UPDATE %s SET history_floor = history_position; END'],
  ['commits', 'BEFORE INSERT ON %s BEGIN SELECT RAISE(IGNORE); END'],
  ['commits', "AFTER INSERT ON %s BEGIN UPDATE %s SET nonce = 'abc'; END"],
  ['commit_keys', 'BEFORE INSERT ON %s BEGIN SELECT RAISE(IGNORE); END'],
  ['commit_keys', "BEFORE INSERT ON %s BEGIN SELECT RAISE(ABORT, 'no'); END"],
])('rejects all writes if a trigger on durabledict_%s hides them from others: %s', async (table, sql) => {
  create(sql, `durabledict_${table}`)
  expect(await outcome(dict.set('a', 1))).toBe(StoreUnavailableError)
  await expectRows({ old: 0, other: 0 })
})

it('rejects a whole batch that a trigger rolls back, and writes nothing of it', async () => {
  create("BEFORE INSERT ON %s WHEN NEW.key = 'b' BEGIN SELECT RAISE(ROLLBACK, 'no'); END", 'durabledict_entries')
  const writes = [dict.set('a', 1), dict.set('b', 2), dict.set('a2', 3)].map(outcome)
  expect(await Promise.all(writes)).toEqual(Array(3).fill(StoreUnavailableError))
  await expectRows({ old: 0, other: 0 })
  await dict.set('a', 1)
  await expectRows({ old: 0, other: 0, a: 1 })
})

it('rejects maxStaleness if a trigger prevents its bound from being recorded', async () => {
  create('BEFORE UPDATE ON %s BEGIN SELECT RAISE(IGNORE); END', 'durabledict_heads')
  expect(await outcome(SqliteDict.open('d', raw, { maxStaleness: 50 }))).toBe(StoreUnavailableError)
})

it('writes as usual with triggers that write elsewhere', async () => {
  raw.exec('CREATE TABLE audit (key)')
  create('AFTER INSERT ON %s BEGIN INSERT INTO audit VALUES (NEW.key); END', 'durabledict_entries')
  await Promise.all([dict.set('a', 1), dict.update({ old: 1, b: 2 }), dict.delete('other')])
  await dict.transact(tx => tx.set('b', 3))
  await expectRows({ old: 1, a: 1, b: 3 })
  await dict.clear()
  await dict.set('a', new Uint8Array([1]))
  expect(await follower.get('a')).toEqual(new Uint8Array([1]))
  expect(raw.prepare('SELECT count(DISTINCT key) AS n FROM audit').get()).toMatchObject({ n: 2 })
})
