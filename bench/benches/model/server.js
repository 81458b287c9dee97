// @ts-check
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { createTables, kyselyManager, ModelDict, RichEncoding } from '../../../dist/index.js'
import { postgres } from '../../../test/servers/postgres.js'
import { startServer } from '../../../test/servers/start.js'
import { makeEntries } from '../../samples.js'

/** @typedef {import('../../types.js').Dict} Dict */
/** @typedef {import('../../types.js').Options} Options */

/** How many rows are inserted at a time. */
const CHUNK = 5_000

/** @type {Promise<string> | undefined} */
let starting

/** The URL of a server that this process started. One named in the environment may be in use, and is left alone. */
function serverUrl() {
  delete process.env[postgres.variable]
  starting ??= startServer(postgres).then(({ url }) => url)
  return starting
}

/** @param {string} url */
function connect(url) {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  // The server's end reaches connections that are about to close.
  pool.on('error', () => {})
  return pool
}

/** The server's version. */
export async function describeServer() {
  const pool = connect(await serverUrl())
  const { rows } = await pool.query('SHOW server_version')
  await pool.end()
  return `PostgreSQL ${rows[0].server_version}, on this machine, without fsync; Kysely on pg`
}

/**
 * A table of so many samples, stored as the dictionary does.
 * @param {number} count
 */
export async function makeTable(count) {
  const url = await serverUrl()
  const pool = connect(url)
  const name = `bench_${Math.random().toString(36).slice(2)}`
  await pool.query(`CREATE TABLE ${name} (key text PRIMARY KEY, value text NOT NULL)`)
  const encoding = new RichEncoding()
  for (let start = 0; start < count; start += CHUNK) {
    const entries = [...makeEntries(Math.min(CHUNK, count - start), start)]
    await pool.query(`INSERT INTO ${name} SELECT * FROM unnest($1::text[], $2::text[])`, [
      entries.map(([key]) => key),
      entries.map(([, value]) => encoding.encode(value)),
    ])
  }
  await pool.query(`ANALYZE ${name}`)
  await pool.end()
  return { url, name }
}

/** A table as another process would use it: through Kysely, and by its driver alone. @param {string} url @param {string} name */
export async function openTable(url, name) {
  const pool = connect(url)
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
  const manager = kyselyManager(/** @type {never} */ (db), name)
  await createTables(manager)
  const row = `SELECT value FROM ${name} WHERE key = $1`
  return {
    pool,
    manager,
    /** @param {Options} [options] */
    open: async options => /** @type {Dict} */ (/** @type {unknown} */ (await ModelDict.open(manager, options))),
    /** One row by its primary key. @param {string} key */
    select: async key => (await pool.query(row, [key])).rows[0]?.value,
    close: () => db.destroy(),
  }
}
