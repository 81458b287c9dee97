import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { InvalidValueError, StoreUnavailableError } from '../../src/index.js'
import { rejection, testDatabase, until } from './test-database.js'

const database = testDatabase()

describe('a value that the table rejects', () => {
  /** The columns, what rejects the write, and what the message contains. */
  const REFUSED: readonly (readonly [what: string, columns: string, key: string, value: unknown, says: RegExp])[] = [
    [
      'too long a value',
      'key text PRIMARY KEY, value varchar(10) NOT NULL',
      'bad',
      'x'.repeat(20),
      /too long.*varying\(10\)/,
    ],
    [
      'too long a key',
      'key varchar(10) PRIMARY KEY, value text NOT NULL',
      'bad'.repeat(5),
      1,
      /too long.*varying\(10\)/,
    ],
    ['a CHECK constraint', `key text PRIMARY KEY, value text CHECK (value <> '7')`, 'bad', 7, /check constraint/],
    [
      'a foreign key',
      `key text PRIMARY KEY REFERENCES known_keys (name), value text`,
      'bad',
      1,
      /foreign key constraint/,
    ],
    [
      'a foreign key that is checked at COMMIT',
      `key text PRIMARY KEY REFERENCES known_keys (name) DEFERRABLE INITIALLY DEFERRED, value text`,
      'bad',
      1,
      /foreign key constraint/,
    ],
    ['another unique column', 'key text PRIMARY KEY, value text UNIQUE', 'bad', 'taken', /duplicate key.*value/],
  ]

  test('is reported by key, changes nothing, and does not affect other writes of its batch', async () => {
    const { it } = database
    await it.sql(`CREATE TABLE known_keys (name text PRIMARY KEY)`)
    await it.sql(`INSERT INTO known_keys VALUES ('good'), ('same'), ('x'), ('y')`)
    for (const [what, columns, key, value, says] of REFUSED) {
      const table = await it.table(columns)
      const [dict, other] = await Promise.all([it.open(table), it.open(table, { autosync: false })])
      await dict.update({ same: 'taken', x: 0 })
      const { version } = dict
      const alone = await rejection(dict.set(key, value))
      expect(alone, what).toBeInstanceOf(InvalidValueError)
      expect(alone.key, what).toBe(key)
      expect(alone.message, what).toMatch(says)
      expect(dict.version, what).toBe(version)
      expect(await rejection(dict.setDefault(key, value)), what).toBeInstanceOf(InvalidValueError)
      const together = await Promise.allSettled([dict.set('good', 1), dict.set(key, value), dict.pop('x')])
      const statuses = together.map(({ status }) => status)
      expect(statuses, what).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      const all = await rejection(dict.update({ x: 2, [key]: value, y: 3 }))
      expect(all, what).toBeInstanceOf(InvalidValueError)
      expect(all.message, what).toMatch(/3 keys.*nothing was written/)
      const rows = await it.rows(table)
      expect(rows, what).toEqual({ good: 1, same: 'taken' })
      await other.sync()
      expect(Object.fromEntries(other.local), what).toEqual(rows)
      expect(Object.fromEntries(dict.local), what).toEqual(rows)
    }
  })

  test('row() runs in the context of the call that wrote the row, even if other calls write its key at the same time', async () => {
    const { it } = database
    const table = await it.table('key text PRIMARY KEY, value text NOT NULL, owner text')
    const user = new AsyncLocalStorage<string>()
    const dict = await it.open(table, { row: () => ({ owner: user.getStore() }) })
    const as = <V>(name: string, work: () => Promise<V>) => user.run(name, work)
    await Promise.all([
      ...['ann', 'bob', 'eve'].map(name => as(name, () => dict.set(`of ${name}`, 1))),
      as('ann', () => dict.setDefault('default', 1)),
      as('bob', () => dict.setDefault('default', 2)),
      as('ann', () => dict.set('deleted', 1)),
      as('bob', () => dict.delete('deleted')),
      as('eve', () => dict.set('deleted', 2)),
      as('bob', () => dict.set('last', 1)),
      as('ann', () => dict.set('last', 2)),
    ])
    const owners = await it.sql(`SELECT key, owner FROM ${table} ORDER BY key COLLATE "C"`)
    expect(Object.fromEntries(owners.map(({ key, owner }) => [key, owner]))).toEqual({
      default: 'ann',
      deleted: 'eve',
      last: 'ann',
      'of ann': 'ann',
      'of bob': 'bob',
      'of eve': 'eve',
    })
  })

  test('because of a missing column or a trigger: it is accepted once row() fills the column', async () => {
    const { it } = database
    const table = await it.table('key text PRIMARY KEY, value text NOT NULL, owner text NOT NULL')
    const without = await it.open(table)
    const missing = await rejection(without.set('a', 1))
    expect(missing).toBeInstanceOf(InvalidValueError)
    expect(missing.message).toMatch(/owner.*not-null/)
    expect(await it.rows(table)).toEqual({})
    const dict = await it.open(table, { row: key => (key === 'thrown' ? fail('row() fails') : { owner: 'us' }) })
    await dict.set('a', 1)
    await without.set('a', 2)
    expect(await it.sql(`SELECT * FROM ${table}`)).toEqual([{ key: 'a', value: '2', owner: 'us' }])
    const thrown = await rejection(dict.set('thrown', 1))
    expect(thrown).toBeInstanceOf(InvalidValueError)
    expect(thrown.message).toContain('row() fails')
    await it.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.key = 'never' OR OLD.key = 'keep' THEN RAISE 'not this one'; END IF; RETURN COALESCE(NEW, OLD); END $$;
      CREATE TRIGGER refuses BEFORE INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse()`)
    await dict.set('keep', 1)
    const refused = [dict.set('never', 1), dict.delete('keep'), dict.set('keep', 2)]
    const [ok, ...errors] = await Promise.all([dict.set('b', 1).then(() => 'done'), ...refused.map(rejection)])
    expect(ok).toBe('done')
    for (const error of errors) {
      expect(error).toBeInstanceOf(InvalidValueError)
      expect((error as Error).message).toContain('not this one')
    }
    expect(await rejection(dict.clear())).toBeInstanceOf(InvalidValueError)
    expect(await it.rows(table)).toEqual({ a: 2, b: 1, keep: 1 })
    expect(Object.fromEntries(dict.local)).toEqual({ a: 2, b: 1, keep: 1 })
  })

  test('a fault of the database is not reported as a fault of the value', async () => {
    const { it } = database
    const table = await it.table()
    await it.sql(`CREATE TABLE ${table}_log (n int)`)
    const dict = await it.open(table, { timeout: 400 })
    await dict.set('a', 1)
    await it.sql(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.value = '"slow"' THEN PERFORM pg_sleep(2); END IF;
        IF NEW.value = '"full"' THEN RAISE 'no space left' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER is_slow BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION slow()`)
    const full = await rejection(dict.set('a', 'full'))
    expect(full).toBeInstanceOf(StoreUnavailableError)
    expect(full.message).toContain('no space left')
    expect(await rejection(dict.set('a', 'slow'))).toBeInstanceOf(StoreUnavailableError)
    await until(async () => (await it.busy()) === 0, 'it has ended')
    expect(await it.rows(table)).toEqual({ a: 1 })
    expect(await dict.get('a')).toBe(1)
  })
})

describe('rows changed by hand', () => {
  test('are seen by every process after touch() of a key or of all keys, and not before', async () => {
    const { it } = database
    const table = await it.table()
    const [dict, other] = await Promise.all([it.open(table), it.open(table)])
    const live = await it.open(table, { live: true, autosync: false, pollEvery: 20 })
    await dict.update({ a: 1, b: 1, gone: 1 })
    await it.sql(`UPDATE ${table} SET value = '2' WHERE key = 'a'; DELETE FROM ${table} WHERE key = 'gone'`)
    await it.sql(`INSERT INTO ${table} VALUES ('new', '2')`)
    const before = { a: 1, b: 1, gone: 1 }
    for (const one of [dict, other]) expect(Object.fromEntries(await one.entries())).toEqual(before)
    const changes: unknown[] = []
    other.on('change', ({ key, value, previous, origin }) => changes.push([key, value, previous, origin]))
    await dict.touch('a', 'gone', 'never there')
    expect(Object.fromEntries(dict.local)).toEqual({ a: 2, b: 1 })
    expect(Object.fromEntries(await other.entries())).toEqual({ a: 2, b: 1 })
    expect(changes.sort()).toEqual([
      ['a', 2, 1, 'remote'],
      ['gone', undefined, 1, 'remote'],
    ])
    await it.sql(`UPDATE ${table} SET value = '3' WHERE key = 'b'`)
    await other.touch()
    const after = { a: 2, b: 3, new: 2 }
    for (const one of [dict, other]) expect(Object.fromEntries(await one.entries())).toEqual(after)
    await until(() => live.local.get('b') === 3, 'the live one follows')
    expect(Object.fromEntries(live.local)).toEqual(after)
    // pop and setDefault return what the table has.
    await it.sql(`UPDATE ${table} SET value = '4' WHERE key = 'a'`)
    expect(await dict.setDefault('a', 5)).toBe(4)
    expect(await dict.pop('a')).toBe(4)
  })

  test('are seen by resyncEvery', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table, { autosync: false, resyncEvery: 50 })
    const reasons: string[] = []
    await dict.set('a', 1)
    dict.on('sync', ({ reason }) => reasons.push(reason))
    await it.sql(`UPDATE ${table} SET value = '2'; INSERT INTO ${table} VALUES ('b', '2')`)
    await until(() => dict.local.get('a') === 2, 'it compares')
    expect(Object.fromEntries(dict.local)).toEqual({ a: 2, b: 2 })
    // What it found becomes a change, which it follows like any other.
    expect(reasons.filter(reason => reason !== 'changes')).toEqual(['diverged'])
  })

  test('are seen in all columns when values are instances', async () => {
    const { it } = database
    const table = await it.table(`key text PRIMARY KEY, value text, note text NOT NULL DEFAULT 'none'`)
    const options = { returnInstances: true, encoding: undefined } as const
    const [dict, other] = await Promise.all([it.open(table, options as object), it.open(table, options as object)])
    await dict.set('a', { key: 'a', value: 'one' })
    await dict.set('gone', { key: 'gone', value: 'one' })
    expect(await other.get('a')).toEqual({ key: 'a', value: 'one', note: 'none' })
    await it.sql(`UPDATE ${table} SET note = 'by hand' WHERE key = 'a'; DELETE FROM ${table} WHERE key = 'gone'`)
    expect(await other.get('a')).toMatchObject({ note: 'none' })
    await dict.touch('a', 'gone')
    for (const one of [dict, other]) {
      expect(await one.get('a')).toEqual({ key: 'a', value: 'one', note: 'by hand' })
      expect(await one.has('gone')).toBe(false)
    }
    await it.sql(`UPDATE ${table} SET note = 'again'`)
    await dict.touch()
    expect(await other.get('a')).toMatchObject({ note: 'again' })
    // Dictionaries of the value column and of whole rows share the version.
    const plain = await it.open(table, { encoding: TEXT })
    await plain.set('a', 'two')
    for (const one of [dict, other]) expect(await one.get('a')).toEqual({ key: 'a', value: 'two', note: 'again' })
    await dict.set('a', { key: 'a', value: 'three', note: 'mine' })
    expect(await plain.get('a')).toBe('three')
  })

  test('rows without a key are not entries, however many there are', async () => {
    const { it } = database
    const table = await it.table('key text UNIQUE, value text')
    await it.sql(`INSERT INTO ${table} SELECT NULL, 'null' FROM generate_series(1, 5100)`)
    await it.sql(`INSERT INTO ${table} SELECT 'key ' || n, n FROM generate_series(1, 5100) n`)
    const dict = await it.open(table)
    expect(await dict.size()).toBe(5_100)
    expect(await dict.get('key 5100')).toBe(5_100)
  })
})

const TEXT = { name: 'Text', encode: String, decode: (stored: string) => stored }

function fail(message: string): never {
  throw new Error(message)
}
