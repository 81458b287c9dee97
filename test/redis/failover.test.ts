import { describe, type TestContext, test } from 'vitest'
import { RedisDict } from '../../src/index.js'
import { ask, startRedisCluster, startRedisSentinels } from '../servers/redis-nodes.js'
import type { RedisCluster, RedisNode, RedisSentinels } from '../servers/types.js'
import {
  ioredisCluster5,
  ioredisCluster6,
  ioredisSentinel5,
  ioredisSentinel6,
  nodeRedisCluster,
  nodeRedisSentinel,
  type Opened,
} from './clients.js'
import { startCuttingProxy } from './cutting-proxy.js'
import { listeners, until as untilWithin } from './support.js'

/** How long a takeover may take on a busy machine, in ms: clients look for the new primary every ten seconds. */
const PATIENCE = 30_000

const OPTIONS = { timeout: PATIENCE } as const

const until = (holds: () => boolean | Promise<boolean>, what: string) => untilWithin(holds, what, PATIENCE)

/** A writer and a live reader, each with a client of its own. */
async function openTwo(open: () => Promise<Opened>, onTestFinished: TestContext['onTestFinished']) {
  const clients = [await open(), await open()]
  for (const one of clients) onTestFinished(() => one.end())
  const [writer, reader] = await Promise.all([
    RedisDict.open('settings', (clients[0] as Opened).client, OPTIONS),
    RedisDict.open('settings', (clients[1] as Opened).client, { ...OPTIONS, live: true, autosync: false }),
  ])
  onTestFinished(() => writer.close())
  onTestFinished(() => reader.close())
  return { writer, reader }
}

describe('Sentinel: another primary takes over', () => {
  const clients: Record<string, (sentinels: RedisSentinels) => Promise<Opened>> = {
    'node-redis': nodeRedisSentinel,
    'ioredis 5': ioredisSentinel5,
    'ioredis 6': ioredisSentinel6,
  }
  for (const [name, open] of Object.entries(clients)) {
    test.concurrent(name, async ({ expect, onTestFinished }) => {
      const sentinels = await startRedisSentinels()
      onTestFinished(() => sentinels.stop())
      const { writer, reader } = await openTwo(() => open(sentinels), onTestFinished)
      await writer.set('a', 1)
      await until(() => reader.local.get('a') === 1, 'the reader is fed')
      await ask(sentinels.primary, 'wait', '1', '5000')
      await sentinels.failOverAfter(500)
      await sentinels.primary.stop()
      await writer.set('b', 2)
      expect(await writer.get('a')).toBe(1)
      await until(() => reader.local.get('b') === 2, 'the reader follows the new primary')
      await until(async () => (await listeners(sentinels.replica, '{settings}:meta')) > 0, 'messages come from there')
      await writer.set('c', 3)
      await until(() => reader.local.get('c') === 3, 'the reader gets pushes again')
    }, 120_000)
  }
})

describe('Cluster', () => {
  const clients: Record<string, (nodes: RedisNode[]) => Promise<Opened>> = {
    'node-redis': nodeRedisCluster,
    'ioredis 5': ioredisCluster5,
    'ioredis 6': ioredisCluster6,
  }
  for (const [name, open] of Object.entries(clients)) {
    test.concurrent(`the primary of a shard is lost, by ${name}`, async ({ expect, onTestFinished }) => {
      const cluster = await startRedisCluster({ replicas: 1 })
      onTestFinished(() => cluster.stop())
      const { writer, reader } = await openTwo(() => open(cluster.nodes), onTestFinished)
      await writer.set('a', 1)
      await until(() => reader.local.get('a') === 1, 'the reader is fed')
      const primary = await primaryOf(cluster, 'settings')
      await ask(primary, 'wait', '1', '5000')
      await primary.stop()
      const heir = cluster.nodes[cluster.nodes.indexOf(primary) + 3] as RedisNode
      // Sooner than the replica would find out by itself.
      await ask(heir, 'cluster', 'failover', 'takeover')
      await writer.set('b', 2)
      expect(await writer.get('a')).toBe(1)
      await until(() => reader.local.get('b') === 2, 'the reader follows the new primary')
      await until(async () => (await listeners(heir, '{settings}:meta')) > 0, 'messages come from there')
    }, 120_000)

    test.concurrent(`the hash slot is moved while it is in use, by ${name}`, async ({ expect, onTestFinished }) => {
      const cluster = await startRedisCluster()
      onTestFinished(() => cluster.stop())
      const { writer, reader } = await openTwo(() => open(cluster.nodes), onTestFinished)
      await writer.set('a', 1)
      await until(() => reader.local.get('a') === 1, 'the reader is fed')
      const from = await primaryOf(cluster, 'settings')
      const to = cluster.primaries.find(node => node !== from) as RedisNode
      let moving = true
      let written = 0
      const writing = (async () => {
        while (moving) {
          written += 1
          await writer.set('n', written)
        }
      })()
      const moved = move(cluster, 'settings', from, to).finally(() => {
        moving = false
      })
      await Promise.all([moved, writing])
      expect(await writer.get('n')).toBe(written)
      expect(await writer.get('a')).toBe(1)
      await until(() => reader.local.get('n') === written, 'the reader follows')
      await until(async () => (await listeners(to, '{settings}:meta')) > 0, 'messages come from there')
    }, 120_000)
  }
})

test('a connection that closes during an ASK redirect leaves no rejection unhandled, by ioredis', async ({
  expect,
  onTestFinished,
}) => {
  const cluster = await startRedisCluster()
  onTestFinished(() => cluster.stop())
  const unhandled: unknown[] = []
  const note = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  for (const [name, open] of Object.entries({ five: ioredisCluster5, six: ioredisCluster6 })) {
    const from = await primaryOf(cluster, name)
    const to = cluster.primaries.find(node => node !== from) as RedisNode
    const proxy = await startCuttingProxy(to.port)
    onTestFinished(() => proxy.close())
    const natMap = { [`127.0.0.1:${to.port}`]: { host: '127.0.0.1', port: proxy.port } }
    const { client, end } = await open(cluster.nodes, { natMap })
    onTestFinished(() => end())
    const dict = await RedisDict.open(name, client, OPTIONS)
    onTestFinished(() => dict.close())
    await dict.set('a', 1)
    await moveKeys(await beginToMove(name, from, to), from, to)
    proxy.cut('asking', 'before')
    expect(await dict.get('a')).toBe(1)
    expect(proxy.cuts).toBe(1)
  }
  expect(unhandled).toEqual([])
}, 120_000)

async function primaryOf({ primaries }: RedisCluster, key: string): Promise<RedisNode> {
  const [first] = primaries as [RedisNode]
  const slot = (await ask(first, 'cluster', 'keyslot', key)) as number
  const ranges = (await ask(first, 'cluster', 'slots')) as [number, number, [string, number]][]
  const [, , [, port]] = ranges.find(([low, high]) => low <= slot && slot <= high) as [number, number, [string, number]]
  return primaries.find(node => node.port === port) as RedisNode
}

/** First one key alone, so that each server has a part of the dictionary for a while. */
async function moveKeys({ slot }: { readonly slot: string }, from: RedisNode, to: RedisNode): Promise<void> {
  for (let most = 1; ; most = 100) {
    const keys = (await ask(from, 'cluster', 'getkeysinslot', slot, String(most))) as string[]
    if (keys.length === 0) break
    await ask(from, 'migrate', '127.0.0.1', String(to.port), '', '0', '5000', 'keys', ...keys)
  }
}

/** From then on, keys that do not exist are those of the other server. */
async function beginToMove(key: string, from: RedisNode, to: RedisNode) {
  const slot = String(await ask(from, 'cluster', 'keyslot', key))
  const [source, target] = [await ask(from, 'cluster', 'myid'), await ask(to, 'cluster', 'myid')] as [string, string]
  await ask(to, 'cluster', 'setslot', slot, 'importing', source)
  await ask(from, 'cluster', 'setslot', slot, 'migrating', target)
  return { slot, target }
}

/** As `redis-cli --cluster reshard` does it. */
async function move({ primaries }: RedisCluster, key: string, from: RedisNode, to: RedisNode): Promise<void> {
  const { slot, target } = await beginToMove(key, from, to)
  await moveKeys({ slot }, from, to)
  for (const node of [to, from]) await ask(node, 'cluster', 'setslot', slot, 'node', target)
  await Promise.all(primaries.map(node => ask(node, 'cluster', 'setslot', slot, 'node', target)))
}
