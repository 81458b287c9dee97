// @ts-check
/** How soon to reconnect after a lost connection, in ms. */
const RECONNECT_AFTER = 30

/** How long a connection may be silent before it is closed, in ms: docs/redis.md recommends these settings. */
const SILENT_AFTER = 2_000

/** @typedef {'node-redis' | 'node-redis, RESP3' | 'ioredis'} ClientKind */

/** Where a server says that it is, and where the process reaches it: ports of 127.0.0.1. @typedef {{ announced: number, port: number }} Place */

/** Options of node-redis for each connection. */
export const NODE_REDIS = {
  pingInterval: SILENT_AFTER / 4,
  socket: { socketTimeout: SILENT_AFTER, reconnectStrategy: () => RECONNECT_AFTER },
}

/** Options of ioredis for each connection. */
export const IOREDIS = { socketTimeout: SILENT_AFTER }

/** @param {ClientKind} kind @returns {2 | 3} the version of the protocol of node-redis */
export const respOf = kind => (kind === 'node-redis' ? 2 : 3)

/** A connected client that reconnects fast. @param {ClientKind} kind @param {string} url */
export async function openClient(kind, url) {
  return kind === 'ioredis' ? openIoredis(url) : openNodeRedis(url, respOf(kind))
}

/** Where to connect instead of an announced address. @param {readonly Place[]} places @returns {Record<string, { host: string, port: number }>} */
export function addressMap(places) {
  const entries = places.map(({ announced, port }) => [`127.0.0.1:${announced}`, { host: '127.0.0.1', port }])
  return Object.fromEntries(entries)
}

/** @param {string} url */
async function openIoredis(url) {
  const { Redis } = await import('ioredis')
  return tenacious(new Redis(url, { lazyConnect: true, ...IOREDIS, retryStrategy: () => RECONNECT_AFTER }))
}

/** Connects; whether or not the first attempt succeeds, it keeps trying. @template {{ on: any, once: any, connect(): Promise<unknown> }} C @param {C} client */
export async function tenacious(client) {
  client.on('error', () => {})
  // ioredis never settles the promise if a cluster client loses its connections after it has the slots, although it connects again.
  const lost = new Promise(resolve => client.once('close', resolve))
  await Promise.race([client.connect().catch(() => {}), lost])
  return client
}

/** @param {string} url @param {2 | 3} RESP */
async function openNodeRedis(url, RESP) {
  const { createClient } = await import('redis')
  const client = createClient({ url, RESP, ...NODE_REDIS })
  client.on('error', () => {})
  await client.connect()
  return client
}
