import { Redis as Ioredis6, Cluster as IoredisCluster6 } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { keysOf } from '../../src/backends/redis/names.js'
import { slotOf } from '../../src/backends/redis/slot.js'
import { JSONEncoding, RedisDict, StoreUnavailableError } from '../../src/index.js'
import { ask, startRedisCluster, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { until } from './support.js'

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

/** As in docs/redis.md. */
const RIGHTS = [
  '-@all',
  '+evalsha',
  '+eval',
  '+get',
  '+getex',
  '+hmget',
  '+hget',
  '+hgetall',
  '+hset',
  '+hdel',
  '+hlen',
  '+hscan',
  '+del',
  '+lrange',
  '+rpush',
  '+lpop',
  '+rpop',
  '+ltrim',
  '+time',
  '+zadd',
  '+zcard',
  '+zrange',
  '+zrangebyscore',
  '+zrevrangebyscore',
  '+zrem',
  '+zremrangebyscore',
  '+append',
  '+getrange',
  '+set',
  '+rename',
  '+unlink',
  '+spublish',
  '+ssubscribe',
  '+sunsubscribe',
]
/** Only for reading and changing the history. */
const OTHER = ['+zrange', '+zrangebyscore', '+zrevrangebyscore', '+zrem']
const CONNECTING = ['+hello', '+auth', '+client|setname', '+ping', '+info', '+select']

async function user(...rules: string[]) {
  await ask(server, 'acl', 'setuser', 'app', 'reset', 'on', '>secret', ...rules)
  cleanup.push(() => ask(server, 'acl', 'deluser', 'app'))
  const client = createClient({ url: server.url, username: 'app', password: 'secret' })
  client.on('error', () => {})
  await client.connect()
  cleanup.push(() => client.destroy())
  return client
}

const KEYS = ['resetkeys', '~settings', '~{settings}:*', 'resetchannels', '&{settings}:*']

describe('a user with only the necessary rights', () => {
  test('can do everything', async () => {
    const client = await user(...KEYS, ...RIGHTS, ...CONNECTING)
    await using writer = await RedisDict.open('settings', client, { encoding: JSONEncoding })
    await using reader = await RedisDict.open('settings', client, {
      live: true,
      maxStaleness: 100_000,
      encoding: JSONEncoding,
    })
    await writer.update(Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${n}`, n])))
    await writer.transact(tx => tx.set('k1', (tx.get('k2') as number) + 1))
    expect([await writer.pop('k3'), await writer.delete('k4'), await writer.setDefault('k5', 0)]).toEqual([3, true, 5])
    await until(() => reader.local.get('k1') === 3, 'changes arrive')
    await using large = await RedisDict.open('settings', client, { encoding: JSONEncoding })
    expect(await large.size()).toBe(2_998)
    await large.clear()
    await ask(server, 'flushall')
    await large.set('a', 1)
    await large.set('a', 'x'.repeat(3_000_000))
    await large.set('a', 'x'.repeat(900_000))
  })

  for (const missing of RIGHTS.slice(1).filter(right => !/subscribe|spublish/.test(right) && !OTHER.includes(right))) {
    test(`without ${missing} gets an error that names the right, and nothing is half written`, async () => {
      await ask(
        server,
        'hset',
        'settings',
        'a',
        '"1"',
        ...Array.from({ length: 2_000 }, (_, n) => [`k${n}`, '"v"']).flat(),
      )
      const client = await user(...KEYS, ...RIGHTS, ...CONNECTING, missing.replace('+', '-'))
      const work = async () => {
        await using dict = await RedisDict.open('settings', client)
        await dict.set('b', 1)
      }
      const error = await work().then(
        () => undefined,
        cause => cause,
      )
      const entries = (await ask(server, 'hlen', 'settings')) as number
      const written = (await ask(server, 'llen', '{settings}:log')) as number
      expect([entries, written]).toEqual(error ? [2_001, 0] : [2_002, 1])
      // Not needed in every case.
      if (!['+eval', '+get', '+getex', '+lpop', '+hget', '+hgetall'].includes(missing) || error) {
        expect(error).toBeInstanceOf(StoreUnavailableError)
        expect(error.message).toMatch(/right|NOPERM/)
      }
    })
  }

  test('without the right to publish can write, and others see it at their next check', async () => {
    const client = await user(...KEYS, ...RIGHTS, ...CONNECTING, '-spublish')
    await using dict = await RedisDict.open('settings', client)
    await dict.set('a', 1)
    expect(await dict.get('a')).toBe(1)
  })

  test('without the right to subscribe cannot open a live dictionary', async () => {
    const client = await user(...KEYS, ...RIGHTS, ...CONNECTING, '-ssubscribe')
    await expect(RedisDict.open('settings', client, { live: true })).rejects.toBeInstanceOf(StoreUnavailableError)
  })
})

describe('names', () => {
  const names = ['a b', '{a}', 'a{b}c', '{}', '}{', '{', '%', '%7B', 'ключ', '  ', 'a:b/c"\\\'', '\u0000\n', '🙂']

  test('of every kind are separate dictionaries', async () => {
    const client = createClient({ url: server.url })
    await client.connect()
    cleanup.push(() => client.destroy())
    for (const name of names) {
      await using dict = await RedisDict.open(name, client, { live: true })
      await dict.set('name', name)
    }
    for (const name of names) {
      await using dict = await RedisDict.open(name, client)
      expect(dict.name).toBe(name)
      expect([...dict.local]).toEqual([['name', name]])
    }
  })

  test('have one hash slot each, the same as on the server', async () => {
    const [node] = (await startRedisCluster({ primaries: 1 }).then(cluster => {
      cleanup.push(() => cluster.stop())
      return cluster.nodes
    })) as [RedisNode]
    for (const name of [...names, 'plain']) {
      const keys = Object.values(keysOf(name))
      const slots = await Promise.all(keys.map(key => ask(node, 'cluster', 'keyslot', key)))
      expect(new Set(slots).size).toBe(1)
      expect(keys.map(slotOf)).toEqual(slots)
    }
    for (const key of ['a{}b', '{}{a}', 'a{b', 'a}b{c}', 'foo{{bar}}zap']) {
      expect(slotOf(key)).toBe(await ask(node, 'cluster', 'keyslot', key))
    }
  })

  test('that are invalid are rejected', async () => {
    for (const name of ['', '\ud800', 1, undefined]) {
      await expect(RedisDict.open(name as string, server.url)).rejects.toThrow(TypeError)
    }
  })
})

describe('a keyPrefix of the client', () => {
  test('prefixes every key, with each client and when live', async () => {
    const prefixed = createClient({ url: server.url, keyPrefix: 'app:' })
    await prefixed.connect()
    const other = new Ioredis6(server.url, { keyPrefix: 'app:' })
    cleanup.push(
      () => prefixed.destroy(),
      () => other.disconnect(),
    )
    const options = { live: true, maxStaleness: 100_000, autosync: false } as const
    await using one = await RedisDict.open('settings', prefixed, options)
    await using two = await RedisDict.open('settings', other, options)
    expect(one.version).toBe(two.version)
    await one.set('a', 1)
    await until(() => two.local.get('a') === 1, 'it arrives there')
    await two.set('b', 2)
    await until(() => one.local.get('b') === 2, 'it arrives here')
    expect(((await ask(server, 'keys', '*')) as string[]).sort()).toEqual([
      'app:settings',
      'app:{settings}:head',
      'app:{settings}:history',
      'app:{settings}:history:index',
      'app:{settings}:log',
      'app:{settings}:meta',
      'app:{settings}:replicas',
      'app:{settings}:replicas:bounds',
      'app:{settings}:replicas:seen',
    ])
  })

  test('is rejected on a cluster, because it would split the hash slots', async () => {
    const rootNodes = [{ url: server.url }]
    const clients = [
      createCluster({ rootNodes, keyPrefix: 'app:' }),
      new IoredisCluster6([server.port], { lazyConnect: true, keyPrefix: 'app:' }),
    ]
    for (const client of clients) await expect(RedisDict.open('settings', client as never)).rejects.toThrow(/keyPrefix/)
  })
})

test('a dictionary by URL owns its connection', async () => {
  const count = async () => ((await ask(server, 'client', 'list')) as string).trim().split('\n').length
  const before = await count()
  const dict = await RedisDict.open('settings', server.url, { live: true })
  await dict.set('a', 1)
  expect(await count()).toBe(before + 2)
  await dict.close()
  await until(async () => (await count()) === before, 'the connections are gone')
  await expect(RedisDict.open('settings', 'redis://127.0.0.1:1', { timeout: 300 })).rejects.toBeInstanceOf(
    StoreUnavailableError,
  )
  const controller = new AbortController()
  const opening = RedisDict.open('settings', 'redis://127.0.0.1:1', { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(opening).rejects.toThrow('enough')
  await expect(RedisDict.open('settings', 'http://127.0.0.1:1')).rejects.toThrow(TypeError)
})
