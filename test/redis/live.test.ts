import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis as Ioredis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { JSONEncoding, RedisDict } from '../../src/index.js'
import { ask, startRedisCluster, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import {
  ioredis5,
  ioredis6,
  ioredisCluster6,
  nodeRedis,
  nodeRedisCluster,
  nodeRedisPool,
  type Opened,
} from './clients.js'
import { startCuttingProxy } from './cutting-proxy.js'
import { listeners, until } from './support.js'

const CLIENTS: Record<string, (url: string) => Promise<Opened>> = {
  'node-redis, RESP3': nodeRedis,
  'node-redis, RESP2': url => nodeRedis(url, 2),
  'a pool of node-redis': nodeRedisPool,
  'ioredis 5': ioredis5,
  'ioredis 6': ioredis6,
}
/** A heartbeat so long that no change arrives by it. */
const LIVE = { live: true, autosync: false, maxStaleness: 120_000, encoding: JSONEncoding } as const
const cleanup: (() => unknown)[] = []
let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
})

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(() => server.stop())

async function connections(node: RedisNode): Promise<string[]> {
  const list = (await ask(node, 'client', 'list')) as string
  return list.split('\n').filter(line => /ssub=[1-9]/.test(line))
}

function counts(client: unknown): number {
  const emitter = client as { eventNames(): string[]; listenerCount(event: string): number }
  return emitter.eventNames().reduce((sum, event) => sum + emitter.listenerCount(event), 0)
}

/** The copies of the client that are made from now on: its connections for messages. */
function copiesOf(client: Ioredis): readonly Ioredis[] {
  const copies: Ioredis[] = []
  const duplicate = client.duplicate.bind(client)
  client.duplicate = (...options) => {
    const copy = duplicate(...options)
    copies.push(copy)
    return copy
  }
  return copies
}

for (const [name, open] of Object.entries(CLIENTS)) {
  describe(name, () => {
    test('all dictionaries over one client share one connection for messages, which closes with the last of them', async () => {
      const { client, end } = await open(server.url)
      cleanup.push(end)
      const before = counts(client)
      const dicts = await Promise.all(['one', 'two', 'two'].map(store => RedisDict.open(store, client, LIVE)))
      expect((await connections(server)).length).toBe(1)
      expect(await listeners(server, '{two}:meta')).toBe(1)
      await dicts[0]?.close()
      expect((await connections(server)).length).toBe(1)
      await dicts[1]?.set('a', 1)
      await until(() => dicts[2]?.local.get('a') === 1, 'the others still get pushes')
      await dicts[1]?.close()
      await dicts[2]?.close()
      await until(async () => (await connections(server)).length === 0, 'the connection is gone')
      expect(counts(client)).toBe(before)
      const again = await RedisDict.open('one', client, LIVE)
      expect((await connections(server)).length).toBe(1)
      await again.close()
    })

    test('changes arrive by push, and large ones are requested', async () => {
      const [one, other] = [await open(server.url), await open(server.url)]
      cleanup.push(one.end, other.end)
      await using writer = await RedisDict.open('arrive', one.client, { encoding: JSONEncoding })
      await using reader = await RedisDict.open('arrive', other.client, LIVE)
      await writer.set('small', 1)
      await until(() => reader.local.get('small') === 1, 'a small change arrives')
      for (const size of [300_000, 2_000_000]) {
        const large = 'x'.repeat(size)
        await writer.set('large', large)
        await until(() => reader.local.get('large') === large, `a change of ${size} arrives`)
      }
      await writer.clear()
      await until(() => reader.local.size === 0, 'a clear arrives')
    })

    test('a write made while the connection for messages was lost is requested', async () => {
      const [one, other] = [await open(server.url), await open(server.url)]
      cleanup.push(one.end, other.end)
      await using writer = await RedisDict.open('lost', one.client)
      await using reader = await RedisDict.open('lost', other.client, { ...LIVE, encoding: undefined } as object)
      for (let round = 1; round <= 3; round += 1) {
        await ask(server, 'client', 'kill', 'type', 'pubsub')
        await writer.set('n', round)
        await until(() => reader.local.get('n') === round, 'the reader follows')
        await until(async () => (await listeners(server, '{lost}:meta')) === 1, 'the connection is restored')
      }
      await writer.set('n', 0)
      await until(() => reader.local.get('n') === 0, 'messages arrive again')
    })
  })
}

for (const [name, open] of Object.entries({ 'node-redis': nodeRedis, 'ioredis 5': ioredis5, 'ioredis 6': ioredis6 })) {
  test(`if no connection for messages can be made, open() rejects and stops trying, by ${name}`, async () => {
    let attempts = 0
    const proxy = createServer(socket => {
      attempts += 1
      if (attempts > 1) return void socket.destroy()
      const upstream = connect(server.port, '127.0.0.1')
      socket.pipe(upstream).pipe(socket)
      for (const one of [socket, upstream]) one.on('error', () => {})
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    cleanup.push(() => proxy.close())
    const { client, end } = await open(`redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
    cleanup.push(end)
    const opening = RedisDict.open('alone', client, { live: true, timeout: 400 })
    await expect(opening).rejects.toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    await delay(300)
    const tried = attempts
    await delay(1_000)
    expect(attempts).toBe(tried)
  })
}

for (const [name, open] of Object.entries({ 'ioredis 5': ioredis5, 'ioredis 6': ioredis6 })) {
  test(`a connection that is lost while it subscribes does not keep the next dictionary from opening, by ${name}`, async () => {
    const proxy = await startCuttingProxy(server.port)
    cleanup.push(() => proxy.close())
    const { client, end } = await open(proxy.url)
    cleanup.push(end)
    const copies = copiesOf(client as Ioredis)
    // While it is open, all dictionaries on the client share one connection for messages.
    await using writer = await RedisDict.open('cut', client, { encoding: JSONEncoding })
    proxy.cut('ssubscribe', 'before')
    const first = RedisDict.open('cut', client, { ...LIVE, timeout: 1_000 })
    await expect(first).rejects.toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    expect(proxy.cuts).toBe(1)
    await using dict = await RedisDict.open('cut', client, LIVE)
    await writer.set('a', 1)
    await until(() => dict.local.get('a') === 1, 'the write is pushed')
    const forMessages = copies.at(-1) as Ioredis
    const before = forMessages.listenerCount('close')
    proxy.cut('ssubscribe', 'before', 3)
    forMessages.disconnect(true)
    await until(() => proxy.cuts === 4, 'it is lost three times in a row')
    await until(() => forMessages.listenerCount('close') === before, 'each attempt removes its listener')
  })
}

test('messages of external writers do no harm', async () => {
  const { client, end } = await nodeRedis(server.url)
  cleanup.push(end)
  await using dict = await RedisDict.open('noise', client, LIVE)
  for (const noise of ['', 'noise', '[]', '{}', 'null', '["a","b",["s","k","v"],"u"]']) {
    await ask(server, 'spublish', '{noise}:meta', noise)
  }
  await dict.set('a', 1)
  expect(new Map(dict.local)).toEqual(new Map([['a', 1]]))
})

test('on a cluster: one connection for each server that serves a dictionary', async () => {
  const cluster = await startRedisCluster()
  cleanup.push(() => cluster.stop())
  for (const open of [nodeRedisCluster, ioredisCluster6]) {
    const { client, end } = await open(cluster.nodes)
    const dicts = await Promise.all(
      Array.from({ length: 12 }, (_, n) => RedisDict.open(`store ${n}`, client as never, LIVE)),
    )
    for (const node of cluster.nodes) expect((await connections(node)).length).toBe(1)
    await dicts[5]?.set('a', 1)
    await until(() => dicts[5]?.local.get('a') === 1, 'it is fed')
    for (const dict of dicts) await dict.close()
    for (const node of cluster.nodes) {
      await until(async () => (await connections(node)).length === 0, 'the connections are gone')
    }
    await end()
  }
})

test('an ioredis connection for messages that has ended for good is opened again', async () => {
  const { client, end } = await ioredis6(server.url)
  const { client: writing, end: endWriting } = await ioredis6(server.url)
  const copies = copiesOf(client)
  const reader = await RedisDict.open('ended', client, { live: true, autosync: false, maxStaleness: 60_000 })
  const writer = await RedisDict.open('ended', writing)
  await writer.set('a', 1)
  await until(() => reader.local.get('a') === 1, 'a push')
  // What ioredis does when its failover detector ends a connection that is just being opened.
  for (const copy of copies) copy.disconnect()
  await until(async () => (await listeners(server, '{ended}:meta')) === 0, 'the connection ends')
  await until(async () => (await listeners(server, '{ended}:meta')) === 1, 'it is opened again')
  await writer.set('a', 2)
  await until(() => reader.local.get('a') === 2, 'a push after it')
  await Promise.all([reader.close(), writer.close()])
  end()
  endWriting()
})
