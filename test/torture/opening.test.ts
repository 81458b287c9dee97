import { afterAll, beforeAll, expect, it } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { copyOfDist } from '../../torture/builds.js'
import { FaultProxy } from '../../torture/proxy.js'
import { connect } from '../../torture/worker/store.js'
import { startRedisCluster } from '../servers/redis-nodes.js'
import type { RedisCluster } from '../servers/types.js'

let dist: Awaited<ReturnType<typeof copyOfDist>>
let cluster: RedisCluster

beforeAll(async () => {
  await prepare({ build: true })
  dist = await copyOfDist()
  cluster = await startRedisCluster({ primaries: 1 })
})

afterAll(async () => {
  await cluster.stop()
  await dist.remove()
})

it('a process opens its dictionaries although its cluster client lost the connection during its first check', async () => {
  const [{ port: announced }] = cluster.nodes as [RedisCluster['nodes'][0]]
  const proxy = await FaultProxy.open(announced)
  let cuts = 0
  proxy.translate = answer => {
    if (cuts > 0 || !answer.includes('cluster_state')) return answer
    cuts += 1
    proxy.cut()
    return answer
  }
  const nodes = [{ announced, port: proxy.port }]
  const { open, disconnect } = await connect(dist.folder, { type: 'redis-cluster', nodes, client: 'ioredis' })
  const dict = await open({ timeout: 10_000 })
  await dict.set('key', 'value')
  expect(await dict.get('key')).toBe('value')
  expect(cuts).toBe(1)
  await dict.close()
  await disconnect()
  await proxy.close()
})
