import { Redis as Ioredis6, Cluster as IoredisCluster6 } from 'ioredis'
import { createClient, createClientPool, createCluster } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/redis-backend.js'
import { JSONEncoding, RedisDict, StoreUnavailableError, UnsupportedError } from '../../src/index.js'
import { ask, startRedisCluster, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { IOREDIS_SETTINGS, SETTINGS } from './clients.js'
import { until } from './support.js'

/** As docs/redis.md lists them. */
const READING =
  '%R~settings %R~{settings}:* &{settings}:* +evalsha_ro +eval_ro +hello +hmget +hget +hgetall +hlen +hscan +lrange ' +
  '+zcard +zrangebyscore +zrevrangebyscore +getrange'
const LIVE = '+ssubscribe +sunsubscribe'
const CONNECTING = '+auth +client +info +ping +select +quit'

const OPTIONS = { readOnly: true, encoding: JSONEncoding } as const
const cleanup: (() => unknown)[] = []
let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', '', '--repl-diskless-sync-delay', '0'] })
})

beforeEach(async () => {
  await ask(server, 'flushall')
  await ask(server, 'script', 'flush')
  await ask(server, 'acl', 'setuser', 'reader', 'reset', 'on', '>secret', ...rules(READING, LIVE, CONNECTING))
})

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(() => server.stop())

function rules(...lines: string[]): string[] {
  return lines.join(' ').split(' ')
}

const USER = { username: 'reader', password: 'secret' }

const CLIENTS: Record<string, (port: number) => Promise<{ client: never; end(): void }>> = {
  'node-redis': async port => {
    const client = createClient({ ...USER, ...SETTINGS, socket: { ...SETTINGS.socket, port, host: '127.0.0.1' } })
    await client.on('error', () => {}).connect()
    return { client: client as never, end: () => client.destroy() }
  },
  'a pool of node-redis': async port => {
    const client = createClientPool({ ...USER, ...SETTINGS, socket: { ...SETTINGS.socket, port, host: '127.0.0.1' } })
    await client.on('error', () => {}).connect()
    return { client: client as never, end: () => client.destroy() }
  },
  ioredis: async port => {
    const client = new Ioredis6({ ...USER, ...IOREDIS_SETTINGS, port, host: '127.0.0.1' })
    client.on('error', () => {})
    return { client: client as never, end: () => client.disconnect() }
  },
}

async function reader(name: string, port = server.port) {
  const { client, end } = await (CLIENTS[name] as (typeof CLIENTS)[string])(port)
  cleanup.push(end)
  return client
}

async function writer(url = server.url) {
  const client = createClient({ url, ...SETTINGS })
  await client.on('error', () => {}).connect()
  cleanup.push(() => client.destroy())
  const dict = await RedisDict.open('settings', client, { encoding: JSONEncoding })
  cleanup.push(() => dict.close())
  return dict
}

for (const name of Object.keys(CLIENTS)) {
  test(`reads and follows with read rights only, by ${name}`, async () => {
    const source = await writer()
    await source.update(Object.fromEntries(Array.from({ length: 2_500 }, (_, n) => [`k${n}`, n])))
    const client = await reader(name)
    await using dict = await RedisDict.open('settings', client, { ...OPTIONS, live: true })
    expect(await dict.size()).toBe(2_500)
    await source.set('k1', 'new')
    expect(await dict.get('k1')).toBe('new')
    await source.clear()
    await until(() => dict.local.size === 0, 'changes arrive')
    await using small = await RedisDict.open('settings', client, OPTIONS)
    await source.set('a', 1)
    expect(await small.get('a')).toBe(1)
    await expect(small.set('a', 2)).rejects.toBeInstanceOf(UnsupportedError)
  })
}

test('reads the history with read rights only, also what a large clear removed', async () => {
  const source = await writer()
  await source.update(Object.fromEntries(Array.from({ length: 2_500 }, (_, n) => [`k${n}`, n])))
  await source.clear()
  const backend = new RedisBackend(await reader('node-redis'), 'settings')
  cleanup.push(() => backend.close())
  backend.restrictToReads()
  const { commits } = await backend.history({ limit: 1 })
  expect(commits.map(({ changes }) => changes.length)).toEqual([2_500])
  expect((await backend.history({ key: 'k7', limit: 5 })).commits).toHaveLength(2)
})

test('opens and follows a hash that the library has never opened, and creates nothing', async () => {
  await ask(server, 'hset', 'settings', 'a', '1')
  await using dict = await RedisDict.open('settings', await reader('node-redis'), OPTIONS)
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  expect([await dict.get('a'), await dict.get('a'), reasons]).toEqual([1, 1, []])
  await ask(server, 'hset', 'settings', 'b', '2')
  expect(await dict.get('b')).toBe(2)
  expect(await ask(server, 'keys', '*')).toEqual(['settings'])
  const source = await writer()
  await source.set('c', 3)
  expect(Object.fromEntries(await dict.entries())).toEqual({ a: 1, b: 2, c: 3 })
})

test('reads past a damaged head and a damaged log, and repairs neither', async () => {
  const source = await writer()
  await source.set('a', 1)
  await using dict = await RedisDict.open('settings', await reader('node-redis'), OPTIONS)
  await ask(server, 'hset', '{settings}:meta', 'head', 'abc')
  expect(await dict.get('a')).toBe(1)
  expect(await ask(server, 'hget', '{settings}:meta', 'head')).toBe('abc')
})

test('is rejected by a replica, which may be behind', async () => {
  const replica = await startRedisNode({ args: ['--replicaof', '127.0.0.1', String(server.port)] })
  cleanup.push(() => replica.stop())
  await until(async () => /master_link_status:up/.test(await ask(replica, 'info', 'replication')), 'it follows')
  await ask(replica, 'acl', 'setuser', 'reader', 'reset', 'on', '>secret', ...rules(READING, LIVE, CONNECTING))
  for (const name of Object.keys(CLIENTS)) {
    const opening = RedisDict.open('settings', await reader(name, replica.port), OPTIONS)
    await expect(opening).rejects.toThrow(/replica/)
  }
})

describe('a missing right', () => {
  for (const right of rules(READING).filter(rule => /^\+(evalsha_ro|hmget|hlen|hgetall|lrange)$/.test(rule))) {
    test(`${right} is named by a StoreUnavailableError`, async () => {
      const client = await reader('node-redis')
      await ask(server, 'acl', 'setuser', 'reader', right.replace('+', '-'))
      const error = await RedisDict.open('settings', client, OPTIONS).catch(fault => fault)
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('right')
    })
  }
})

test('reads from primaries in a cluster, wherever the client sends other reads', async () => {
  const { nodes, stop } = await startRedisCluster({ primaries: 1, replicas: 1 })
  cleanup.push(stop)
  const source = await writer(nodes[0]?.url)
  await source.update(Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`k${n}`, n])))
  const cluster = createCluster({ rootNodes: nodes.map(({ url }) => ({ url })), useReplicas: true, defaults: SETTINGS })
  await cluster.on('error', () => {}).connect()
  const ports = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const other = new IoredisCluster6(ports, { scaleReads: 'slave', redisOptions: IOREDIS_SETTINGS })
  other.on('error', () => {})
  cleanup.push(
    () => cluster.destroy(),
    () => other.disconnect(),
  )
  for (const client of [cluster, other]) {
    await using dict = await RedisDict.open('settings', client as never, OPTIONS)
    for (let round = 0; round < 20; round += 1) {
      await source.set('k0', round)
      expect(await dict.get('k0')).toBe(round)
    }
    expect(await dict.size()).toBe(1_500)
  }
}, 60_000)
