import { UnsupportedError } from '../../errors/errors.js'
import { defaultOf, optionalPackage } from '../../packages/optional-package.js'
import type { PostgresClient } from './clients/client.js'
import { PgDatabase } from './clients/pg.js'
import { PostgresJsDatabase } from './clients/postgres-js.js'
import type { PgPool, PostgresJs } from './clients/shapes.js'

/** The package pg (`import pg from 'pg'`) or postgres (`import postgres from 'postgres'`). */
export type PostgresDriver =
  | { readonly Pool: new (settings: never) => unknown }
  | ((url: string, options: never) => unknown)

type PoolClass = new (
  settings: object,
) => PgPool & { on(event: 'error', listener: () => void): unknown; end(): Promise<void> }

type PostgresFunction = (url: string, options: object) => PostgresJs & { end(options: object): Promise<void> }

/** How many connections a dictionary of its own takes at most, besides the one that listens. */
const CONNECTIONS = 4

/** Seconds for its queries to end when it is closed. */
const ENDING = 1

/**
 * Opens a client for a URL, which connects when it is used: with the given driver, else with pg if it is installed, else with postgres.js.
 *
 * @throws TypeError for an invalid URL; UnsupportedError if no driver is installed. Messages contain no part of the URL.
 */
export async function connect(
  url: string,
  timeout: number,
  driver: PostgresDriver | undefined,
): Promise<PostgresClient> {
  if (!/^postgres(?:ql)?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new TypeError(
      'The URL for a PostgresDict cannot be parsed. It has the form postgres://user:password@host:5432/database, with special characters ' +
        'in the password percent-encoded.',
    )
  }
  const its = driver ?? (await installedDriver())
  return typeof its === 'function' ? withPostgresJs(its as PostgresFunction, url, timeout) : withPg(its, url, timeout)
}

/** @throws TypeError if it is neither package. */
export function checkDriver(driver: unknown): asserts driver is PostgresDriver | undefined {
  if (driver === undefined || typeof driver === 'function') return
  if (typeof (Object(driver) as { Pool?: unknown }).Pool === 'function') return
  throw new TypeError(
    `Option "driver" of PostgresDict.open() must be the package pg or postgres: import pg from 'pg', then { driver: pg }.`,
  )
}

async function installedDriver(): Promise<PostgresDriver> {
  const driver = (await optionalPackage('pg')) ?? (await optionalPackage('postgres'))
  if (driver) return defaultOf(driver) as PostgresDriver
  throw new UnsupportedError(
    'To open a PostgresDict by URL, install a driver: npm install pg. In a bundled program, pass the driver from the bundle: ' +
      "import pg from 'pg', then the option { driver: pg }.",
  )
}

function withPg({ Pool }: { readonly Pool: unknown }, url: string, timeout: number): PostgresClient {
  const settings = { connectionString: url, max: CONNECTIONS, connectionTimeoutMillis: timeout, allowExitOnIdle: true }
  const pool = new (Pool as PoolClass)(settings)
  // A lost connection shows in what uses it.
  pool.on('error', () => {})
  return Object.assign(new PgDatabase(pool), { close: () => pool.end() })
}

function withPostgresJs(postgres: PostgresFunction, url: string, timeout: number): PostgresClient {
  const seconds = Math.ceil(timeout / 1_000)
  const sql = postgres(url, { max: CONNECTIONS, connect_timeout: seconds, onnotice: () => {}, fetch_types: false })
  return Object.assign(new PostgresJsDatabase(sql), { close: () => sql.end({ timeout: ENDING }) })
}
