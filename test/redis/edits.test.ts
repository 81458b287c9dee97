import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { RedisDict } from '../../src/index.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { ioredis6, nodeRedis, nodeRedisPool, type Opened } from './clients.js'
import { until } from './support.js'

const CLIENTS: Record<string, (url: string) => Promise<Opened>> = {
  'node-redis, RESP3': nodeRedis,
  'node-redis, RESP2': url => nodeRedis(url, 2),
  'a pool of node-redis': nodeRedisPool,
  'ioredis 6': ioredis6,
}

const cleanup: (() => unknown)[] = []
let server: RedisNode
let stores = 0

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', '', '--notify-keyspace-events', 'Khg'] })
})

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(() => server.stop())

async function opened(open: (url: string) => Promise<Opened>, name: string, url = server.url) {
  const { client, end } = await open(url)
  cleanup.push(end)
  const dict = await RedisDict.open(name, client, { live: true, maxStaleness: 60_000 })
  cleanup.push(() => dict.close())
  return dict
}

/** The database of the client, in which a test may have its own dictionary of a name. */
const inDatabase = (number: number) => `${server.url}/${number}`.replace(/([^:/])\/\//, '$1/')

const hset = (name: string, key: string, value: string) => ask(server, 'hset', name, key, value)

const commits = async (dict: RedisDict) =>
  (await dict.history().toArray()).map(({ via, changes }) => [
    via,
    ...changes.map(one => [one.key, one.before, one.after]),
  ])

describe.each(Object.entries(CLIENTS))('%s', (_name, open) => {
  test('follows a value that HSET replaces, once for all processes, and records it', async () => {
    stores += 1
    const name = `edits ${stores}`
    const all = [await opened(open, name), await opened(open, name), await opened(open, name)]
    const [dict] = all as [RedisDict]
    await dict.update({ a: 1, b: 2 }, { by: 'ada' })
    await until(() => all.every(one => one.local.get('a') === 1), 'everything is followed')
    const seen = all.map(one => one.watch())
    await hset(name, 'a', '7')
    for (const watch of seen) expect((await watch.next()).value).toMatchObject({ key: 'a', previous: 1, value: 7 })
    await until(async () => (await commits(dict)).length > 1, 'the change is recorded')
    // A second process that compared would have announced it by now.
    await dict.set('b', 3)
    for (const watch of seen) expect((await watch.next()).value).toMatchObject({ key: 'b', value: 3 })
    expect(await commits(dict)).toEqual([
      ['library', ['b', 2, 3]],
      ['outside', ['a', 1, 7]],
      ['library', ['a', undefined, 1], ['b', undefined, 2]],
    ])
    expect(new Set(all.map(({ version }) => version)).size).toBe(1)
  })
})

test.each([
  ['HSET of a new field', ['hset', 'c', '3'], { a: 1, b: 2, c: 3 }, [['c', undefined, 3]]],
  ['HDEL', ['hdel', 'a'], { b: 2 }, [['a', 1, undefined]]],
  [
    'DEL',
    ['del'],
    {},
    [
      ['a', 1, undefined],
      ['b', 2, undefined],
    ],
  ],
] as const)(
  'follows %s once for all processes, and records it',
  async (_what, [command, ...rest], expected, changes) => {
    stores += 1
    const name = `edits ${stores}`
    const all = [await opened(nodeRedis, name), await opened(ioredis6, name)]
    const [dict, other] = all as [RedisDict, RedisDict]
    await dict.update({ a: 1, b: 2 })
    await until(() => other.version === dict.version, 'everything is followed')
    await ask(server, command, name, ...rest)
    for (const one of all) {
      await until(() => isDeepStrictEqual(one.local.toObject(), expected), 'the edit is followed')
    }
    await until(async () => (await commits(dict)).length > 1, 'the change is recorded')
    await dict.set('z', 0)
    expect((await commits(dict)).reverse().slice(1)).toEqual([
      ['outside', ...changes],
      ['library', ['z', undefined, 0]],
    ])
  },
)

test('follows an edit while another process writes all the time', async () => {
  const dict = await opened(ioredis6, 'busy')
  const writer = await opened(nodeRedis, 'busy')
  await dict.update({ a: 1, n: 0 })
  let isOver = false
  const writing = (async () => {
    for (let n = 0; !isOver; n += 1) await writer.set('n', n)
  })()
  await hset('busy', 'a', '7')
  await until(() => dict.local.get('a') === 7, 'the edit is followed')
  const vias = async () => (await dict.history({ key: 'a' }).toArray()).map(({ via }) => via)
  await until(async () => isDeepStrictEqual(await vias(), ['outside', 'library']), 'the edit is recorded')
  isOver = true
  await writing
})

test('does not take writes by dictionaries for edits', async () => {
  const dict = await opened(nodeRedis, 'own')
  const writer = await opened(ioredis6, 'own')
  const loads: string[] = []
  dict.on('sync', ({ reason }) => loads.push(reason))
  const before = await calls('hgetall')
  await writer.update(Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, n])))
  await writer.delete('k1')
  await Promise.all([writer.set('k2', 0), writer.delete('k3'), writer.set('k4', 'x'.repeat(100_000))])
  await writer.transact(tx => tx.clear())
  await writer.set('a', 1)
  await writer.delete('a')
  await until(() => dict.version === writer.version, 'everything is followed')
  await delay(300)
  expect(new Set(loads)).toEqual(new Set(['changes']))
  expect(await calls('hgetall')).toBe(before)
  expect((await commits(writer)).every(([via]) => via === 'library')).toBe(true)
})

/** How often the server has executed a command. */
async function calls(command: string): Promise<number> {
  const text = String(await ask(server, 'info', 'commandstats'))
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0)
}

test('follows edits in the database of the client', async () => {
  const dict = await opened(ioredis6, 'numbered', inDatabase(3))
  await dict.set('a', 1)
  await ask(server, 'eval', "redis.call('select', 3) redis.call('hset', 'numbered', 'a', '7')", '0')
  await until(() => dict.local.get('a') === 7, 'the edit is followed')
})

test('works without the right to the channel of events', async () => {
  await ask(server, 'acl', 'setuser', 'app', 'on', '>secret', '~*', '+@all', 'resetchannels', '&{limited}:meta')
  const dict = await opened(nodeRedis, 'limited', server.url.replace('//', '//app:secret@'))
  const writer = await opened(ioredis6, 'limited')
  await writer.set('a', 1)
  await until(() => dict.local.get('a') === 1, 'the write is pushed')
})
