import { afterAll, beforeAll } from 'vitest'
import { LONG, METHODS_ALONE } from '../form.js'
import { startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { ioredis5, ioredis6 } from './clients.js'
import { conform, TELLING_MODES } from './conform.js'

let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode()
})

afterAll(() => server.stop())

conform('ioredis 6, RESP3', () => ioredis6(server.url), LONG ? undefined : TELLING_MODES)
conform('ioredis 6, RESP2', () => ioredis6(server.url, 2), METHODS_ALONE)
conform('ioredis 5', () => ioredis5(server.url), METHODS_ALONE)
