import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle as libsqlDrizzle } from 'drizzle-orm/libsql'
import * as my from 'drizzle-orm/mysql-core'
import { drizzle as mysqlDrizzle } from 'drizzle-orm/mysql2'
import { drizzle as pgDrizzle } from 'drizzle-orm/node-postgres'
import * as pgCore from 'drizzle-orm/pg-core'
import * as sqliteCore from 'drizzle-orm/sqlite-core'
import knex from 'knex'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import Database from 'libsql'
import mysql from 'mysql2'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { drizzleManager } from '../../src/backends/model/managers/drizzle/drizzle-manager.js'
import { knexManager } from '../../src/backends/model/managers/knex/knex-manager.js'
import { kyselyManager } from '../../src/backends/model/managers/kysely/kysely-manager.js'
import { sqlCodes } from '../../src/backends/sql/sql-codes.js'
import { mariadb } from '../servers/mariadb.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import {
  changedSince,
  downErrors,
  errorOf,
  exhaustedPool,
  MARIADB,
  POSTGRESQL,
  type Pooled,
  serverErrors,
} from './library-errors.js'
import { LibsqlClient } from './managers/knex-libsql.js'
import { suiteTables } from './managers/tables.js'

/** A manager over two connections to a server, with its wait limit in ms. */
type Open = (url: string, wait: number) => Pooled

const onPostgres: Record<string, Open> = {
  Kysely(url, wait) {
    const pool = pgPool(url, wait)
    return {
      manager: kyselyManager(new Kysely<object>({ dialect: new PostgresDialect({ pool }) }), 'settings'),
      end: () => pool.end(),
    }
  },
  Knex(connection, acquireConnectionTimeout) {
    const db = knex({ client: 'pg', connection, acquireConnectionTimeout, pool: { min: 0, max: 2 }, log: SILENT })
    return { manager: knexManager(db, 'settings'), end: () => db.destroy() }
  },
  Drizzle(url, wait) {
    const pool = pgPool(url, wait)
    const { text, varchar } = pgCore
    const table = pgCore.pgTable('settings', { key: text().notNull(), value: text().notNull(), note: varchar() })
    return { manager: drizzleManager(pgDrizzle({ client: pool }), table), end: () => pool.end() }
  },
}

const onMariadb: Record<string, Open> = {
  Kysely(url) {
    const pool = mysql.createPool({ uri: url, connectionLimit: 2 })
    const manager = kyselyManager(new Kysely<object>({ dialect: new MysqlDialect({ pool }) }), 'settings')
    return { manager, end: () => pool.promise().end() }
  },
  Knex(connection) {
    const db = knex({ client: 'mysql2', connection, pool: { min: 0, max: 2 }, log: SILENT })
    return { manager: knexManager(db, 'settings'), end: () => db.destroy() }
  },
  Drizzle(url) {
    const pool = mysql.createPool({ uri: url, connectionLimit: 2 })
    const { text, varchar } = my
    const table = my.mysqlTable('settings', {
      key: text().notNull(),
      value: text().notNull(),
      note: varchar({ length: 80 }),
    })
    return { manager: drizzleManager(mysqlDrizzle({ client: pool }), table), end: () => pool.promise().end() }
  },
}

/** Over one connection to a file. */
const onSqlite: Record<string, (file: string) => Pooled> = {
  Kysely(file) {
    const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(file) as never }) })
    return { manager: kyselyManager(db, 'settings'), end: () => db.destroy() }
  },
  Knex(filename) {
    const db = knex({
      client: LibsqlClient,
      connection: { filename },
      useNullAsDefault: true,
      pool: { min: 0, max: 1 },
    })
    return { manager: knexManager(db, 'settings'), end: () => db.destroy() }
  },
  Drizzle(file) {
    const db = libsqlDrizzle({ connection: { url: `file:${file}` } })
    const { text } = sqliteCore
    const table = sqliteCore.sqliteTable('settings', { key: text().notNull(), value: text().notNull() })
    return { manager: drizzleManager(db, table), end: async () => db.$client.close() }
  },
}

const SILENT = { warn() {}, error() {} }

/** Every application with pg needs this: an error without a listener ends the process. */
function pgPool(connectionString: string, connectionTimeoutMillis: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis, max: 2 })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

const OPTIONS = { limit: 10_000 }

describe('errors on PostgreSQL, of', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(postgres, { args: ['-c', 'deadlock_timeout=20ms'] })
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query(suiteTables('postgresql').join(';'))
    await client.end()
  })
  afterAll(() => server?.stop())

  describe.each(Object.entries(onPostgres))('%s', (_, open) => {
    let opened: Pooled
    beforeAll(() => {
      opened = open(server.url, 200)
    })
    afterAll(() => opened?.end())
    serverErrors(() => opened, POSTGRESQL)
    changedSince(() => opened, '40001')
    exhaustedPool(() => opened)
    downErrors(async port => open(`postgres://postgres@127.0.0.1:${port}/postgres`, 200))
  })
})

describe('errors on MariaDB, of', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(mariadb)
    const pool = mysql.createPool({ uri: server.url }).promise()
    for (const statement of suiteTables('mysql')) await pool.query(statement)
    await pool.end()
  })
  afterAll(() => server?.stop())

  describe.each(Object.entries(onMariadb))('%s', (_, open) => {
    let opened: Pooled
    beforeAll(() => {
      opened = open(server.url, 200)
    })
    afterAll(() => opened?.end())
    serverErrors(() => opened, MARIADB)
  })
})

describe('errors on SQLite, of', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durabledict-errors-'))
    file = join(folder, 'app.db')
    const database = new Database(file)
    database.exec(suiteTables('sqlite').join(';'))
    database.close()
  })
  afterEach(() => rm(folder, { recursive: true }))

  it.each(Object.entries(onSqlite))('%s: a duplicate key, a file in use', async (_, open) => {
    let opened = open(file)
    const create = (key: string) =>
      opened.manager.transaction(session => session.create([{ key, value: '1' }]), OPTIONS)
    await create('a')
    expect(sqlCodes(await errorOf(create('a')))).toContain('SQLITE_CONSTRAINT_UNIQUE')
    const other = new Database(file)
    other.exec('BEGIN IMMEDIATE')
    expect(sqlCodes(await errorOf(create('b')))).toContain('SQLITE_BUSY')
    other.exec('ROLLBACK')
    other.close()
    // libsql leaves the failed statement unfinished, and commits nothing before that is garbage-collected.
    await opened.end()
    opened = open(file)
    await create('b')
    await opened.end()
  })
})
