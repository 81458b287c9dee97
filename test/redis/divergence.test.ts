import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JSONEncoding, RedisDict } from '../../src/index.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { nodeRedis } from './clients.js'
import { until } from './support.js'

const OPTIONS = { encoding: JSONEncoding } as const
const cleanup: (() => unknown)[] = []
let server: RedisNode
let opened: Awaited<ReturnType<typeof nodeRedis>>

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
  opened = await nodeRedis(server.url)
})

beforeEach(() => ask(server, 'flushall'))

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(async () => {
  opened.end()
  await server.stop()
})

async function open(options: object = {}) {
  const dict = await RedisDict.open('settings', opened.client, { ...OPTIONS, ...options })
  cleanup.push(() => dict.close())
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  return Object.assign(dict, { reasons })
}

describe('another store is followed at the next check, which reports a divergence', () => {
  const faults: Record<string, { spoil(): Promise<unknown>; left: object }> = {
    FLUSHALL: { spoil: () => ask(server, 'flushall'), left: {} },
    'the entries deleted': { spoil: () => ask(server, 'del', 'settings'), left: {} },
    'one entry deleted by an external writer': { spoil: () => ask(server, 'hdel', 'settings', 'a'), left: { b: 2 } },
    'one inserted by an external writer': {
      spoil: () => ask(server, 'hset', 'settings', 'c', '3'),
      left: { a: 1, b: 2, c: 3 },
    },
    'the metadata of the entries deleted': {
      spoil: () => ask(server, 'del', '{settings}:meta'),
      left: { a: 1, b: 2 },
    },
    'everything deleted and written again by an external writer': {
      spoil: async () => {
        await ask(server, 'flushall')
        await ask(server, 'hset', 'settings', 'a', '9', 'b', '9')
      },
      left: { a: 9, b: 9 },
    },
  }
  for (const [name, { spoil, left }] of Object.entries(faults)) {
    test(name, async () => {
      const [one, other] = [await open(), await open({ live: true, autosync: false })]
      await one.update({ a: 1, b: 2 })
      await other.sync()
      await spoil()
      expect(Object.fromEntries(await one.entries())).toEqual(left)
      expect(one.reasons).toContain('diverged')
      await until(() => other.reasons.includes('diverged'), 'the live one follows by itself')
      expect(Object.fromEntries(other.local)).toEqual(left)
      await one.set('z', 1)
      expect(Object.fromEntries(await one.entries())).toEqual({ ...left, z: 1 })
    })
  }

  test('a write uses the state that is stored, not the one in memory', async () => {
    const dict = await open()
    await dict.update({ a: 1, b: 2 })
    await ask(server, 'flushall')
    await dict.set('c', 3)
    expect(Object.fromEntries(dict.local)).toEqual({ c: 3 })
    expect(dict.reasons).toContain('diverged')
  })

  test('the divergence is found when the store was flushed and has grown longer than before', async () => {
    const [one, other] = [await open(), await open({ autosync: false })]
    await one.set('a', 1)
    await other.sync()
    await ask(server, 'flushall')
    for (let n = 0; n < 5; n += 1) await one.set('b', n)
    await other.sync()
    expect(Object.fromEntries(other.local)).toEqual({ b: 4 })
    expect(other.reasons).toContain('diverged')
  })

  test('a bound that was lost with the store is recorded again', async () => {
    const dict = await open({ maxStaleness: 100 })
    await ask(server, 'flushall')
    await dict.sync()
    expect(await ask(server, 'hget', '{settings}:meta', 'bound')).toBe('100')
  })

  test('a server that comes back with older data', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-redis-'))
    cleanup.push(() => rm(folder, { recursive: true, force: true }))
    const args = ['--appendonly', 'no', '--save', '']
    const node = await startRedisNode({ folder, args })
    const { client, end } = await nodeRedis(node.url)
    cleanup.push(end)
    const dict = await RedisDict.open('settings', client, { ...OPTIONS, timeout: 30_000 })
    cleanup.push(() => dict.close())
    await dict.set('a', 'saved')
    await ask(node, 'save')
    await dict.update({ a: 'lost', b: 'lost' })
    process.kill(node.pid, 'SIGKILL')
    await node.stop()
    const again = await startRedisNode({ folder, port: node.port, args })
    cleanup.push(() => again.stop())
    const reasons: string[] = []
    dict.on('sync', ({ reason }) => reasons.push(reason))
    expect(await dict.get('a')).toBe('saved')
    expect(reasons).toEqual(['diverged'])
    await dict.set('b', 'new')
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: 'saved', b: 'new' })
    // While the server answers: later, closing waits for it.
    await dict.close()
  })
})

describe('a hash of another program', () => {
  test('is adopted, and opening it changes nothing', async () => {
    await ask(server, 'hset', 'settings', 'a', '1', 'b', '{"c":2}')
    const [one, other] = [await open(), await open()]
    expect(one.version).toBe(other.version)
    const third = await open()
    expect(third.version).toBe(one.version)
    expect(await one.get('b')).toEqual({ c: 2 })
    expect([...one.reasons, ...other.reasons]).toEqual([])
    await one.set('a', 2)
    expect(await other.get('a')).toBe(2)
    expect(other.reasons).toEqual(['changes'])
    expect(await ask(server, 'hgetall', 'settings')).toMatchObject({ a: '2', b: '{"c":2}' })
  })

  test('that keeps writing: new keys are found, replaced values by resyncEvery', async () => {
    await ask(server, 'hset', 'settings', 'a', '1')
    const dict = await open({ resyncEvery: 50 })
    await ask(server, 'hset', 'settings', 'a', '2')
    await until(() => dict.local.get('a') === 2, 'the value is found')
    // What it found becomes a change, which it follows like any other.
    expect(dict.reasons.filter(reason => reason !== 'changes')).toEqual(['diverged'])
  })

  test('with a value that cannot be decoded fails for its own key only', async () => {
    await ask(server, 'hset', 'settings', 'a', '1', 'b', 'no JSON')
    const dict = await open()
    expect(await dict.get('a')).toBe(1)
    await expect(dict.get('b')).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING', key: 'b' })
  })
})

test('entries that the server evicts are gone, and their absence is noticed', async () => {
  const node = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
  cleanup.push(() => node.stop())
  const { client, end } = await nodeRedis(node.url)
  cleanup.push(end)
  const dict = await RedisDict.open('settings', client, OPTIONS)
  cleanup.push(() => dict.close())
  await dict.update(Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, 'x'.repeat(100)])))
  await ask(node, 'config', 'set', 'maxmemory-policy', 'allkeys-random')
  await ask(node, 'config', 'set', 'maxmemory', '1')
  await until(async () => (await ask(node, 'exists', 'settings')) === 0, 'the entries are evicted')
  await ask(node, 'config', 'set', 'maxmemory', '0')
  const stored = (await ask(node, 'hlen', 'settings')) as number
  expect(await dict.size()).toBe(stored)
})
