import { afterAll, beforeAll, expect, test } from 'vitest'
import { RedisDict } from '../../src/index.js'
import { METHODS_ALONE } from '../form.js'
import { startRedisSentinels } from '../servers/redis-nodes.js'
import type { RedisSentinels } from '../servers/types.js'
import { ioredisSentinel5, ioredisSentinel6, nodeRedisSentinel } from './clients.js'
import { conform, TELLING_MODES } from './conform.js'
import { until } from './support.js'

let sentinels: RedisSentinels

beforeAll(async () => {
  sentinels = await startRedisSentinels()
})

afterAll(() => sentinels.stop())

conform('sentinels by node-redis', () => nodeRedisSentinel(sentinels), METHODS_ALONE)
conform('sentinels by ioredis 6', () => ioredisSentinel6(sentinels), TELLING_MODES)
conform('sentinels by ioredis 5', () => ioredisSentinel5(sentinels), METHODS_ALONE)

test('a live dictionary opens although node-redis finds another primary while it subscribes', async () => {
  const { client, end } = await nodeRedisSentinel(sentinels)
  const subscribe = client.sSubscribe.bind(client)
  let attempts = 0
  client.sSubscribe = ((...args: Parameters<typeof subscribe>) => {
    attempts += 1
    return attempts === 1 ? Promise.reject(new Error('Disconnects client')) : subscribe(...args)
  }) as never
  const dict = await RedisDict.open('found', client, { live: true, autosync: false, maxStaleness: 60_000 })
  const writer = await RedisDict.open('found', client)
  await writer.set('a', 1)
  await until(() => dict.local.get('a') === 1, 'the write is pushed')
  expect(attempts).toBe(2)
  await Promise.all([dict.close(), writer.close()])
  end()
})
