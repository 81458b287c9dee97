import { Cluster, Redis as Ioredis } from 'ioredis'
import { createClient, createCluster, RESP_TYPES } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memcachedVersions } from '../../src/backends/model/versions/caches/memcached.js'
import { redisVersions } from '../../src/backends/model/versions/caches/redis.js'
import type { RedisClient } from '../../src/index.js'
import {
  ioredis6,
  ioredisCluster5,
  ioredisCluster6,
  ioredisSentinel6,
  nodeRedis,
  nodeRedisCluster,
  nodeRedisSentinel,
  type Opened,
} from '../redis/clients.js'
import { ask, startRedisCluster, startRedisNode, startRedisSentinels } from '../servers/redis-nodes.js'
import { startServer } from '../servers/start.js'
import type { RedisCluster, RedisNode, RedisSentinels } from '../servers/types.js'
import { findValkey } from '../servers/valkey.js'
import { newKey } from './cache-suite.js'

/** Creates, increments and reads through each of them in turn. */
async function expectShared(opened: readonly Opened[]): Promise<void> {
  const caches = opened.map(({ client }) => redisVersions(client))
  // On a cluster, they are stored on different servers.
  for (const key of Array.from({ length: 12 }, newKey)) {
    const founded = await Promise.all(caches.map(cache => cache.add(key, '4503599627370496')))
    expect(founded.filter(Boolean)).toHaveLength(1)
    for (const [index, cache] of caches.entries()) {
      const token = `${4503599627370497 + index}`
      expect(await cache.incr(key)).toBe(token)
      for (const other of caches) expect(await other.get(key)).toBe(token)
    }
  }
  for (const { end } of opened) await end()
}

let node: RedisNode
let cluster: RedisCluster
let sentinels: RedisSentinels
beforeAll(async () => {
  const starting = [startRedisNode(), startRedisCluster({ replicas: 1 }), startRedisSentinels()] as const
  ;[node, cluster, sentinels] = await Promise.all(starting)
})
afterAll(() => Promise.all([node, cluster, sentinels].map(servers => servers?.stop())))

describe('a version in Redis', () => {
  it('never expires and is stored as digits', async () => {
    const { client, end } = await nodeRedis(node.url)
    const key = newKey()
    await redisVersions(client).add(key, '4503599627370496')
    expect([await ask(node, 'ttl', key), await ask(node, 'get', key)]).toEqual([-1, '4503599627370496'])
    end()
  })

  it('is stored under the key prefix of the client, whichever client it is', async () => {
    const first = createClient({ url: node.url, keyPrefix: 'app:' })
    const second = new Ioredis(node.url, { keyPrefix: 'app:' })
    await first.connect()
    const key = newKey()
    await redisVersions(first).add(key, '7')
    expect(await redisVersions(second).incr(key)).toBe('8')
    expect(await redisVersions(second).get(key)).toBe('8')
    expect(await ask(node, 'get', `app:${key}`)).toBe('8')
    first.destroy()
    second.disconnect()
  })

  it.each([2, 3] as const)('is text, whatever the client converts replies to: RESP%i', async RESP => {
    const client = createClient({
      url: node.url,
      RESP,
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer } },
    })
    await client.connect()
    const cache = redisVersions(client as unknown as RedisClient)
    const key = newKey()
    expect([await cache.add(key, '1'), await cache.add(key, '2')]).toEqual([true, false])
    expect([await cache.incr(key), await cache.get(key)]).toEqual(['2', '2'])
    client.destroy()
  })

  it('needs only the documented rights', async () => {
    await ask(
      node,
      'acl',
      'setuser',
      'app',
      'on',
      '>secret',
      '~v:*',
      '+getex',
      '+set',
      '+eval',
      '+exists',
      '+incr',
      '+get',
    )
    const { client, end } = await nodeRedis(node.url.replace('//', '//app:secret@'))
    const cache = redisVersions(client)
    expect(await cache.add('v:1', '1')).toBe(true)
    expect([await cache.incr('v:1'), await cache.get('v:1')]).toEqual(['2', '2'])
    for (const call of [() => cache.get('w'), () => cache.add('w', '1'), () => cache.incr('w')])
      await expect(call()).rejects.toThrow(/NOPERM/)
    end()
  })

  it('is not reported by a primary that refuses writes, since it may have been deposed', async () => {
    const { client, end } = await nodeRedis(node.url)
    const cache = redisVersions(client)
    await ask(node, 'config', 'set', 'min-replicas-to-write', '1')
    await expect(cache.get(newKey())).rejects.toThrow(/NOREPLICAS/)
    await ask(node, 'config', 'set', 'min-replicas-to-write', '0')
    end()
  })

  it('can be read and incremented, but not created, when the server is out of memory', async () => {
    const { client, end } = await nodeRedis(node.url)
    const cache = redisVersions(client)
    const key = newKey()
    await cache.add(key, '1')
    await ask(node, 'config', 'set', 'maxmemory', '1')
    expect([await cache.get(key), await cache.incr(key), await cache.get(key)]).toEqual(['1', '2', '2'])
    await expect(cache.add(newKey(), '1')).rejects.toThrow(/OOM/)
    await ask(node, 'config', 'set', 'maxmemory', '0')
    end()
  })

  it('can be incremented by hand', async () => {
    const { client, end } = await nodeRedis(node.url)
    const cache = redisVersions(client)
    const key = newKey()
    await cache.add(key, '1')
    await ask(node, 'incr', key)
    expect(await cache.get(key)).toBe('2')
    end()
  })

  it('cannot be requested from a client that is not connected', async () => {
    const cache = redisVersions(createClient({ url: node.url }))
    await expect(cache.get(newKey())).rejects.toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
  })

  it('is dropped by node-redis together with the call when it could not be sent', async () => {
    const server = await startRedisNode()
    const { client, end } = await nodeRedis(server.url)
    const cache = redisVersions(client, { timeout: 100 })
    const key = newKey()
    await server.stop()
    for (let call = 0; call < 3; call += 1) await expect(cache.add(key, '1')).rejects.toThrow()
    const again = await startRedisNode({ port: server.port })
    expect(await client.get(key)).toBeNull()
    end()
    await again.stop()
  })
})

describe('redisVersions() rejects', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['redis://127.0.0.1', 'string'],
    [new Map(), 'Map'],
  ])('%s and names what it accepts', (client, got) => {
    const call = () => redisVersions(client as never)
    expect(call).toThrow(TypeError)
    expect(call).toThrow(
      'redisVersions() takes a client of node-redis (client, pool, cluster or sentinel) or of ioredis ' +
        `(Redis or Cluster); got ${got}.`,
    )
  })

  it('what memcachedVersions() accepts, and the reverse', () => {
    expect(() => memcachedVersions(createClient() as never)).toThrow(TypeError)
    expect(() => memcachedVersions(new Ioredis({ lazyConnect: true }) as never)).toThrow(TypeError)
  })
})

describe('on a cluster whose clients may read from replicas', () => {
  it('a version is always read from the primary', async () => {
    const { nodes } = cluster
    await expectShared([await nodeRedisCluster(nodes), await ioredisCluster6(nodes), await ioredisCluster5(nodes)])
  })

  it('is stored under the key prefix of the client', async () => {
    const rootNodes = cluster.nodes.map(({ url }) => ({ url }))
    const first = createCluster({ rootNodes, keyPrefix: 'app:' })
    const second = new Cluster(
      cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      { keyPrefix: 'app:' },
    )
    await first.connect()
    const { client, end } = await ioredisCluster6(cluster.nodes)
    for (const key of Array.from({ length: 6 }, newKey)) {
      await redisVersions(first).add(key, '7')
      expect(await redisVersions(second).incr(key)).toBe('8')
      expect(await redisVersions(second).get(key)).toBe('8')
      expect(await redisVersions(client).get(`app:${key}`)).toBe('8')
    }
    first.destroy()
    second.disconnect()
    end()
  })
})

describe('with sentinels', () => {
  it('a version is shared', async () => {
    await expectShared([await nodeRedisSentinel(sentinels), await ioredisSentinel6(sentinels)])
  })

  it('no replica is queried', async () => {
    const { client, end } = await ioredis6(sentinels.replica.url)
    const cache = redisVersions(client)
    const key = newKey()
    for (const call of [() => cache.get(key), () => cache.add(key, '1'), () => cache.incr(key)]) {
      await expect(call()).rejects.toThrow(/READONLY|replica/)
    }
    end()
  })

  it('a version lost in a failover is used a second time, as the documentation warns', async () => {
    const before = await ioredis6(sentinels.primary.url)
    const key = newKey()
    await redisVersions(before.client).add(key, '100')
    expect(await ask(sentinels.primary, 'wait', '1', '5000')).toBe(1)
    await ask(sentinels.replica, 'replicaof', 'no', 'one')
    expect(await redisVersions(before.client).incr(key)).toBe('101')
    const after = await ioredis6(sentinels.replica.url)
    expect(await redisVersions(after.client).get(key)).toBe('100')
    expect(await redisVersions(after.client).incr(key)).toBe('101')
    before.end()
    after.end()
  })
})

const valkey = await findValkey()

if (valkey) {
  it('a version in Valkey is shared', async () => {
    const server = await startServer({ ...valkey, variable: 'DURABLEDICT_TEST_CACHE' })
    await expectShared([await nodeRedis(server.url), await ioredis6(server.url)])
    await server.stop()
  })
} else {
  it.skip('Valkey: not available on this machine', () => {})
}
