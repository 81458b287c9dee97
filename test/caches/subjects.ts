import { once } from 'node:events'
import { connect } from 'node:net'
import { MemcacheClient } from 'memcache-client'
import memjs from 'memjs'
import { memcachedVersions } from '../../src/backends/model/versions/caches/memcached.js'
import { redisVersions } from '../../src/backends/model/versions/caches/redis.js'
import type { VersionCache } from '../../src/backends/model/versions/version-cache.js'
import { ioredis5, ioredis6, nodeRedis, nodeRedisPool, type Opened } from '../redis/clients.js'
import { memcached } from '../servers/memcached.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server, ServerSpec, StartOptions } from '../servers/types.js'

export type OwnServer = Required<Server>

/** Never one that the environment points at: it is killed and flushed. */
async function start(spec: ServerSpec, options?: StartOptions): Promise<OwnServer> {
  return (await startServer({ ...spec, variable: 'DURABLEDICT_TEST_CACHE' }, options)) as OwnServer
}

/** A cache that stores versions, through one client. */
export interface Subject {
  readonly name: string
  start(options?: StartOptions): Promise<OwnServer>
  /** With a client of its own. */
  open(port: number, timeout?: number): Promise<{ cache: VersionCache; end(): Promise<void> | void }>
  /** What an external writer would send to the server, in its own protocol. */
  plant(port: number, key: string, value: string): Promise<void>
  flush(port: number): Promise<void>
}

/** Sends a text and returns the first response. */
export async function tell(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  try {
    socket.write(text)
    const [answer] = await once(socket, 'data')
    return answer
  } finally {
    socket.destroy()
  }
}

const onMemcached = {
  start: (options?: StartOptions) => start(memcached, options),
  plant: async (port: number, key: string, value: string) => {
    await tell(port, `set ${key} 0 0 ${value.length}\r\n${value}\r\n`)
  },
  flush: async (port: number) => {
    await tell(port, 'flush_all\r\n')
  },
}

export const QUIET = { log: () => {} }

/** The caller's time limit in ms when a test does not set one. It does not matter when nothing fails. */
const TIMEOUT = 10_000

const withMemjs: Subject = {
  ...onMemcached,
  name: 'memcached through memjs',
  async open(port, timeout = TIMEOUT) {
    // In seconds: two attempts with a pause between them take less than the caller's time limit.
    const options = { timeout: timeout * 0.0003, retries: 2, retry_delay: 0.05, logger: QUIET }
    const client = memjs.Client.create(`127.0.0.1:${port}`, options)
    return { cache: memcachedVersions(client, { timeout }), end: () => client.close() }
  },
}

const withMemcacheClient: Subject = {
  ...onMemcached,
  name: 'memcached through memcache-client',
  async open(port, timeout = TIMEOUT) {
    const client = new MemcacheClient({ server: `127.0.0.1:${port}`, cmdTimeout: timeout * 0.6 })
    return { cache: memcachedVersions(client, { timeout }), end: () => client.shutdown() }
  },
}

function onRedis(name: string, connected: (url: string) => Promise<Opened>): Subject {
  return {
    name,
    start: options => start(redis, options),
    plant: async (port, key, value) => {
      await tell(port, `SET ${key} ${value}\r\n`)
    },
    flush: async port => {
      await tell(port, 'FLUSHALL\r\n')
    },
    async open(port, timeout = TIMEOUT) {
      const { client, end } = await connected(redis.url(port))
      return { cache: redisVersions(client, { timeout }), end }
    },
  }
}

export const MEMCACHED: readonly Subject[] = [withMemjs, withMemcacheClient]

export const REDIS: readonly Subject[] = [
  onRedis('Redis through node-redis', nodeRedis),
  onRedis('Redis through a pool of node-redis', nodeRedisPool),
  onRedis('Redis through ioredis', ioredis6),
  onRedis('Redis through ioredis 5', ioredis5),
]
