import type { EventEmitter } from 'node:events'
import * as ioredis from 'ioredis'
import * as redis from 'redis'
import { describe, expect, type TestContext, test } from 'vitest'
import { type OwnClient, ownIoredis, ownNodeRedis } from '../../src/backends/redis/own-client.js'
import { RedisBackend } from '../../src/backends/redis/redis-backend.js'
import { DurableDict } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { ask, startRedisCluster, startRedisNode, startRedisSentinels } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import {
  ioredis5,
  ioredis6,
  ioredisCluster6,
  ioredisSentinel6,
  nodeRedis,
  nodeRedisCluster,
  nodeRedisPool,
  nodeRedisSentinel,
  type Opened,
} from './clients.js'
import { until } from './support.js'
import { startSwitchingProxy } from './switching-proxy.js'

/** How soon a client must recover, in ms. */
const BOUND = 20_000

const LEAN = ['--appendonly', 'no', '--save', '', '--repl-diskless-sync-delay', '0']

type OnFinished = TestContext['onTestFinished']

async function own({ client, end }: OwnClient): Promise<Opened & { readonly own: OwnClient }> {
  client.on('error', () => {})
  // ioredis connects again by itself after a first attempt that fails.
  const ready = new Promise(resolve => (client as never as EventEmitter).once('ready', resolve))
  client.connect().catch(() => {})
  await ready
  return { client: client as never, end: () => {}, own: { client, end } }
}

const CLIENTS: Record<string, (url: string) => Promise<Opened & { readonly own?: OwnClient }>> = {
  'a separate connection by node-redis': url => own(ownNodeRedis(redis as never, url)),
  'a separate connection by ioredis': url => own(ownIoredis(ioredis as never, url)),
  'node-redis': nodeRedis,
  'a pool of node-redis': nodeRedisPool,
  'ioredis 5': ioredis5,
  'ioredis 6': ioredis6,
}

/** A live dictionary that also writes. */
async function open(opened: Opened & { readonly own?: OwnClient }, onFinished: OnFinished) {
  const { client, end } = opened
  onFinished(() => end())
  const backend = new RedisBackend(client, 'd', { own: opened.own })
  const dict = await DurableDict.open(backend, { live: true, timeout: 5_000 })
  onFinished(() => dict.close())
  return dict
}

/** How long it takes until a write and a checked read work again, in ms. Then pushes must work within the bound, too. */
async function recover(dict: Awaited<ReturnType<typeof open>>, write: (mark: number) => Promise<unknown>) {
  const { soon, value: took } = await inTime(BOUND, () => recovered(dict, write))
  expect(soon).toBe(true)
  return took
}

async function recovered(dict: Awaited<ReturnType<typeof open>>, write: (mark: number) => Promise<unknown>) {
  const startedAt = performance.now()
  const works = (call: () => Promise<unknown>) => () =>
    call().then(
      () => true,
      () => false,
    )
  await until(
    works(() => dict.set('own', startedAt)),
    'writes work',
  )
  await until(
    works(() => dict.get('own')),
    'reads work',
  )
  const took = performance.now() - startedAt
  await write(startedAt)
  await until(() => dict.local.get('mark') === startedAt, 'changes arrive')
  return took
}

async function start(onFinished: OnFinished, ...args: string[]): Promise<RedisNode> {
  const node = await startRedisNode({ args: [...LEAN, ...args] })
  onFinished(() => node.stop())
  return node
}

/** A writer in another process. */
async function writerOf(node: RedisNode, onFinished: OnFinished) {
  const dict = await open(await nodeRedis(node.url), onFinished)
  return (mark: number) => dict.set('mark', mark)
}

describe('a silent network without closed connections is left', () => {
  for (const [name, connect] of Object.entries(CLIENTS)) {
    test.concurrent(`by ${name}`, async ({ onTestFinished }) => {
      const node = await start(onTestFinished)
      const proxy = await startSwitchingProxy(node.port)
      onTestFinished(() => proxy.close())
      const dict = await open(await connect(proxy.url), onTestFinished)
      const write = await writerOf(node, onTestFinished)
      await dict.set('a', 1)
      proxy.silence()
      report(`silent network, ${name}`, await recover(dict, write))
    }, 120_000)
  }
})

describe('a primary that has become a replica, but keeps its connections, is left', () => {
  for (const [name, connect] of Object.entries(CLIENTS)) {
    test.concurrent(`by ${name}`, async ({ onTestFinished }) => {
      const primary = await start(onTestFinished)
      const replica = await start(onTestFinished, '--replicaof', '127.0.0.1', String(primary.port))
      const proxy = await startSwitchingProxy(primary.port)
      onTestFinished(() => proxy.close())
      const dict = await open(await connect(proxy.url), onTestFinished)
      await dict.set('a', 1)
      await until(async () => (await ask(replica, 'hlen', 'd')) === 1, 'the replica follows')
      await ask(replica, 'replicaof', 'no', 'one')
      proxy.switchTo(replica.port)
      await ask(primary, 'replicaof', '127.0.0.1', String(replica.port))
      report(`demoted primary, ${name}`, await recover(dict, await writerOf(replica, onTestFinished)))
      expect(await ask(replica, 'hexists', 'd', 'own')).toBe(1)
    }, 120_000)
  }
})

describe('a frozen primary is abandoned for the replica that takes over', () => {
  const sentinels = { 'node-redis': nodeRedisSentinel, ioredis: ioredisSentinel6 }
  for (const [name, connect] of Object.entries(sentinels)) {
    test.concurrent(`under Sentinel, by ${name}`, async ({ onTestFinished }) => {
      const { primary, replica, ...rest } = await startRedisSentinels()
      onTestFinished(() => rest.stop())
      const dict = await open(await connect({ primary, replica, ...rest }), onTestFinished)
      await dict.set('a', 1)
      await ask(primary, 'wait', '1', '5000')
      await rest.failOverAfter(500)
      process.kill(primary.pid, 'SIGSTOP')
      onTestFinished(() => void process.kill(primary.pid, 'SIGCONT'))
      const took = await recover(dict, async mark => (await writerOf(replica, onTestFinished))(mark))
      report(`frozen primary, Sentinel, ${name}`, took)
    }, 120_000)
  }

  const clusters = { 'node-redis': nodeRedisCluster, ioredis: ioredisCluster6 }
  for (const [name, connect] of Object.entries(clusters)) {
    test.concurrent(`in a cluster, by ${name}`, async ({ onTestFinished }) => {
      const cluster = await startRedisCluster({ primaries: 1, replicas: 1 })
      onTestFinished(() => cluster.stop())
      const [primary, replica] = cluster.nodes as [RedisNode, RedisNode]
      const dict = await open(await connect(cluster.nodes), onTestFinished)
      await dict.set('a', 1)
      await ask(primary, 'wait', '1', '5000')
      process.kill(primary.pid, 'SIGSTOP')
      onTestFinished(() => void process.kill(primary.pid, 'SIGCONT'))
      // A single primary cannot elect another one.
      await ask(replica, 'cluster', 'failover', 'takeover')
      const took = await recover(dict, async mark => (await writerOf(replica, onTestFinished))(mark))
      report(`frozen primary, cluster, ${name}`, took)
    }, 120_000)
  }
})

/** The source of the figures in docs/redis.md. */
function report(what: string, ms: number): void {
  if (process.env.DURABLEDICT_REPORT) console.log(`${what}: back after ${(ms / 1_000).toFixed(1)} s`)
}
