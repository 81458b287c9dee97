import { afterAll, beforeAll } from 'vitest'
import { METHODS_ALONE } from '../form.js'
import { startRedisSentinels } from '../servers/redis-nodes.js'
import type { RedisSentinels } from '../servers/types.js'
import { ioredisSentinel5, ioredisSentinel6, nodeRedisSentinel } from './clients.js'
import { conform, TELLING_MODES } from './conform.js'

let sentinels: RedisSentinels

beforeAll(async () => {
  sentinels = await startRedisSentinels()
})

afterAll(() => sentinels.stop())

conform('sentinels by node-redis', () => nodeRedisSentinel(sentinels), METHODS_ALONE)
conform('sentinels by ioredis 6', () => ioredisSentinel6(sentinels), TELLING_MODES)
conform('sentinels by ioredis 5', () => ioredisSentinel5(sentinels), METHODS_ALONE)
