import { afterAll, beforeAll } from 'vitest'
import { METHODS_ALONE } from '../form.js'
import { startRedisCluster } from '../servers/redis-nodes.js'
import type { RedisCluster } from '../servers/types.js'
import { ioredisCluster5, ioredisCluster6, nodeRedisCluster } from './clients.js'
import { conform, TELLING_MODES } from './conform.js'

let cluster: RedisCluster

beforeAll(async () => {
  cluster = await startRedisCluster()
})

afterAll(() => cluster.stop())

conform('a cluster by node-redis, RESP3', () => nodeRedisCluster(cluster.nodes), TELLING_MODES)
conform('a cluster by node-redis, RESP2', () => nodeRedisCluster(cluster.nodes, 2), METHODS_ALONE)
conform('a cluster by ioredis 6', () => ioredisCluster6(cluster.nodes), METHODS_ALONE)
conform('a cluster by ioredis 5', () => ioredisCluster5(cluster.nodes), METHODS_ALONE)
