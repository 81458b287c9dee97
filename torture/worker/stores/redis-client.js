// @ts-check
/** How soon to reconnect after a lost connection, in ms. */
const RECONNECT_AFTER = 30

/** How long a connection may be silent before it is closed, in ms: docs/redis.md recommends these settings. */
const SILENT_AFTER = 2_000

/** A connected client that reconnects fast. @param {'node-redis' | 'node-redis, RESP3' | 'ioredis'} kind @param {string} url */
export async function openClient(kind, url) {
  return kind === 'ioredis' ? openIoredis(url) : openNodeRedis(url, kind === 'node-redis' ? 2 : 3)
}

/** @param {string} url */
async function openIoredis(url) {
  const { Redis } = await import('ioredis')
  const client = new Redis(url, {
    lazyConnect: true,
    socketTimeout: SILENT_AFTER,
    retryStrategy: () => RECONNECT_AFTER,
  })
  client.on('error', () => {})
  // Whether or not the first attempt succeeds, it keeps trying.
  await client.connect().catch(() => {})
  return client
}

/** @param {string} url @param {2 | 3} RESP */
async function openNodeRedis(url, RESP) {
  const { createClient } = await import('redis')
  const socket = { socketTimeout: SILENT_AFTER, reconnectStrategy: () => RECONNECT_AFTER }
  const client = createClient({ url, RESP, pingInterval: SILENT_AFTER / 4, socket })
  client.on('error', () => {})
  await client.connect()
  return client
}
