import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createTables,
  JSONEncoding,
  kyselyManager,
  ModelDict,
  StoreUnavailableError,
  UnsupportedError,
  versionTables,
} from '../../src/index.js'
import { memoryVersions } from './memory-versions.js'
import { rejection, testDatabase } from './test-database.js'

const database = testDatabase()

/** What is wrong, the statements that cause it (`$` is the table's name), and the expected error. */
type Case = readonly [what: string, sql: string, error: new (...args: never[]) => Error, says: RegExp]

const WRONG_ANYWHERE: readonly Case[] = [
  ['no table', '', StoreUnavailableError, /has no table "\$".*migrations/],
  ['no key column', 'CREATE TABLE $ (name text, value text)', StoreUnavailableError, /no column "key".*name, value/],
  ['no value column', 'CREATE TABLE $ (key text PRIMARY KEY)', StoreUnavailableError, /no column "value".*key/],
  [
    'no unique constraint',
    'CREATE TABLE $ (key text, value text)',
    UnsupportedError,
    /key.*no unique constraint.*add one/,
  ],
  [
    'a unique constraint of several columns',
    'CREATE TABLE $ (key text, value text, tenant text, UNIQUE (key, tenant))',
    UnsupportedError,
    /no unique constraint of its own/,
  ],
  [
    'a partial unique index',
    'CREATE TABLE $ (key text, value text, gone int); CREATE UNIQUE INDEX $_i ON $ (key) WHERE gone = 0',
    UnsupportedError,
    /no unique constraint/,
  ],
  [
    'a unique index of an expression',
    'CREATE TABLE $ (key text, value text); CREATE UNIQUE INDEX $_i ON $ (lower(key))',
    UnsupportedError,
    /no unique constraint/,
  ],
  [
    'an index that is not unique',
    'CREATE TABLE $ (key text, value text); CREATE INDEX $_i ON $ (key)',
    UnsupportedError,
    /no unique/,
  ],
  [
    'a view',
    `CREATE TABLE $_t (key text PRIMARY KEY, value text); CREATE VIEW $ AS SELECT key, value FROM $_t`,
    UnsupportedError,
    /no unique constraint/,
  ],
  [
    'numbers for keys',
    'CREATE TABLE $ (key integer PRIMARY KEY, value text)',
    UnsupportedError,
    /key column "key" is of type int.*must be text/i,
  ],
  [
    'numbers for values',
    'CREATE TABLE $ (key text PRIMARY KEY, value integer)',
    UnsupportedError,
    /"value" is of type int.*text, JSON or bytes/i,
  ],
]

const WRONG_IN_POSTGRESQL: readonly Case[] = [
  [
    'characters of fixed length',
    'CREATE TABLE $ (key char(20) PRIMARY KEY, value text)',
    UnsupportedError,
    /bpchar.*must be text/,
  ],
  [
    'a collation that ignores case',
    `CREATE COLLATION IF NOT EXISTS nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
     CREATE TABLE $ (key text COLLATE nocase PRIMARY KEY, value text)`,
    UnsupportedError,
    /cannot tell keys apart.*collation/,
  ],
  [
    'an index that was not finished',
    `CREATE TABLE $ (key text, value text); CREATE UNIQUE INDEX $_i ON $ (key);
     UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$_i'::regclass`,
    UnsupportedError,
    /no unique constraint/,
  ],
]

const WRONG_IN_SQLITE: readonly Case[] = [
  [
    'a key that ignores case',
    'CREATE TABLE $ (key TEXT COLLATE NOCASE PRIMARY KEY, value TEXT)',
    UnsupportedError,
    /no unique constraint.*tells all keys apart/,
  ],
  [
    'a key that ignores case, with an index that does not',
    'CREATE TABLE $ (key TEXT COLLATE NOCASE, value TEXT); CREATE UNIQUE INDEX $_i ON $ (key COLLATE BINARY)',
    UnsupportedError,
    /tells all keys apart/,
  ],
  [
    'an index that ignores case',
    'CREATE TABLE $ (key TEXT, value TEXT); CREATE UNIQUE INDEX $_i ON $ (key COLLATE NOCASE)',
    UnsupportedError,
    /tells all keys apart/,
  ],
  [
    'a key that ignores blanks',
    'CREATE TABLE $ (key TEXT COLLATE RTRIM PRIMARY KEY, value TEXT)',
    UnsupportedError,
    /tells all keys apart/,
  ],
]

/** Columns that can store a key. */
const RIGHT: readonly string[] = [
  'CREATE TABLE $ (key text PRIMARY KEY, value text)',
  'CREATE TABLE $ (key varchar(100) UNIQUE, value text, tenant text, UNIQUE (tenant, key))',
  'CREATE TABLE $ (key text, value text); CREATE UNIQUE INDEX $_i ON $ (key)',
]

let made = 0

function named(sql: string): { readonly table: string; readonly statements: string } {
  made += 1
  const table = `t_${made}`
  return { table, statements: sql.replaceAll('$', table) }
}

describe('PostgreSQL', () => {
  for (const [what, sql, error, says] of [...WRONG_ANYWHERE, ...WRONG_IN_POSTGRESQL]) {
    test(`${what} makes open() reject`, async () => {
      const { it } = database
      const { table, statements } = named(sql)
      if (statements) await it.sql(statements)
      const { pool, db } = it.application()
      const rejected = await rejection(ModelDict.open(kyselyManager(db, table), { encoding: JSONEncoding }))
      expect(rejected).toBeInstanceOf(error)
      expect(rejected.message.replaceAll(table, '$')).toMatch(says)
      expect([pool.idleCount, pool.waitingCount]).toEqual([pool.totalCount, 0])
    })
  }

  test('which columns can be keys', async () => {
    const { it } = database
    for (const sql of RIGHT) {
      const { table, statements } = named(sql)
      await it.sql(statements)
      const dict = await it.open(table)
      await dict.set('a', 1)
      expect(await it.rows(table)).toEqual({ a: 1 })
    }
  })

  test('values that the column cannot store, and columns that the model does not have', async () => {
    const { it } = database
    const table = await it.table()
    const manager = it.manager(table)
    const bytes = { name: 'Bytes', encode: () => new Uint8Array(1), decode: () => 1 }
    expect(await rejection(ModelDict.open(manager, { encoding: bytes }))).toBeInstanceOf(UnsupportedError)
    expect(await rejection(ModelDict.open(manager, { keyCol: 'value', valueCol: 'value' }))).toBeInstanceOf(TypeError)
    expect(await rejection(ModelDict.open(manager, { keyCol: 'nothing' }))).toBeInstanceOf(StoreUnavailableError)
    const listen = async () => expect.fail('It is not called')
    const both = await rejection(ModelDict.open(manager, { cache: memoryVersions(), listen }))
    expect(both).toBeInstanceOf(UnsupportedError)
    expect(both.message).toMatch(/"listen".*"cache"/)
  })

  describe('the tables of the versions', () => {
    const schema = 'elsewhere'

    beforeAll(async () => {
      await database.it.sql(
        `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.settings (key text PRIMARY KEY, value text)`,
      )
    })

    /** An application that sees only that schema. */
    const manager = () => {
      const url = `${database.it.server.url}?options=-c%20search_path%3D${schema}`
      return database.it.manager('settings', { url })
    }

    test('are missing: the error names the remedy, and the remedy works', async () => {
      const rejected = await rejection(ModelDict.open(manager()))
      expect(rejected).toBeInstanceOf(StoreUnavailableError)
      expect(rejected.message).toMatch(/createTables\(manager\)/)
      await createTables(manager())
      const dict = await database.it.openOn(manager())
      await dict.set('a', 1)
    })

    test('have another format or other columns', async () => {
      const { it } = database
      await it.sql(`UPDATE ${schema}.durabledict_model_versions SET format = 2`)
      const format = await rejection(ModelDict.open(manager()))
      expect(format).toBeInstanceOf(StoreUnavailableError)
      expect(format.message).toMatch(/format 2.*Update durabledict/)
      await it.sql(`ALTER TABLE ${schema}.durabledict_model_versions DROP COLUMN bound`)
      const columns = await rejection(ModelDict.open(manager()))
      expect(columns).toBeInstanceOf(StoreUnavailableError)
      expect(columns.message).toMatch(/not of this version.*createTables/)
    })

    test('can be created by any number of processes at the same time', async () => {
      const { it } = database
      await it.sql('CREATE SCHEMA racing; CREATE TABLE racing.settings (key text PRIMARY KEY, value text)')
      const url = `${it.server.url}?options=-c%20search_path%3Dracing`
      const managers = Array.from({ length: 6 }, () => it.manager('settings', { url, max: 1 }))
      await Promise.all(managers.map(manager => manager.query('SELECT 1', [])))
      for (let round = 0; round < 4; round += 1) {
        await Promise.all(managers.map(manager => createTables(manager)))
        await it.sql('DROP TABLE racing.durabledict_model_versions, racing.durabledict_model_changes')
      }
      await createTables(managers[0])
      const dicts = await Promise.all(managers.map(manager => it.openOn(manager)))
      expect(new Set(dicts.map(({ version }) => version)).size).toBe(1)
    })

    test('lose a table while they are in use', async () => {
      const { it } = database
      await it.sql(`DROP TABLE ${schema}.durabledict_model_versions`)
      await createTables(manager())
      const dict = await it.openOn(manager())
      await it.sql(`DROP TABLE ${schema}.durabledict_model_changes`)
      const rejected = await rejection(dict.set('b', 2))
      expect(rejected).toBeInstanceOf(StoreUnavailableError)
      expect(await it.sql(`SELECT key FROM ${schema}.settings`)).toEqual([{ key: 'a' }])
    })
  })

  test('a table reached with and without its schema is one dictionary, and one in another schema is another', async () => {
    const { it } = database
    const table = await it.table()
    await it.sql(`CREATE SCHEMA tenant; CREATE TABLE tenant.${table} (key text PRIMARY KEY, value text)`)
    const plain = await it.open(table, { name: 'settings' })
    const full = await it.openOn(it.manager(`public.${table}`), { name: 'settings' })
    const other = await it.openOn(
      it.manager(table, { url: `${it.server.url}?options=-c%20search_path%3Dtenant,public` }),
      { name: 'settings' },
    )
    await plain.set('a', 1)
    expect(await full.get('a')).toBe(1)
    const { version } = other
    expect(await other.get('a')).toBeUndefined()
    expect(other.version).toBe(version)
    expect(full.version).toBe(plain.version)
  })

  test('two names on one table have separate versions', async () => {
    const { it } = database
    const table = await it.table()
    const [one, two] = await Promise.all(['one', 'two'].map(name => it.open(table, { name })))
    if (!one || !two) return expect.fail()
    const { version } = two
    await one.set('a', 1)
    await two.sync()
    expect(two.version).toBe(version)
    // They do not affect each other.
    await two.touch('a')
    expect(await two.get('a')).toBe(1)
  })
})

describe('SQLite', () => {
  let folder: string
  let file: Database.Database
  let db: Kysely<object>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durabledict-open-'))
    file = new Database(join(folder, 'app.db'))
    file.exec(versionTables('sqlite').join(';'))
    db = new Kysely<object>({ dialect: new SqliteDialect({ database: file as never }) })
  })

  afterEach(() => database.it.clean())

  afterAll(async () => {
    await db.destroy()
    await rm(folder, { recursive: true })
  })

  for (const [what, sql, error, says] of [...WRONG_ANYWHERE, ...WRONG_IN_SQLITE]) {
    test(`${what} makes open() reject`, async () => {
      const { table, statements } = named(sql)
      file.exec(statements)
      const rejected = await rejection(ModelDict.open(kyselyManager(db, table), { encoding: JSONEncoding }))
      expect(rejected).toBeInstanceOf(error)
      expect(rejected.message.replaceAll(table, '$')).toMatch(says)
    })
  }

  test('which columns can be keys', async () => {
    for (const sql of [...RIGHT, 'CREATE TABLE $ (key text PRIMARY KEY, value text) WITHOUT ROWID']) {
      const { table, statements } = named(sql)
      file.exec(statements)
      const dict = await database.it.openOn(kyselyManager(db, table))
      await dict.set('a', 1)
      expect(file.prepare(`SELECT value FROM ${table} WHERE key = 'a'`).get()).toMatchObject({ value: '1' })
    }
  })

  test('the version tables are missing or have other columns', async () => {
    const empty = new Database(join(folder, 'empty.db'))
    const there = new Kysely<object>({ dialect: new SqliteDialect({ database: empty as never }) })
    database.it.cleanup.push(() => there.destroy())
    empty.exec('CREATE TABLE settings (key text PRIMARY KEY, value text)')
    const rejected = await rejection(ModelDict.open(kyselyManager(there, 'settings')))
    expect(rejected).toBeInstanceOf(StoreUnavailableError)
    expect(rejected.message).toMatch(/createTables\(manager\)/)
    empty.exec('CREATE TABLE durabledict_model_versions (dict text)')
    const columns = await rejection(ModelDict.open(kyselyManager(there, 'settings')))
    expect(columns.message).toMatch(/not of this version.*createTables/)
  })
})
