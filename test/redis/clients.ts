import { Redis as Ioredis6, Cluster as IoredisCluster6 } from 'ioredis'
import { Redis as Ioredis5, Cluster as IoredisCluster5 } from 'ioredis5'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import type { RedisClient } from '../../src/index.js'
import type { RedisNode, RedisSentinels } from '../servers/types.js'

/** A connected client, and how to close it. */
export interface Opened<C = RedisClient> {
  readonly client: C
  end(): Promise<void> | void
}

const quiet = () => {}

/** The settings that docs/redis.md recommends for node-redis: a silent server is left. */
export const SETTINGS = {
  pingInterval: 500,
  socket: { socketTimeout: 2_000, reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1_000) },
}

/** The same for ioredis. */
export const IOREDIS_SETTINGS = { socketTimeout: 2_000 }

export async function nodeRedis(url: string, RESP: 2 | 3 = 3) {
  const client = createClient({ url, RESP, ...SETTINGS })
  client.on('error', quiet)
  await client.connect()
  return { client, end: () => client.destroy() }
}

export async function nodeRedisPool(url: string) {
  const client = createClientPool({ url, ...SETTINGS })
  client.on('error', quiet)
  await client.connect()
  return { client, end: () => client.destroy() }
}

export async function nodeRedisCluster(nodes: readonly RedisNode[], RESP: 2 | 3 = 3) {
  const client = createCluster({
    rootNodes: nodes.map(({ url }) => ({ url })),
    RESP,
    useReplicas: true,
    defaults: SETTINGS,
    topologyRefreshOnReconnectionAttemptStrategy: 500,
  })
  client.on('error', quiet)
  await client.connect()
  return { client, end: () => client.destroy() }
}

export async function nodeRedisSentinel({ name, sentinel }: RedisSentinels, RESP: 2 | 3 = 3) {
  const sentinelRootNodes = [{ host: '127.0.0.1', port: sentinel.port }]
  const client = createSentinel({ name, sentinelRootNodes, RESP, scanInterval: 500, nodeClientOptions: SETTINGS })
  client.on('error', quiet)
  await client.connect()
  return { client, end: () => client.destroy() }
}

export function ioredis5(url: string) {
  return connected(new Ioredis5(url, { lazyConnect: true, ...IOREDIS_SETTINGS }))
}

export function ioredis6(url: string, protocol: 2 | 3 = 3) {
  return connected(new Ioredis6(url, { lazyConnect: true, protocol, ...IOREDIS_SETTINGS }))
}

/** By default, the client gives up if a busy machine does not tell it the slots within a second. */
const CLUSTER = { lazyConnect: true, scaleReads: 'slave', slotsRefreshTimeout: 5_000 } as const
const SENTINEL = { lazyConnect: true, failoverDetector: true, ...IOREDIS_SETTINGS } as const

export function ioredisCluster5(nodes: readonly RedisNode[], options: object = {}) {
  return connected(new IoredisCluster5(nodes.map(address), { ...CLUSTER, ...options, redisOptions: IOREDIS_SETTINGS }))
}

export function ioredisCluster6(nodes: readonly RedisNode[], options: object = {}) {
  return connected(new IoredisCluster6(nodes.map(address), { ...CLUSTER, ...options, redisOptions: IOREDIS_SETTINGS }))
}

export function ioredisSentinel5({ name, sentinel }: RedisSentinels) {
  return tenacious(new Ioredis5({ name, sentinels: [address(sentinel)], ...SENTINEL }))
}

export function ioredisSentinel6({ name, sentinel }: RedisSentinels) {
  return tenacious(new Ioredis6({ name, sentinels: [address(sentinel)], ...SENTINEL }))
}

function address({ port }: RedisNode) {
  return { host: '127.0.0.1', port }
}

interface Connecting {
  on(event: 'error' | 'end' | 'ready', listener: () => void): unknown
  connect(): Promise<unknown>
  disconnect(): void
}

/** As docs/redis.md advises: ioredis gives up for good if its failover detector ends a connection that is just being opened. */
async function tenacious<C extends Connecting>(client: C) {
  let isOver = false
  client.on('end', () => void (isOver || client.connect().catch(quiet)))
  const opened = await connected(client)
  const end = () => {
    isOver = true
    opened.end()
  }
  return { client, end }
}

/** Waits until it is ready: `connect()` rejects if the first attempt fails, although the client tries again. */
async function connected<C extends Connecting>(client: C) {
  client.on('error', quiet)
  const ready = new Promise<void>(resolve => client.on('ready', resolve))
  client.connect().catch(quiet)
  await ready
  return { client, end: () => client.disconnect() }
}
