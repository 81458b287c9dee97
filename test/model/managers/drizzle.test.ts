import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle as libsql } from 'drizzle-orm/libsql'
import * as my from 'drizzle-orm/mysql-core'
import { drizzle as mysql2 } from 'drizzle-orm/mysql2'
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres'
import * as pg from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import mysql from 'mysql2/promise'
import { Pool } from 'pg'
import { expect } from 'vitest'
import { drizzleManager } from '../../../src/backends/model/managers/drizzle/drizzle-manager.js'
import { mariadb } from '../../servers/mariadb.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'
import { managerSuite, type Opened } from './suite.js'
import { suiteTables } from './tables.js'

/** Values that the model fills, and the database would not. */
const filled = ({ id, createdAt, made }: Record<string, unknown>) => {
  expect(id).toBeGreaterThan(0)
  expect(createdAt).toBeTruthy()
  expect(made).toBe('by the model')
}

const bytea = pg.customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

async function onPostgres(): Promise<Opened> {
  const server = await startServer(postgres)
  const pool = new Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => {})
  await pool.query(suiteTables('postgresql').join(';'))
  await pool.query('ALTER TABLE settings ADD COLUMN made text')
  const db = nodePostgres({ client: pool })
  const json = pg.pgTable('json_settings', { key: pg.text().notNull(), value: pg.json().notNull() })
  const jsonb = pg.pgTable('jsonb_settings', { key: pg.text().notNull(), value: pg.jsonb().notNull() })
  const settings = pg.pgTable('settings', {
    key: pg.varchar({ length: 512 }).notNull().unique(),
    value: pg.text().notNull(),
    note: pg.varchar({ length: 80 }).notNull().default('none'),
    size: pg.bigint({ mode: 'number' }),
    createdAt: pg.timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    id: pg.serial().primaryKey(),
    made: pg.text().$defaultFn(() => 'by the model'),
  })
  const mapped = pg.pgTable('app_settings', { settingKey: pg.text().notNull(), settingValue: pg.text().notNull() })
  const bytes = pg.pgTable('bytes_settings', { key: pg.text().notNull(), value: bytea().notNull() })
  return {
    manager: drizzleManager(db, settings),
    mapped: drizzleManager(nodePostgres({ client: pool, casing: 'snake_case' }), mapped),
    json: drizzleManager(db, json),
    jsonb: drizzleManager(db, jsonb),
    bytes: drizzleManager(db, bytes),
    filled,
    end: () => pool.end().then(() => server.stop()),
  }
}

async function onMariadb(): Promise<Opened> {
  const server = await startServer(mariadb)
  const pool = mysql.createPool({ uri: server.url, connectionLimit: 4 })
  for (const statement of suiteTables('mysql')) await pool.query(statement)
  await pool.query('ALTER TABLE settings ADD COLUMN made TEXT')
  const db = mysql2({ client: pool })
  const settings = my.mysqlTable('settings', {
    key: my.varchar({ length: 512 }).notNull().unique(),
    value: my.longtext().notNull(),
    note: my.varchar({ length: 80 }).notNull().default('none'),
    size: my.bigint({ mode: 'number' }),
    createdAt: my
      .datetime('created_at', { fsp: 6 })
      .notNull()
      .$defaultFn(() => new Date()),
    id: my.int().autoincrement().primaryKey(),
    made: my.text().$defaultFn(() => 'by the model'),
  })
  const mapped = my.mysqlTable('app_settings', {
    settingKey: my.varchar('setting_key', { length: 512 }).notNull(),
    settingValue: my.longtext('setting_value').notNull(),
  })
  const json = my.mysqlTable('json_settings', { key: my.varchar({ length: 512 }), value: my.json().notNull() })
  const blob = my.customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'longblob' })
  const bytes = my.mysqlTable('bytes_settings', { key: my.varchar({ length: 512 }), value: blob().notNull() })
  return {
    manager: drizzleManager(db, settings),
    mapped: drizzleManager(db, mapped),
    json: drizzleManager(db, json),
    bytes: drizzleManager(db, bytes),
    filled,
    end: () => pool.end().then(() => server.stop()),
  }
}

async function onSqlite(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-drizzle-'))
  const db = libsql({ connection: { url: `file:${join(folder, 'app.db')}` } })
  for (const statement of suiteTables('sqlite')) await db.run(statement)
  await db.run('CREATE TABLE json_settings (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL)')
  await db.run('ALTER TABLE settings ADD COLUMN made TEXT')
  const settings = sqlite.sqliteTable('settings', {
    key: sqlite.text().notNull().unique(),
    value: sqlite.text().notNull(),
    note: sqlite.text().notNull().default('none'),
    size: sqlite.integer(),
    createdAt: sqlite
      .text('created_at')
      .notNull()
      .$defaultFn(() => new Date().toISOString()),
    id: sqlite.integer().primaryKey({ autoIncrement: true }),
    made: sqlite.text().$defaultFn(() => 'by the model'),
  })
  const mapped = sqlite.sqliteTable('app_settings', {
    settingKey: sqlite.text('setting_key').notNull(),
    settingValue: sqlite.text('setting_value').notNull(),
  })
  const json = sqlite.sqliteTable('json_settings', {
    key: sqlite.text().notNull(),
    value: sqlite.text({ mode: 'json' }).notNull(),
  })
  const bytes = sqlite.sqliteTable('bytes_settings', {
    key: sqlite.text().notNull(),
    value: sqlite.blob({ mode: 'buffer' }).notNull(),
  })
  return {
    manager: drizzleManager(db, settings),
    mapped: drizzleManager(db, mapped),
    json: drizzleManager(db, json),
    bytes: drizzleManager(db, bytes),
    filled,
    async end() {
      db.$client.close()
      await rm(folder, { recursive: true })
    },
  }
}

managerSuite('drizzleManager on PostgreSQL', onPostgres)
managerSuite('drizzleManager on MariaDB', onMariadb)
managerSuite('drizzleManager on SQLite', onSqlite)
