// @ts-check
import { randomUUID } from 'node:crypto'
import { createClient } from 'redis'
import { RichEncoding } from '../../../dist/index.js'
import { redis } from '../../../test/servers/redis.js'
import { startServer } from '../../../test/servers/start.js'
import { makeEntries } from '../../samples.js'

/** How many entries are written at a time. */
const CHUNK = 5_000

/** Nothing is saved to disk, so that no save falls into one side's time: both sides are measured without durability. */
const ARGS = ['--save', '', '--appendonly', 'no']

/** @type {Promise<string> | undefined} */
let starting

/** The URL of a server that this process started. One named in the environment may be in use, and is left alone. */
function serverUrl() {
  delete process.env[redis.variable]
  starting ??= startServer(redis, { args: ARGS }).then(({ url }) => url)
  return starting
}

/** @param {string} url */
export async function connect(url) {
  const client = createClient({ url })
  // Errors show at the next call.
  client.on('error', () => {})
  return client.connect()
}

/** The server's name and version. */
export async function describeServer() {
  const client = await connect(await serverUrl())
  const info = await client.info('server')
  client.destroy()
  const field = (/** @type {string} */ name) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const name = field('server_name') === 'valkey' ? 'Valkey' : 'Redis'
  return `${name} ${field('valkey_version') ?? field('redis_version')}, on this machine, nothing saved to disk`
}

/**
 * A hash of so many samples, stored as the dictionary does: opening adopts it. The comparison reads the same hash.
 * @param {number} count
 */
export async function makeHash(count) {
  const url = await serverUrl()
  const name = `bench-${randomUUID()}`
  const client = await connect(url)
  const encoding = new RichEncoding()
  for (let start = 0; start < count; start += CHUNK) {
    const flat = []
    for (const [key, value] of makeEntries(Math.min(CHUNK, count - start), start))
      flat.push(key, encoding.encode(value))
    await client.sendCommand(['HSET', name, ...flat])
  }
  client.destroy()
  return { url, name }
}

/** A section of INFO. @param {Awaited<ReturnType<typeof connect>>} client @param {string} section */
export async function infoOf(client, section) {
  const lines = (await client.info(section)).split('\r\n').filter(line => line.includes(':'))
  return new Map(
    lines.map(
      line => /** @type {[string, string]} */ ([line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    ),
  )
}
