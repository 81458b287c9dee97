// @ts-check
import { Redis } from 'ioredis'
import { BasicClientSideCache, createClient } from 'redis'
import { RedisDict } from '../../../dist/index.js'
import { connect } from './server.js'

/** @typedef {import('../../types.js').Dict} Dict */
/** @typedef {import('../../../dist/index.js').CommonOptions} Options */

/**
 * A connected client, used as its documentation says.
 * @typedef {object} Client
 * @property {string} name
 * @property {(name: string, options?: Options) => Promise<Dict>} open a dictionary through this client
 * @property {(key: string) => Promise<unknown>} get
 * @property {(hash: string, key: string) => Promise<unknown>} hget
 * @property {(hash: string, key: string, value: string) => Promise<unknown>} hset
 * @property {(hash: string, key: string, value: string, counter: string) => Promise<unknown>} transaction MULTI, HSET, INCR, EXEC
 * @property {(hash: string) => Promise<object>} hgetall
 * @property {(key: string, value: string) => Promise<unknown>} set
 * @property {(channel: string, text: string) => Promise<unknown>} publish
 * @property {() => void} close
 */

/** @type {Record<string, (url: string) => Promise<Client>>} */
export const CLIENTS = { 'node-redis': openNodeRedis, ioredis: openIoredis }

/** @param {string} url @returns {Promise<Client>} */
async function openNodeRedis(url) {
  const client = await connect(url)
  return {
    name: 'node-redis',
    open: async (name, options) => /** @type {Dict} */ (await RedisDict.open(name, client, options)),
    get: key => client.get(key),
    hget: (hash, key) => client.hGet(hash, key),
    hset: (hash, key, value) => client.hSet(hash, key, value),
    transaction: (hash, key, value, counter) => client.multi().hSet(hash, key, value).incr(counter).exec(),
    hgetall: hash => client.hGetAll(hash),
    set: (key, value) => client.set(key, value),
    publish: (channel, text) => client.publish(channel, text),
    close: () => client.destroy(),
  }
}

/** @param {string} url @returns {Promise<Client>} */
async function openIoredis(url) {
  const client = new Redis(url, { lazyConnect: true })
  client.on('error', () => {})
  await client.connect()
  return {
    name: 'ioredis',
    open: async (name, options) => /** @type {Dict} */ (await RedisDict.open(name, client, options)),
    get: key => client.get(key),
    hget: (hash, key) => client.hget(hash, key),
    hset: (hash, key, value) => client.hset(hash, key, value),
    transaction: (hash, key, value, counter) => client.multi().hset(hash, key, value).incr(counter).exec(),
    hgetall: hash => client.hgetall(hash),
    set: (key, value) => client.set(key, value),
    publish: (channel, text) => client.publish(channel, text),
    close: () => client.disconnect(),
  }
}

/**
 * node-redis with its client-side cache: the server notifies the client of changed keys.
 * @param {string} url @returns {Promise<import('../../redis/rivals.js').Rival>}
 */
export async function openClientSideCache(url) {
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, recordStats: false })
  const client = createClient({ url, RESP: 3, clientSideCache: cache })
  client.on('error', () => {})
  await client.connect()
  const place = (/** @type {string} */ key) => `csc:${key}`
  return {
    name: 'node-redis with its client-side cache',
    cached: true,
    get: key => client.get(place(key)),
    set: (key, value) => client.set(place(key), JSON.stringify(value)),
    close: () => client.destroy(),
  }
}

/** Every client, one after the other. @template R @param {string} url @param {(client: Client) => Promise<R[]>} work */
export async function withEachClient(url, work) {
  const results = []
  for (const open of Object.values(CLIENTS)) {
    const client = await open(url)
    results.push(...(await work(client)))
    client.close()
  }
  return results
}
