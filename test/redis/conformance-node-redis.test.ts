import { afterAll, beforeAll } from 'vitest'
import { METHODS_ALONE } from '../form.js'
import { startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { nodeRedis, nodeRedisPool } from './clients.js'
import { conform } from './conform.js'

let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode()
})

afterAll(() => server.stop())

conform('node-redis, RESP3', () => nodeRedis(server.url))
conform('node-redis, RESP2', () => nodeRedis(server.url, 2), METHODS_ALONE)
conform('a pool of node-redis', () => nodeRedisPool(server.url), METHODS_ALONE)
