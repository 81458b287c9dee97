import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { DataSource, type DataSourceOptions, EntitySchema } from 'typeorm'
import { typeormManager, versionTables } from '../../src/index.js'
import { METHODS_ALONE } from '../form.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import { conform, type Library } from './conform.js'

/** A data source gets its entities when it is made: each test takes the next one, and there are more than tests. */
const TABLES = 300
const names = Array.from({ length: TABLES }, (_, index) => `settings_${index}`)
const entities = names.map(
  name =>
    new EntitySchema<object>({
      name,
      columns: { key: { type: 'text', primary: true }, value: { type: 'text' } } as object,
    }),
)

async function open(options: DataSourceOptions, stop: () => Promise<unknown>): Promise<Library> {
  const source = await new DataSource({ ...options, entities } as DataSourceOptions).initialize()
  const dialect = options.type === 'postgres' ? 'postgresql' : 'sqlite'
  for (const sql of versionTables(dialect)) await source.query(sql)
  let used = 0
  return {
    async model() {
      const table = names[used++] as string
      await source.query(`CREATE TABLE ${table} (key text PRIMARY KEY, value text NOT NULL)`)
      return typeormManager(source.getRepository<object>(table))
    },
    async end() {
      await source.destroy()
      await stop()
    },
  }
}

async function onPostgres(): Promise<Library> {
  const { url, stop } = await startServer(postgres)
  const listen = async () => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return client
  }
  return { ...(await open({ type: 'postgres', url, poolSize: 10 }, stop)), options: { listen } }
}

async function onSqlite(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-typeorm-'))
  const driver = createRequire(import.meta.url)('libsql')
  const database = join(folder, 'app.db')
  return open({ type: 'better-sqlite3', driver, database, enableWAL: true }, () => rm(folder, { recursive: true }))
}

conform('TypeORM on PostgreSQL', onPostgres, { modes: METHODS_ALONE })
// SQLite differs in the methods of the backend; the dictionary above them is the same as on PostgreSQL.
conform('TypeORM on SQLite', onSqlite, {
  modes: [],
  missing: { subscribe: 'nothing reports changes in a file of the application: live dictionaries poll' },
})
