import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle as libsql } from 'drizzle-orm/libsql'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import pg from 'pg'
import { drizzleManager } from '../../src/backends/model/managers/drizzle/drizzle-manager.js'
import { versionTables } from '../../src/backends/model/versions/tables.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import { conform, type Library } from './conform.js'

async function onPostgres(): Promise<Library> {
  const server = await startServer(postgres)
  const pool = new pg.Pool({ connectionString: server.url, max: 10 })
  pool.on('error', () => {})
  const db = drizzle({ client: pool })
  for (const sql of versionTables('postgresql')) await db.execute(sql)
  return {
    async model(name) {
      await db.execute(`CREATE TABLE ${name} (key text PRIMARY KEY, value text NOT NULL)`)
      return drizzleManager(db, pgTable(name, { key: text().primaryKey(), value: text().notNull() }))
    },
    options: { pollEvery: 20 },
    async end() {
      await pool.end()
      await server.stop()
    },
  }
}

async function onSqlite(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-drizzle-'))
  const db = libsql({ connection: { url: `file:${join(folder, 'app.db')}` } })
  await db.run('PRAGMA journal_mode = WAL')
  for (const sql of versionTables('sqlite')) await db.run(sql)
  return {
    async model(name) {
      await db.run(`CREATE TABLE ${name} (key TEXT PRIMARY KEY, value TEXT NOT NULL)`)
      const columns = { key: sqlite.text().primaryKey(), value: sqlite.text().notNull() }
      return drizzleManager(db, sqlite.sqliteTable(name, columns))
    },
    options: { pollEvery: 20 },
    async end() {
      db.$client.close()
      await rm(folder, { recursive: true })
    },
  }
}

const missing = { subscribe: 'there is no connection to listen on: live dictionaries poll' }

// Differences between libraries show in the methods of the backend; the dictionary above them is the same as with
// Kysely.
conform('Drizzle on PostgreSQL', onPostgres, { modes: [], missing })
conform('Drizzle on SQLite', onSqlite, { modes: [], missing })
