import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CamelCasePlugin,
  type Dialect,
  Kysely,
  MysqlDialect,
  ParseJSONResultsPlugin,
  PostgresDialect,
  SqliteDialect,
} from 'kysely'
import Database from 'libsql'
import mysql from 'mysql2'
import pg from 'pg'
import { expect } from 'vitest'
import { kyselyManager } from '../../../src/backends/model/managers/kysely/kysely-manager.js'
import { mariadb } from '../../servers/mariadb.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'
import { managerSuite, type Opened } from './suite.js'
import { suiteTables } from './tables.js'

function managers(dialect: Dialect) {
  const db = new Kysely<object>({ dialect })
  // Other plugins of the application must not alter what is stored.
  const mapping = new Kysely<object>({ dialect, plugins: [new ParseJSONResultsPlugin(), new CamelCasePlugin()] })
  return {
    manager: kyselyManager(db, 'settings'),
    mapped: kyselyManager(mapping, 'appSettings'),
    bytes: kyselyManager(db, 'bytes_settings'),
    filled: ({ id, created_at }: Record<string, unknown>) => {
      expect(id).toBeGreaterThan(0)
      expect(created_at).toBeTruthy()
    },
    json: kyselyManager(db, 'json_settings'),
    jsonb: kyselyManager(mapping, 'jsonbSettings'),
  }
}

async function onPostgres(): Promise<Opened> {
  const server = await startServer(postgres)
  const pool = new pg.Pool({ connectionString: server.url, max: 4 })
  // The server's end reaches connections that are about to close.
  pool.on('error', () => {})
  await pool.query(suiteTables('postgresql').join(';'))
  return {
    ...managers(new PostgresDialect({ pool })),
    async end() {
      await pool.end()
      await server.stop()
    },
  }
}

async function onMariadb(): Promise<Opened> {
  const server = await startServer(mariadb)
  const pool = mysql.createPool({ uri: server.url, connectionLimit: 4 })
  for (const statement of suiteTables('mysql')) await pool.promise().query(statement)
  return {
    ...managers(new MysqlDialect({ pool })),
    async end() {
      await pool.promise().end()
      await server.stop()
    },
  }
}

async function onSqlite(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-kysely-'))
  const database = new Database(join(folder, 'app.db'))
  database.exec(suiteTables('sqlite').join(';'))
  const { json, jsonb, ...rest } = managers(new SqliteDialect({ database: database as never }))
  return {
    ...rest,
    async end() {
      database.close()
      await rm(folder, { recursive: true })
    },
  }
}

managerSuite('kyselyManager on PostgreSQL', onPostgres)
managerSuite('kyselyManager on MariaDB', onMariadb)
managerSuite('kyselyManager on SQLite', onSqlite)
