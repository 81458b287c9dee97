import pg from 'pg'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type DictOptions, PostgresDict, type PostgresOptions } from '../../src/postgres.js'
import { poolOf, until } from '../model/test-database.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'

type Options = DictOptions & PostgresOptions

/** The name of the connections that bypass dictionaries. */
const ADMIN = 'admin'

let names = 0

/** One PostgreSQL for the tests of a file. Everything that a test opens is closed after it. */
export class TestServer {
  readonly server: Server
  readonly cleanup: (() => unknown)[] = []
  readonly #admin: pg.Pool

  constructor(server: Server) {
    this.server = server
    this.#admin = poolOf(`${server.url}?application_name=${ADMIN}`, 20)
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

  /** A name that no other test uses. */
  name(): string {
    names += 1
    return `settings ${names}`
  }

  pool({ url = this.server.url, max = 4, ...settings }: pg.PoolConfig & { url?: string } = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: url, max, ...settings })
    pool.on('error', () => {})
    this.cleanup.push(() => pool.end())
    return pool
  }

  async open(name: string, options: Options = {}, pool: pg.Pool | string = this.pool()) {
    const dict = await PostgresDict.open(name, pool, options)
    this.cleanup.push(() => dict.close())
    return dict
  }

  /** The URL of a new database. */
  async database(name: string, rest = ''): Promise<string> {
    await this.sql(`CREATE DATABASE ${name} ${rest}`)
    return this.urlOf(name)
  }

  urlOf(database: string, user = 'postgres'): string {
    const url = new URL(this.server.url)
    url.pathname = database
    url.username = user
    return url.href
  }

  async clean(): Promise<void> {
    for (const step of this.cleanup.splice(0).reverse()) await step()
  }

  /** A pool has ended before its connections have: the end of the server would be an error of theirs. */
  async end(): Promise<void> {
    const others = `SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> '${ADMIN}'`
    await until(async () => (await this.sql(others)).length === 0, 'all connections have ended')
    await this.#admin.end().catch(() => {})
    await this.server.stop()
  }
}

/** The server of a test file. */
export function testServer(): { readonly it: TestServer } {
  const holder = {} as { it: TestServer }
  beforeAll(async () => {
    holder.it = new TestServer(await startServer(postgres))
  })
  afterEach(() => holder.it?.clean())
  afterAll(() => holder.it?.end())
  return holder
}
