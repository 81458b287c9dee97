import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/redis-backend.js'
import { JSONEncoding, RedisDict } from '../../src/index.js'
import { ask, startRedisCluster, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { ioredis6, ioredisCluster6, nodeRedis, nodeRedisCluster, nodeRedisPool, type Opened } from './clients.js'

const cleanup: (() => unknown)[] = []
let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
})

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
  await ask(server, 'flushall')
})

afterAll(() => server.stop())

async function connect(opened: Promise<Opened>) {
  const { client, end } = await opened
  cleanup.push(end)
  return client
}

const COUNT = 20_000
const many = (value: unknown) => Object.fromEntries(Array.from({ length: COUNT }, (_, n) => [`key ${n}`, value]))

describe('a large dictionary is loaded in chunks', () => {
  const clients: Record<string, (url: string) => Promise<Opened>> = {
    'node-redis': nodeRedis,
    'a pool of node-redis': nodeRedisPool,
    'ioredis 6': ioredis6,
  }
  for (const [name, open] of Object.entries(clients)) {
    test(`while it is written to, by ${name}`, async () => {
      const client = await connect(open(server.url))
      await using writer = await RedisDict.open('large', await connect(nodeRedis(server.url)), {
        encoding: JSONEncoding,
      })
      await writer.update(many(0))
      let writing = true
      const write = async () => {
        for (let n = 1; writing; n += 1) {
          const key = () => `key ${Math.floor(Math.random() * COUNT * 1.1)}`
          await Promise.all([writer.set(key(), n), writer.delete(key()), writer.set(key(), n)])
        }
      }
      const written = write()
      for (let round = 0; round < 5; round += 1) {
        await using dict = await RedisDict.open('large', client, { autosync: false, encoding: JSONEncoding })
        const loaded = dict.version
        // At some version of the writer, since whose changes lead to the writer's state.
        await dict.sync()
        await writer.sync()
        await dict.sync()
        expect(loaded).toBeDefined()
      }
      writing = false
      await written
      await using last = await RedisDict.open('large', client, { autosync: false, encoding: JSONEncoding })
      expect(last.version).toBe(writer.version)
      expect(new Map(last.local)).toEqual(new Map(writer.local))
      expect(Object.keys((await ask(server, 'hgetall', 'large')) as object).length).toBe(last.local.size)
    })
  }

  test('each loaded state is one that the store had', async () => {
    const client = await connect(nodeRedis(server.url))
    const [writer, reader] = [new RedisBackend(client, 'large'), new RedisBackend(client, 'large')]
    cleanup.push(() => Promise.all([writer.close(), reader.close()]))
    const entries = new Map(Object.entries(many('0')) as [string, string][])
    const states = new Map<string, Map<string, string>>()
    const commit = async (operations: { type: 'set'; key: string; stored: string }[]) => {
      const batch = { id: crypto.randomUUID(), groups: [{ conditions: [], operations }] }
      const { catchUp } = await writer.commit(batch, await writer.lastUpdated(), new AbortController().signal)
      states.set(String((catchUp as { version: unknown }).version), new Map(entries))
    }
    await commit([...entries].map(([key, stored]) => ({ type: 'set', key, stored })))
    const loads: Awaited<ReturnType<typeof reader.load>>[] = []
    const load = async () => {
      while (loads.length < 8) loads.push(await reader.load(() => {}))
    }
    const write = async () => {
      for (let n = 1; loads.length < 8; n += 1) {
        const key = `key ${(n * 7919) % COUNT}`
        entries.set(key, String(n))
        await commit([{ type: 'set', key, stored: String(n) }])
      }
    }
    await Promise.all([load(), write()])
    // Not earlier: a load may see a commit before its writer has the response.
    for (const { version, entries: loaded } of loads) expect(loaded).toEqual(states.get(String(version)))
  })

  test('on a cluster, from primaries only', async () => {
    const cluster = await startRedisCluster({ primaries: 1, replicas: 1 })
    cleanup.push(() => cluster.stop())
    for (const open of [nodeRedisCluster, ioredisCluster6]) {
      const client = await connect(open(cluster.nodes))
      await using writer = await RedisDict.open('large', client, { encoding: JSONEncoding })
      await writer.update(many(0))
      const replica = cluster.nodes[1] as RedisNode
      await ask(replica, 'config', 'resetstat')
      await using dict = await RedisDict.open('large', client, { encoding: JSONEncoding })
      await dict.get('key 1')
      expect(await dict.size()).toBe(COUNT)
      expect(await ask(replica, 'info', 'commandstats')).not.toMatch(/cmdstat_(hscan|eval|evalsha):/)
    }
  })

  test('it reports its progress and stops when it is no longer needed', async () => {
    const client = await connect(nodeRedis(server.url))
    await using writer = await RedisDict.open('large', client, { encoding: JSONEncoding })
    await writer.update(many(0))
    const backend = new RedisBackend(client, 'large')
    cleanup.push(() => backend.close())
    let steps = 0
    await backend.load(() => {
      steps += 1
    })
    expect(steps).toBeGreaterThan(5)
    const stop = () => {
      throw new Error('given up')
    }
    await expect(backend.load(stop)).rejects.toThrow('given up')
  })
})

test('catching up reads only changes, and not the whole dictionary', async () => {
  const client = await connect(nodeRedis(server.url))
  await using writer = await RedisDict.open('large', client, { encoding: JSONEncoding })
  await using reader = await RedisDict.open('large', client, { autosync: false, encoding: JSONEncoding })
  await writer.update(many(0))
  await reader.sync()
  await writer.set('key 1', 1)
  const bytes = async () => Number(/total_net_output_bytes:(\d+)/.exec(await ask(server, 'info', 'stats'))?.[1])
  const before = await bytes()
  await reader.sync()
  expect((await bytes()) - before).toBeLessThan(8_000)
  expect(reader.local.get('key 1')).toBe(1)
})
