import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { kyselyManager } from '../../src/backends/model/managers/kysely.js'
import { createTables } from '../../src/index.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'

/** A PostgreSQL that the tests of a file share, with the tables of the versions. */
export interface Database {
  readonly url: string
  readonly pool: pg.Pool
  readonly db: Kysely<object>
  /** Creates a table with these columns, and gives its name. */
  table(columns: string): Promise<string>
}

export function database(): Database {
  const opened = {} as { -readonly [M in keyof Database]: Database[M] }
  let stop = async () => {}
  let tables = 0
  beforeAll(async () => {
    const server = await startServer(postgres)
    opened.url = server.url
    opened.pool = new pg.Pool({ connectionString: server.url, max: 10 })
    // The server's end reaches connections that are about to close.
    opened.pool.on('error', () => {})
    opened.db = new Kysely<object>({ dialect: new PostgresDialect({ pool: opened.pool }) })
    stop = async () => {
      await opened.db.destroy()
      await server.stop()
    }
    await opened.pool.query('CREATE TABLE any_model (key text PRIMARY KEY, value text)')
    await createTables(kyselyManager(opened.db, 'any_model'))
  })
  afterAll(() => stop())
  opened.table = async columns => {
    tables += 1
    await opened.pool.query(`CREATE TABLE model_${tables} (${columns})`)
    return `model_${tables}`
  }
  return opened
}
