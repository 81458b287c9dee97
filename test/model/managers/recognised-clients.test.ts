import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session'
import { drizzle as libsql } from 'drizzle-orm/libsql'
import { int, mysqlTable } from 'drizzle-orm/mysql-core'
import { drizzle as mysql2 } from 'drizzle-orm/mysql2'
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres'
import { pgSchema, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import knex from 'knex'
import { Kysely, MssqlAdapter, PostgresAdapter, PostgresDialect, SqliteDialect, WithSchemaPlugin } from 'kysely'
import Database from 'libsql'
import mysql from 'mysql2'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drizzleManager } from '../../../src/backends/model/managers/drizzle/drizzle-manager.js'
import { knexManager } from '../../../src/backends/model/managers/knex/knex-manager.js'
import { kyselyManager } from '../../../src/backends/model/managers/kysely/kysely-manager.js'
import type { ModelManager } from '../../../src/backends/model/managers/manager.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'

const OPTIONS = { limit: 10_000 }
const settings = pgTable('settings', { key: text().notNull(), value: text().notNull() })
const nowhere = 'postgres://127.0.0.1:1/none'

/** Another dialect of Kysely, which never connects. */
class OtherDialect extends PostgresDialect {
  readonly #adapter: PostgresAdapter

  constructor(adapter: object) {
    super({ pool: new pg.Pool() })
    this.#adapter = adapter as PostgresAdapter
  }

  override createAdapter() {
    return this.#adapter
  }
}

/** A client of Knex for a custom database. */
class OtherClient extends knex.Client {
  override readonly dialect = 'another'
}

class Minified {}

class Derived extends PostgresAdapter {}

describe('kyselyManager() accepts', () => {
  it('an instance and a table, with the database of its dialect', () => {
    const sqliteDb = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') as never }) })
    expect(kyselyManager(sqliteDb, 'settings')).toMatchObject({ dialect: 'sqlite', table: { name: 'settings' } })
    const derived = new Kysely<object>({ dialect: new OtherDialect(new Derived()) })
    expect(kyselyManager(derived, 'app.settings')).toMatchObject({
      dialect: 'postgresql',
      model: 'app.settings',
      table: { schema: 'app', name: 'settings' },
    })
  })

  it('an unknown dialect, with the option only', () => {
    const db = new Kysely<object>({ dialect: new OtherDialect(new Minified()) })
    expect(() => kyselyManager(db, 'settings')).toThrow(/Minified.*\{ dialect: 'postgresql' \}/)
    expect(kyselyManager(db, 'settings', { dialect: 'mysql' }).dialect).toBe('mysql')
    const mssql = new Kysely<object>({ dialect: new OtherDialect(new MssqlAdapter()) })
    expect(() => kyselyManager(mssql, 'settings')).toThrow(TypeError)
  })

  it('nothing else', async () => {
    const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(':memory:') as never }) })
    for (const other of [undefined, null, {}, knex({ client: 'pg' }), 'settings']) {
      expect(() => kyselyManager(other as never, 'settings')).toThrow(/kyselyManager\(db, 'settings'\)/)
    }
    for (const table of [undefined, '', settings]) expect(() => kyselyManager(db, table as never)).toThrow(TypeError)
    await db.transaction().execute(async trx => {
      expect(() => kyselyManager(trx, 'settings')).toThrow(/not one of its transactions/)
    })
  })
})

describe('knexManager() accepts', () => {
  it('an instance and a table, with the database of its client', () => {
    const of = (client: string) => knexManager(knex({ client, useNullAsDefault: true }), 'app.settings')
    expect(of('pg')).toMatchObject({ dialect: 'postgresql', table: { schema: 'app', name: 'settings' } })
    expect(of('mysql2').dialect).toBe('mysql')
    expect(of('better-sqlite3').dialect).toBe('sqlite')
  })

  it('another client, with the option only', () => {
    const db = knex({ client: OtherClient })
    expect(() => knexManager(db, 'settings')).toThrow(/another.*\{ dialect: 'postgresql' \}/)
    expect(knexManager(db, 'settings', { dialect: 'postgresql' }).dialect).toBe('postgresql')
  })

  it('nothing else', () => {
    for (const other of [undefined, null, {}, () => {}, knex({ client: 'pg' })('settings'), 'settings']) {
      expect(() => knexManager(other as never, 'settings')).toThrow(/knexManager\(knex, 'settings'\)/)
    }
    const db = knex({ client: 'pg' })
    for (const table of [undefined, '', settings]) expect(() => knexManager(db, table as never)).toThrow(TypeError)
  })
})

describe('drizzleManager() accepts', () => {
  it('a database and a table', () => {
    const db = nodePostgres({ client: new pg.Pool({ connectionString: nowhere }) })
    const manager = drizzleManager(db, pgSchema('app').table('settings', { key: text(), theValue: text('value') }))
    expect(manager).toMatchObject({
      dialect: 'postgresql',
      model: 'settings',
      table: { schema: 'app', name: 'settings' },
    })
    expect(manager.column('theValue')).toBe('value')
    expect(manager.column('value')).toBeUndefined()
  })

  it('a pool, but not a single connection', () => {
    const single = nodePostgres({ client: new pg.Client(nowhere) })
    expect(() => drizzleManager(single, settings)).toThrow(/needs a pool/)
    const connection = mysql.createConnection({ host: '127.0.0.1', port: 1 })
    connection.on('error', () => {})
    expect(() => drizzleManager(mysql2({ client: connection }), mysqlTable('n', { n: int() }))).toThrow(/needs a pool/)
    connection.destroy()
  })

  it('no driver whose transactions cannot wait', () => {
    const dialect = new sqlite.SQLiteSyncDialect()
    const session = new BetterSQLiteSession(new Database(':memory:') as never, dialect, undefined)
    const db = new sqlite.BaseSQLiteDatabase('sync', dialect, session, undefined)
    const table = sqlite.sqliteTable('settings', { key: sqlite.text() })
    expect(() => drizzleManager(db, table)).toThrow(/use drizzle-orm\/libsql/)
  })

  it('nothing else', async () => {
    const db = libsql({ connection: { url: ':memory:' } })
    const table = sqlite.sqliteTable('settings', { key: sqlite.text() })
    for (const other of [undefined, null, {}, knex({ client: 'pg' })]) {
      expect(() => drizzleManager(other as never, table)).toThrow(/drizzleManager\(db, settings\)/)
    }
    for (const other of [undefined, null, 'settings', {}, db]) {
      expect(() => drizzleManager(db, other as never)).toThrow(/drizzleManager\(db, settings\)/)
    }
    await db.transaction(async tx => {
      expect(() => drizzleManager(tx, table)).toThrow(/not one of its transactions/)
    })
    db.$client.close()
  })

  it('drizzle-orm installed beside the library, or names the package to install', async () => {
    const [preloaded, script] = ['without-drizzle-orm.js', 'needs-drizzle-orm.js'].map(name =>
      fileURLToPath(new URL(name, import.meta.url)),
    ) as [string, string]
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', preloaded, script])
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'DURABLEDICT_UNSUPPORTED',
      message: expect.stringContaining('npm install drizzle-orm'),
    })
  })
})

describe('on PostgreSQL', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  let pool: pg.Pool
  beforeAll(async () => {
    server = await startServer(postgres)
    pool = new pg.Pool({ connectionString: server.url, max: 1, connectionTimeoutMillis: 5_000 })
    pool.on('error', () => {})
    await pool.query('CREATE SCHEMA app')
    await pool.query('CREATE DOMAIN app.document AS jsonb')
    await pool.query(
      'CREATE TABLE app.settings (key text PRIMARY KEY, value app.document NOT NULL, changed timestamptz)',
    )
  })
  afterAll(async () => {
    await pool?.end()
    await server?.stop()
  })

  it.each<[string, () => ModelManager]>([
    ['Kysely', () => kyselyManager(new Kysely<object>({ dialect: new PostgresDialect({ pool }) }), 'app.settings')],
    [
      'Kysely, by withSchema()',
      () =>
        kyselyManager(
          new Kysely<object>({ dialect: new PostgresDialect({ pool }), plugins: [new WithSchemaPlugin('app')] }),
          'settings',
        ),
    ],
    [
      'Knex',
      () => knexManager(knex({ client: 'pg', connection: server.url, pool: { min: 0, max: 1 } }), 'app.settings'),
    ],
  ])('%s finds a table in a schema and JSON in a column with a domain type', async (_, open) => {
    const manager = open()
    const rows = await manager.transaction(async session => {
      await session.removeAll()
      await session.create([{ key: 'a', value: '"{}"' }])
      await session.update('key', 'a', { value: '"[1]"' })
      return session.rows({ keyCol: 'key', columns: ['key', 'value'], keys: ['a'] })
    }, OPTIONS)
    expect(rows).toEqual([{ key: 'a', value: '"[1]"' }])
    expect(manager.table).toEqual({ schema: 'app', name: 'settings' })
  })

  it('Drizzle finds a table in a schema and updates only columns of the model', async () => {
    const changed = timestamp({ withTimezone: true }).$onUpdate(() => new Date(1_000))
    const table = pgSchema('app').table('settings', { key: text(), value: text(), changed })
    const manager = drizzleManager(nodePostgres({ client: pool }), table)
    const rows = await manager.transaction(async session => {
      await session.removeAll()
      await session.create([{ key: 'a', value: '1', changed: new Date(0) }])
      await session.update('key', 'a', { value: '2' })
      return session.rows({ keyCol: 'key' })
    }, OPTIONS)
    expect(rows).toEqual([{ key: 'a', value: 2, changed: new Date(1_000) }])
  })

  it('Drizzle releases a connection when a transaction could not begin', async () => {
    const manager = drizzleManager(nodePostgres({ client: pool }), settings)
    const cut = (client: object) =>
      (client as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    pool.once('acquire', cut)
    let called = false
    const beginning = manager.transaction(async () => {
      called = true
    }, OPTIONS)
    await expect(beginning).rejects.toThrow()
    expect(called).toBe(false)
    expect(await manager.transaction(session => session.query('SELECT 1 AS one', []), OPTIONS)).toEqual([{ one: 1 }])
  })
})
