// @ts-check
import { setTimeout as pause } from 'node:timers/promises'
import { CONNECTIONS, occupying, PATIENCE, takingFrom } from './pools.js'

/** A pool, how to end it, and how to hold all of its connections. @param {'pg' | 'postgres.js'} kind @param {string} url */
export function openClient(kind, url) {
  return kind === 'pg' ? openPg(url) : openPostgresJs(url)
}

/** @param {string} connectionString @param {import('pg').PoolConfig} [more] */
async function openPg(connectionString, more = {}) {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS, connectionTimeoutMillis: PATIENCE, ...more })
  pool.on('error', () => {})
  return { source: pool, disconnect: () => pool.end().catch(() => {}), occupy: occupying(takingFrom(pool)) }
}

/** docs/postgres.md recommends fetch_types: false. @param {string} url */
async function openPostgresJs(url) {
  const { default: postgres } = await import('postgres')
  const backoff = () => 0.03
  const sql = postgres(url, {
    max: CONNECTIONS,
    connect_timeout: PATIENCE / 1_000,
    backoff,
    onnotice: () => {},
    fetch_types: false,
  })
  // Not sql.reserve() or sql.begin(): the driver does not survive that such a connection is lost.
  const occupy = async (/** @type {number} */ ms) => {
    for (let held = 0; held < CONNECTIONS; held += 1) sql`SELECT pg_sleep(${ms / 1_000})`.catch(() => {})
    await pause(ms)
  }
  return { source: sql, disconnect: () => sql.end({ timeout: 0 }).catch(() => {}), occupy }
}
