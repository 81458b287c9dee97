import { setTimeout as delay } from 'node:timers/promises'
import { Kysely, type LogEvent, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { kyselyManager } from '../../src/backends/model/managers/kysely/kysely-manager.js'
import { versionTables } from '../../src/backends/model/versions/tables.js'
import { type DictOptions, JSONEncoding, ModelDict, type ModelOptions } from '../../src/index.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import type { Server, StartOptions } from '../servers/types.js'

type Options = DictOptions & ModelOptions

/** How an application connects to its database, and with how many connections. */
export interface Reach {
  readonly url?: string
  readonly max?: number
}

export interface Application {
  readonly pool: pg.Pool
  readonly db: Kysely<object>
  readonly errors: readonly unknown[]
}

let tables = 0

/** One PostgreSQL for the tests of a file. Everything that a test opens is closed after it. */
export class TestDatabase {
  server: Server
  readonly cleanup: (() => unknown)[] = []
  #admin: pg.Pool

  private constructor(server: Server) {
    this.server = server
    this.#admin = poolOf(server.url, 20)
  }

  static async start(options?: StartOptions): Promise<TestDatabase> {
    const database = new TestDatabase(await startServer(postgres, options))
    for (const sql of versionTables('postgresql')) await database.sql(sql)
    return database
  }

  /** Bypasses all dictionaries. */
  async sql<Row = Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#admin.query(text, values)).rows as Row[]
  }

  /** A separate connection, for what stays open between statements. */
  async connection(): Promise<pg.PoolClient> {
    const client = await this.#admin.connect()
    this.cleanup.push(() => client.release(true))
    return client
  }

  /** A table that no other test uses. */
  async table(columns = 'key text PRIMARY KEY, value text NOT NULL'): Promise<string> {
    tables += 1
    const name = `settings_${tables}`
    await this.sql(`CREATE TABLE ${name} (${columns})`)
    return name
  }

  /** A pool as in a separate application. Its errors are those of its statements. */
  application({ url = this.server.url, max = 4 }: Reach = {}): Application {
    const pool = poolOf(url, max)
    const errors: unknown[] = []
    const log = (event: LogEvent) => void (event.level === 'error' && errors.push(event.error))
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }), log })
    this.cleanup.push(() => db.destroy())
    return { pool, db, errors }
  }

  manager(table: string, reach?: Reach) {
    return kyselyManager(this.application(reach).db, table)
  }

  open(table: string, options: Options = {}, reach?: Reach) {
    return this.openOn(this.manager(table, reach), options)
  }

  async openOn(manager: object, options: Options = {}) {
    const dict = await ModelDict.open(manager, { encoding: JSONEncoding, ...options })
    this.cleanup.push(() => dict.close())
    return dict
  }

  /** The contents of the table, by key. */
  async rows(table: string): Promise<Record<string, unknown>> {
    const rows = await this.sql<{ key: string; value: string }>(`SELECT key, value FROM ${table} ORDER BY key`)
    return Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value)]))
  }

  /** How many changes the log has of a table's dictionary. */
  async changes(table: string): Promise<number> {
    const [row] = await this.sql<{ count: string }>(
      'SELECT count(*) FROM durabledict_model_changes WHERE dict LIKE $1',
      [`%${table}%`],
    )
    return Number(row?.count)
  }

  /** How many connections wait inside a transaction or for a lock. */
  async busy(): Promise<number> {
    const [row] = await this.sql<{ count: string }>(
      `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'`,
    )
    return Number(row?.count)
  }

  async clean(): Promise<void> {
    for (const step of this.cleanup.splice(0).reverse()) await step()
  }

  async end(): Promise<void> {
    await this.#admin.end().catch(() => {})
    await this.server.stop()
  }
}

/** Pools leave errors of checked-out connections to the code that uses them. */
export function poolOf(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

/** The database of a test file. */
export function testDatabase(): { readonly it: TestDatabase } {
  const holder = {} as { it: TestDatabase }
  beforeAll(async () => {
    holder.it = await TestDatabase.start()
  })
  afterEach(() => holder.it.clean())
  afterAll(() => holder.it?.end())
  return holder
}

export async function rejection(
  promise: Promise<unknown>,
): Promise<Error & { readonly code?: string; readonly key?: string }> {
  return promise.then(
    value => expect.fail(`It resolved with ${JSON.stringify(value)}`),
    error => error,
  )
}

/** Waits until the condition holds, for what happens in the background. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 8_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > end) expect.fail(`Not within ${ms} ms: ${what}`)
    await delay(10)
  }
}
