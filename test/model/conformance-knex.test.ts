import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import { knexManager } from '../../src/backends/model/managers/knex/knex-manager.js'
import { versionTables } from '../../src/backends/model/versions/tables.js'
import type { DialectName } from '../../src/backends/sql/dialect.js'
import { mariadb } from '../servers/mariadb.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import { conform, type Library } from './conform.js'
import { LibsqlClient } from './managers/knex-libsql.js'

async function over(dialect: DialectName, config: Knex.Config, stop: () => Promise<unknown>): Promise<Library> {
  const db = knex({ pool: { min: 0, max: 10 }, ...config })
  for (const sql of versionTables(dialect)) await db.raw(sql)
  return {
    async model(table) {
      await db.schema.createTable(table, columns => {
        // In PostgreSQL, every key fits into text; MySQL indexes at most 768 characters.
        const key = dialect === 'postgresql' ? columns.text('key') : columns.string('key', 512)
        if (dialect === 'mysql') key.collate('utf8mb4_bin')
        key.primary()
        const value = columns.text('value', 'longtext').notNullable()
        if (dialect === 'mysql') value.collate('utf8mb4_bin')
      })
      return knexManager(db, table)
    },
    options: { pollEvery: 20 },
    async end() {
      await db.destroy()
      await stop()
    },
  }
}

async function onPostgres(): Promise<Library> {
  const server = await startServer(postgres)
  return over('postgresql', { client: 'pg', connection: server.url }, () => server.stop())
}

async function onMariadb(): Promise<Library> {
  const server = await startServer(mariadb)
  return over('mysql', { client: 'mysql2', connection: server.url }, () => server.stop())
}

async function onSqlite(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-knex-'))
  const pool: Knex.PoolConfig = {
    min: 0,
    max: 1,
    afterCreate: (connection: { pragma(text: string): void }, done: () => void) => {
      connection.pragma('journal_mode = WAL')
      done()
    },
  }
  const config = {
    client: LibsqlClient,
    connection: { filename: join(folder, 'app.db') },
    useNullAsDefault: true,
    pool,
  }
  return over('sqlite', config, () => rm(folder, { recursive: true }))
}

const missing = { subscribe: 'there is no connection to listen on: live dictionaries poll' }

// Differences between libraries show in the methods of the backend; the dictionary above them is the same as with
// Kysely.
conform('Knex on PostgreSQL', onPostgres, { modes: [], missing })
conform('Knex on MariaDB', onMariadb, { fleets: true, modes: [], missing })
conform('Knex on SQLite', onSqlite, { modes: [], missing })
