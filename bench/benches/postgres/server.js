// @ts-check
import pg from 'pg'
import postgresJs from 'postgres'
import { PostgresDict, RichEncoding } from '../../../dist/postgres.js'
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

/**
 * A client, and a function that runs one prepared statement with it and returns how many rows there were.
 * @typedef {object} Client
 * @property {any} client
 * @property {(text: string, values?: string[]) => Promise<{ length: number }>} query
 * @property {() => Promise<unknown>} end
 */

/** @type {Readonly<Record<string, (url: string) => Client>>} */
export const CLIENTS = {
  pg(url) {
    const client = new pg.Pool({ connectionString: url, max: 2 })
    // The server's end reaches connections that are about to close.
    client.on('error', () => {})
    const query = async (/** @type {string} */ text, /** @type {string[]} */ values = []) =>
      (await client.query({ name: `bench ${text}`.slice(0, 60), text, values })).rows
    return { client, query, end: () => client.end() }
  },
  'postgres.js'(url) {
    const client = postgresJs(url, { max: 2, onnotice: () => {} })
    return {
      client,
      query: async (text, values = []) => client.unsafe(text, values, { prepare: true }),
      end: () => client.end(),
    }
  },
}

/** The server's version. */
export async function describeServer() {
  const { query, end } = clientOf('pg', await serverUrl())
  const [row] = /** @type {any} */ (await query('SHOW server_version'))
  await end()
  return `PostgreSQL ${row.server_version}, on this machine, without fsync; pg and postgres.js`
}

/** @param {string} kind @param {string} url */
export function clientOf(kind, url) {
  return /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS[kind])(url)
}

/**
 * A dictionary with so many samples, and a table of keys and values with the same ones.
 * @param {number} count
 */
export async function makeTable(count) {
  const url = await serverUrl()
  const { client, query, end } = clientOf('pg', url)
  const name = `bench_${Math.random().toString(36).slice(2)}`
  const dict = await openDict(client, name, { timeout: 60_000 })
  for (let start = 0; start < count; start += CHUNK) {
    await dict.update(new Map(makeEntries(Math.min(CHUNK, count - start), start)))
  }
  await dict.close()
  await query(`CREATE TABLE ${name} (key text COLLATE "C" PRIMARY KEY, value jsonb)`)
  await query(`INSERT INTO ${name} SELECT key, value FROM durabledict_entries WHERE dictionary = '${name}'`)
  await query(`VACUUM ANALYZE ${name}`)
  await query('VACUUM ANALYZE durabledict_entries')
  await end()
  return { url, name }
}

/** @param {any} client @param {string} name @param {Options & { timeout?: number }} [options] */
export async function openDict(client, name, options) {
  return /** @type {Dict} */ (/** @type {unknown} */ (await PostgresDict.open(name, client, options)))
}

export const encoding = new RichEncoding()
