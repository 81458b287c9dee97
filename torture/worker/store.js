// @ts-check
/** @import { Channel } from './lossy.js' */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openClient } from './client.js'
import { lossy } from './lossy.js'

/** @typedef {{ type: 'redis', url: string, client: 'node-redis' | 'node-redis, RESP3' | 'ioredis' } | { type: 'sqlite', file: string }} StorePlan */

/**
 * Opens a dictionary on a store. Its pushed messages pass through the channel, if the store is a server.
 * @typedef {(options: object, channel?: Channel) => Promise<import('../../dist/index.js').DurableDict<Record<string, string>>>} Open
 */

/** The name of the dictionary. */
export const NAME = 'torture'

/** So large that nothing is dropped during a scene. */
export const KEEP = { keep: 100_000, days: 1 }

/** The client of a store in a server, and how to open dictionaries on it. @param {string} dist the built library @param {StorePlan} store */
export async function connect(dist, store) {
  const built = (/** @type {string} */ file) => import(pathToFileURL(join(dist, file)).href)
  /** @type {typeof import('../../dist/index.js')} */
  const { DurableDict, JSONEncoding, SqliteDict } = await built('index.js')
  const common = { encoding: JSONEncoding }
  if (store.type === 'sqlite') {
    /** @type {Open} */
    const open = options => SqliteDict.open(NAME, store.file, { ...common, ...options })
    return { open: keeping(open), disconnect: () => {} }
  }
  /** @type {typeof import('../../dist/backends/redis/redis-backend.js')} */
  const { RedisBackend } = await built('backends/redis/redis-backend.js')
  /** @type {typeof import('../../dist/conformance/faulty-backend.js')} */
  const { FaultyBackend } = await built('conformance/faulty-backend.js')
  const client = await openClient(store.client, store.url)
  /** @type {Open} */
  const open = (options, channel) => {
    const backend = new RedisBackend(/** @type {any} */ (client), NAME)
    return DurableDict.open(channel ? lossy(new FaultyBackend(backend), channel) : backend, { ...common, ...options })
  }
  return { open: keeping(open), disconnect: () => void ('destroy' in client ? client.destroy() : client.disconnect()) }
}

/** Opens dictionaries that record the policy of the history, if the store keeps one. @param {Open} open @returns {Open} */
const keeping = open => async (options, channel) => {
  try {
    return await open({ ...options, history: KEEP }, channel)
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'DURABLEDICT_UNSUPPORTED') throw error
    return open(options, channel)
  }
}
