import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import Database from 'libsql'
import pg from 'pg'
import { kyselyManager } from '../../src/backends/model/managers/kysely/kysely-manager.js'
import { versionTables } from '../../src/backends/model/versions/tables.js'
import { LONG } from '../form.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import { conform, type Library } from './conform.js'

async function onPostgres(): Promise<Library> {
  const server = await startServer(postgres)
  const pool = new pg.Pool({ connectionString: server.url, max: 10 })
  pool.on('error', () => {})
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
  for (const sql of versionTables('postgresql')) await pool.query(sql)
  return {
    async model(table) {
      await pool.query(`CREATE TABLE ${table} (key text PRIMARY KEY, value text NOT NULL)`)
      return kyselyManager(db, table)
    },
    options: {
      listen: async () => {
        const client = new pg.Client({ connectionString: server.url })
        await client.connect()
        return client
      },
    },
    async end() {
      await db.destroy()
      await server.stop()
    },
  }
}

async function onSqlite(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-kysely-'))
  const database = new Database(join(folder, 'app.db'))
  database.exec(`PRAGMA journal_mode = WAL; ${versionTables('sqlite').join(';')}`)
  const db = new Kysely<object>({ dialect: new SqliteDialect({ database: database as never }) })
  return {
    async model(table) {
      database.exec(`CREATE TABLE ${table} (key TEXT PRIMARY KEY, value TEXT NOT NULL)`)
      return kyselyManager(db, table)
    },
    async end() {
      await db.destroy()
      await rm(folder, { recursive: true })
    },
  }
}

// Each mode on one of the two, live ones with and without notifications; all on both in the long form.
conform('Kysely on PostgreSQL', onPostgres, {
  fleets: true,
  ...(!LONG && { modes: [{ autosync: true }, { live: true, autosync: false }] }),
})
conform('Kysely on SQLite', onSqlite, {
  fleets: true,
  ...(!LONG && { modes: [{ autosync: false }, { live: true }] }),
  missing: { subscribe: 'nothing reports changes in a file of the application: live dictionaries poll' },
})
