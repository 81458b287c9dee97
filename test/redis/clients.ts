import { Redis as Ioredis6 } from 'ioredis'
import { Redis as Ioredis5 } from 'ioredis5'
import { createClient } from 'redis'
import type { RedisClient } from '../../src/index.js'

/** A client for one server, and how it is ended. */
export interface Opened {
  readonly client: RedisClient
  end(): Promise<void> | void
}

/** Every kind of client for one server, connected. */
export const CLIENTS: Readonly<Record<string, (url: string) => Promise<Opened>>> = {
  'node-redis, RESP2': url => nodeRedis(url, 2),
  'node-redis, RESP3': url => nodeRedis(url, 3),
  'ioredis 5': async url => ioredis(new Ioredis5(url, { lazyConnect: true })),
  'ioredis 6, RESP2': async url => ioredis(new Ioredis6(url, { lazyConnect: true, protocol: 2 })),
  'ioredis 6, RESP3': async url => ioredis(new Ioredis6(url, { lazyConnect: true })),
}

async function nodeRedis(url: string, RESP: 2 | 3): Promise<Opened> {
  const client = createClient({ url, RESP })
  client.on('error', () => {})
  await client.connect()
  return { client, end: () => client.destroy() }
}

async function ioredis(client: Ioredis5 | Ioredis6): Promise<Opened> {
  client.on('error', () => {})
  await client.connect()
  return { client, end: () => client.disconnect() }
}
