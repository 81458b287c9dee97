import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle as libsqlDrizzle } from 'drizzle-orm/libsql'
import * as my from 'drizzle-orm/mysql-core'
import { drizzle as mysqlDrizzle } from 'drizzle-orm/mysql2'
import { drizzle as pgDrizzle } from 'drizzle-orm/node-postgres'
import * as pgCore from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import knex from 'knex'
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  createTables,
  drizzleManager,
  type Encoding,
  JSONEncoding,
  knexManager,
  kyselyManager,
  ModelDict,
  type ModelManager,
} from '../../src/index.js'
import { mariadb } from '../servers/mariadb.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import { suiteTables } from './managers/tables.js'

const JSON_VALUES = {
  a: { b: [1, null, 'é😀'] },
  c: [],
  d: 'text',
  e: '"quoted"',
  f: '{"a":1}',
  g: 12.5,
  h: false,
  i: null,
}

/** Values as bytes. */
const Bytes: Encoding<Uint8Array> = {
  name: 'Bytes',
  encode: value => new TextEncoder().encode(JSON.stringify(value)),
  decode: stored => JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(stored)),
}

/** Values written by one are read by another, by the log and by a load. */
async function roundTrip(manager: ModelManager, values: object, options: object = {}) {
  const open = async () => {
    const dict = await ModelDict.open(manager, options)
    onTestFinished(() => dict.close())
    return dict
  }
  const [dict, other] = [await open(), await open()]
  await dict.clear()
  await dict.update(values)
  const expected = new Map(Object.entries(values))
  for (const one of [dict, other, await open()]) expect(new Map(await one.entries())).toEqual(expected)
}

/** The tables of the suite, by the contents of their value column. */
type Managers = (table: 'json' | 'jsonb' | 'bytes') => ModelManager

function keepsAll(name: string, managers: () => Managers, tables: Parameters<Managers>[0][]): void {
  describe(name, () => {
    for (const table of tables) {
      it(`a column of ${table} stores the output of RichEncoding and JSONEncoding`, async () => {
        await roundTrip(managers()(table), { ...JSON_VALUES, date: new Date(0), map: new Map([['a', 1n]]) })
        await roundTrip(managers()(table), JSON_VALUES, { encoding: JSONEncoding })
      })
    }
    it('a column of bytes stores bytes', () => roundTrip(managers()('bytes'), JSON_VALUES, { encoding: Bytes }))
  })
}

describe('on PostgreSQL', () => {
  let end = async () => {}
  const managers = {} as Record<'kysely' | 'knex' | 'drizzle', Managers>
  beforeAll(async () => {
    const server = await startServer(postgres)
    const pool = new pg.Pool({ connectionString: server.url, max: 4 })
    pool.on('error', () => {})
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
    const knexDb = knex({ client: 'pg', connection: server.url, pool: { min: 0, max: 4 } })
    const drizzleDb = pgDrizzle({ client: pool })
    const bytea = pgCore.customType<{ data: Buffer }>({ dataType: () => 'bytea' })
    const columns = { json: pgCore.json().notNull(), jsonb: pgCore.jsonb().notNull(), bytes: bytea().notNull() }
    const key = pgCore.varchar().notNull()
    managers.kysely = table => kyselyManager(db, `${table}_settings`)
    managers.knex = table => knexManager(knexDb, `${table}_settings`)
    managers.drizzle = table =>
      drizzleManager(drizzleDb, pgCore.pgTable(`${table}_settings`, { key, value: columns[table] }))
    await pool.query(suiteTables('postgresql').join(';'))
    await createTables(managers.kysely('json'))
    end = async () => {
      await knexDb.destroy()
      await pool.end()
      await server.stop()
    }
  })
  afterAll(() => end())

  keepsAll('Knex', () => managers.knex, ['json', 'jsonb', 'bytes'])
  keepsAll('Drizzle', () => managers.drizzle, ['json', 'jsonb', 'bytes'])

  it('dictionaries of different libraries over one table are one dictionary', async () => {
    const open = async (manager: ModelManager) => {
      const dict = await ModelDict.open(manager, { encoding: JSONEncoding, name: 'shared' })
      onTestFinished(() => dict.close())
      return dict
    }
    const dicts = await Promise.all(Object.values(managers).map(of => open(of('jsonb'))))
    for (const [index, dict] of dicts.entries()) {
      await dict.set('who', { index })
      for (const other of dicts) expect(await other.get('who')).toEqual({ index })
    }
  })
})

describe('on MariaDB', () => {
  let end = async () => {}
  const managers = {} as Record<'kysely' | 'knex' | 'drizzle', Managers>
  beforeAll(async () => {
    const server = await startServer(mariadb)
    const pool = mysql.createPool({ uri: server.url, connectionLimit: 4 })
    const db = new Kysely<object>({ dialect: new MysqlDialect({ pool }) })
    const knexDb = knex({ client: 'mysql2', connection: server.url, pool: { min: 0, max: 4 } })
    const drizzleDb = mysqlDrizzle({ client: pool })
    const blob = my.customType<{ data: Buffer }>({ dataType: () => 'longblob' })
    const columns = { json: my.json().notNull(), jsonb: my.json().notNull(), bytes: blob().notNull() }
    const key = my.varchar({ length: 512 }).notNull()
    managers.kysely = table => kyselyManager(db, `${table}_settings`)
    managers.knex = table => knexManager(knexDb, `${table}_settings`)
    managers.drizzle = table =>
      drizzleManager(drizzleDb, my.mysqlTable(`${table}_settings`, { key, value: columns[table] }))
    for (const statement of suiteTables('mysql')) await pool.promise().query(statement)
    await createTables(managers.kysely('json'))
    end = async () => {
      await knexDb.destroy()
      await pool.promise().end()
      await server.stop()
    }
  })
  afterAll(() => end())

  keepsAll('Kysely', () => managers.kysely, ['json', 'bytes'])
  keepsAll('Knex', () => managers.knex, ['json', 'bytes'])
  keepsAll('Drizzle', () => managers.drizzle, ['json', 'bytes'])
})

describe('on SQLite', () => {
  let end = async () => {}
  const managers = {} as Record<'drizzle', Managers>
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-columns-'))
    const db = libsqlDrizzle({ connection: { url: `file:${join(folder, 'app.db')}` } })
    const columns = {
      json: sqlite.text({ mode: 'json' }).notNull(),
      jsonb: sqlite.blob({ mode: 'json' }).notNull(),
      bytes: sqlite.blob({ mode: 'buffer' }).notNull(),
    }
    const key = sqlite.text().notNull()
    managers.drizzle = table =>
      drizzleManager(db, sqlite.sqliteTable(`${table}_settings`, { key, value: columns[table] }))
    for (const statement of suiteTables('sqlite')) await db.run(statement)
    await db.run('CREATE TABLE json_settings ("key" TEXT PRIMARY KEY, value TEXT NOT NULL)')
    await db.run('CREATE TABLE jsonb_settings ("key" TEXT PRIMARY KEY, value BLOB NOT NULL)')
    await createTables(managers.drizzle('json'))
    end = async () => {
      db.$client.close()
      await rm(folder, { recursive: true })
    }
  })
  afterAll(() => end())

  keepsAll('Drizzle', () => managers.drizzle, ['json', 'jsonb', 'bytes'])
})
