import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { RedisDict } from '../../src/index.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { unsealed } from './by-hand.js'
import { ioredis5, ioredis6, nodeRedis, nodeRedisPool, type Opened } from './clients.js'
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.js'

const CLIENTS: Record<string, (url: string) => Promise<Opened>> = {
  'node-redis': nodeRedis,
  'a pool of node-redis': nodeRedisPool,
  'ioredis 5': ioredis5,
  'ioredis 6': ioredis6,
}
const cleanup: (() => unknown)[] = []
let server: RedisNode
let proxy: CuttingProxy

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
  proxy = await startCuttingProxy(server.port)
})

afterAll(async () => {
  proxy.close()
  await server.stop()
})

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
  await ask(server, 'flushall')
})

const log = async () =>
  ((await ask(server, 'lrange', '{settings}:log', '0', '-1')) as string[]).map(text => JSON.parse(unsealed(text)))

/** Copies all keys. Returns a function that puts them back. */
async function backUp(): Promise<() => Promise<void>> {
  const keys = (await ask(server, 'keys', '*')) as string[]
  for (const key of keys) await ask(server, 'copy', key, `backup ${key}`, 'db', '1', 'replace')
  return async () => {
    await ask(server, 'flushdb')
    for (const key of keys) await ask(server, 'eval', RESTORE, '0', key)
  }
}

const RESTORE = `redis.call('SELECT', 1) return redis.call('COPY', 'backup ' .. ARGV[1], ARGV[1], 'DB', 0)`

for (const [name, open] of Object.entries(CLIENTS)) {
  describe(`a write that loses its connection, by ${name}`, () => {
    async function opened() {
      const { client, end } = await open(proxy.url)
      const dict = await RedisDict.open('settings', client, { timeout: 10_000 })
      cleanup.push(end, () => dict.close())
      await dict.update({ a: 'first', b: 1 })
      return dict
    }

    for (const when of ['before', 'after'] as const) {
      test(`${when} it was executed: is executed once and gets its own results`, async () => {
        const dict = await opened()
        proxy.cut('the mark', when)
        const { cuts } = proxy
        const outcomes = await Promise.all([
          dict.set('mark', 'the mark'),
          dict.pop('a'),
          dict.delete('b'),
          dict.delete('never there'),
          dict.setDefault('mark', 'other'),
          dict.setDefault('new', 'inserted'),
        ])
        expect(outcomes).toEqual([undefined, 'first', true, false, 'the mark', 'inserted'])
        expect(proxy.cuts).toBe(cuts + 1)
        expect((await log()).length).toBe(2)
        expect(new Map(dict.local)).toEqual(
          new Map([
            ['mark', 'the mark'],
            ['new', 'inserted'],
          ]),
        )
        expect(await dict.size()).toBe(2)
      })
    }

    test('three times in a row is executed once', async () => {
      const dict = await opened()
      proxy.cut('the mark', 'after', 3)
      await dict.set('mark', 'the mark')
      expect(proxy.requests.length).toBe(4)
      expect((await log()).length).toBe(2)
    })

    test('without an effect is never executed later', async () => {
      const dict = await opened()
      proxy.cut('the mark', 'before')
      expect(await dict.delete('the mark')).toBe(false)
      const changes = await log()
      expect(changes.length).toBe(2)
      expect(changes[1].slice(2)).toEqual([{}, 'f'])
      expect(dict.version).toBe(changes[1][1])
    })

    test('after a backup was restored is ambiguous and not executed', async () => {
      const dict = await opened()
      const restore = await backUp()
      for (let count = 0; count < 3; count += 1) await dict.set('lost', count)
      await restore()
      proxy.cut('the mark', 'after')
      await expect(dict.set('mark', 'the mark')).rejects.toMatchObject({ code: 'DURABLEDICT_AMBIGUOUS_WRITE' })
      expect([...(await dict.keys())].sort()).toEqual(['a', 'b'])
    })

    test('while a backup is restored is executed once in what is restored', async () => {
      const dict = await opened()
      const restore = await backUp()
      proxy.cut('the mark', 'after', 1, restore)
      await dict.set('mark', 'the mark')
      expect(proxy.requests.length).toBe(2)
      expect((await log()).length).toBe(2)
      expect(await dict.get('mark')).toBe('the mark')
    })

    test('while an older backup is restored, or everything is flushed, is ambiguous', async () => {
      for (const flushes of [false, true]) {
        const dict = await opened()
        const restore = flushes ? () => ask(server, 'flushall') : await backUp()
        await dict.set('lost', 1)
        proxy.cut('the mark', 'after', 1, restore)
        await expect(dict.set('mark', 'the mark')).rejects.toMatchObject({ code: 'DURABLEDICT_AMBIGUOUS_WRITE' })
        expect(await dict.get('mark')).toBe(undefined)
      }
    })

    test('after its log was removed is ambiguous and not executed again', async () => {
      const dict = await opened()
      proxy.cut('the mark', 'after', 1, () => ask(server, 'del', '{settings}:log'))
      await expect(dict.set('mark', 'the mark')).rejects.toMatchObject({ code: 'DURABLEDICT_AMBIGUOUS_WRITE' })
      expect(await dict.get('mark')).toBe('the mark')
    })
  })

  test(`a read that loses its connection is retried, by ${name}`, async () => {
    const { client, end } = await open(proxy.url)
    const dict = await RedisDict.open('settings', client)
    cleanup.push(end, () => dict.close())
    proxy.cut('evalsha', 'after')
    expect(await dict.get('a')).toBe(undefined)
  })
}
