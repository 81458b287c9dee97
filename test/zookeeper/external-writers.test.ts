import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PARTS } from '../../src/backends/zookeeper/names.js'
import {
  DecodingError,
  InvalidKeyError,
  JSONEncoding,
  RichEncoding,
  StoreUnavailableError,
  UnsupportedError,
  ZookeeperDict,
} from '../../src/index.js'
import { until } from '../redis/support.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { type ByHand, byHand } from './by-hand.js'
import { clientOf } from './clients.js'
import { newPath, type Options, rejection, stepsAfterEach } from './support.js'

/** A third of it is the limit for noticing znodes made by hand. In ms. */
const SESSION = 900

const cleanup = stepsAfterEach()
let server: ZookeeperNode
let hand: ByHand

beforeAll(async () => {
  server = await startZookeeperNode()
  hand = await byHand(server.address)
})

afterAll(async () => {
  hand.end()
  await server.stop()
})

async function open(path: string, options: Options = {}) {
  const dict = await ZookeeperDict.open(path, server.address, {
    sessionTimeout: SESSION,
    encoding: new JSONEncoding(),
    ...options,
  })
  cleanup.push(() => dict.close())
  return dict
}

/** By the dictionary's own session, and by the caller's client. */
const WAYS = {
  'its own session': open,
  'node-zookeeper-client': async (path: string, { sessionTimeout = SESSION, ...options }: Options) => {
    const { client, end } = clientOf(server.address, { sessionTimeout })
    cleanup.push(end)
    const dict = await ZookeeperDict.open(path, client, { encoding: new JSONEncoding(), ...options })
    cleanup.push(() => dict.close())
    return dict
  },
}

/** The warnings since then. */
function warnings(): Error[] {
  const warned: Error[] = []
  const listen = (warning: Error) => warned.push(warning)
  process.on('warning', listen)
  cleanup.push(() => process.off('warning', listen))
  return warned
}

describe('existing znodes', () => {
  test('are loaded if they decode and otherwise fail for their own key only, and invalid names are reported once', async () => {
    const path = newPath()
    await hand.create(path)
    for (const [name, data] of Object.entries({
      good: '{"a":1}',
      bad: '{"a":',
      'a%2Fb': '"slash"',
      'no%2fkey': '1',
      '%zz': '2',
      [`long-${'x'.repeat(600)}`]: '3',
    }))
      await hand.create(`${path}/${name}`, data)
    await hand.create(`${path}/bytes`, Buffer.of(0xff, 0x22, 0x62, 0x22))
    const warned = warnings()
    const dict = await open(path)
    expect((await dict.keys()).sort()).toEqual(['a/b', 'bad', 'bytes', 'good'])
    expect(await dict.get('good')).toEqual({ a: 1 })
    expect(await dict.get('a/b')).toBe('slash')
    const error = await rejection(dict.get('bad'))
    expect(error).toBeInstanceOf(DecodingError)
    expect(error).toMatchObject({ key: 'bad', dictionary: path })
    await dict.set('bad', 'mended')
    expect(await dict.get('bad')).toBe('mended')
    await delay(10)
    const about = warned.filter(warning => 'code' in warning && warning.code === 'DURABLEDICT_FOREIGN_ZNODE')
    expect(about.map(({ message }) => message.split(' ')[2]?.slice(path.length + 1, path.length + 9)).sort()).toEqual([
      '%zz',
      'long-xxx',
      'no%2fkey',
    ])
    await dict.clear()
    expect((await hand.children(path)).filter(name => !/^%(version|epoch|log)/.test(name)).sort()).toEqual(
      ['%zz', `long-${'x'.repeat(600)}`, 'no%2fkey'].sort(),
    )
  })

  test('in a later format are rejected', async () => {
    const path = newPath()
    await hand.create(path)
    await hand.create(`${path}/%version`, '{"format":2}')
    expect(await rejection(open(path))).toBeInstanceOf(UnsupportedError)
  })

  test('with a damaged version are read correctly under a new one', async () => {
    const path = newPath()
    const dict = await open(path)
    await dict.set('a', 1)
    const { version } = dict
    const synced = new Promise<{ reason: string }>(resolve => dict.on('sync', resolve))
    await hand.set(`${path}/%version`, 'no head')
    await dict.sync()
    expect((await synced).reason).toBe('diverged')
    expect(dict.version).not.toBe(version)
    expect(await dict.get('a')).toBe(1)
    await dict.set('a', 2)
    expect(await (await open(path)).get('a')).toBe(2)
  })
})

describe('znodes written by hand, without the version', () => {
  test('are noticed when created or removed, within a third of the session timeout', async () => {
    const path = newPath()
    const [dict, live] = [await open(path), await open(path, { live: true })]
    await dict.set('a', 1)
    await hand.create(`${path}/b`, '2')
    await until(async () => (await dict.get('b')) === 2, 'the created one is read', 5 * SESSION)
    await until(() => live.local.get('b') === 2, 'the created one is pushed', 5 * SESSION)
    await hand.remove(`${path}/a`)
    await until(async () => !(await dict.has('a')), 'the removed one is missing', 5 * SESSION)
    await until(() => !live.local.has('a'), 'its removal is pushed', 5 * SESSION)
  })

  describe.each(Object.entries(WAYS))('by %s', (_, openBy) => {
    test('are noticed at once, long before a third of the session timeout', async () => {
      const path = newPath()
      const dict = await openBy(path, { sessionTimeout: 60_000 })
      await dict.set('a', 1)
      for (let n = 1; n <= 3; n += 1) {
        await hand.create(`${path}/b`, `${n}`)
        await until(async () => (await dict.get('b')) === n, 'the created one is read', 5_000)
        await hand.remove(`${path}/b`)
        await until(async () => !(await dict.has('b')), 'the removed one is missing', 5_000)
      }
    })

    test('are noticed even beside so many keys that listing them takes long', async () => {
      const path = newPath()
      const dict = await openBy(path, { sessionTimeout: SESSION })
      await dict.update(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}`.padEnd(300, 'x'), n])))
      await hand.create(`${path}/b`, '2')
      await until(async () => (await dict.get('b')) === 2, 'the created one is read', 5 * SESSION)
    })

    test('are distinguished from own writes, however many keys these create and remove', async () => {
      const path = newPath()
      const dicts = [await openBy(path, {}), await openBy(path, { live: true })]
      const reasons: string[] = []
      for (const dict of dicts) dict.on('sync', ({ reason }) => reasons.push(reason))
      const end = performance.now() + 500
      for (let n = 0; performance.now() < end; n += 1) {
        await Promise.all(dicts.map((dict, index) => dict.set(`${index} ${n}`, n)))
        await Promise.all(dicts.map((dict, index) => dict.delete(`${1 - index} ${n}`)))
      }
      expect(reasons).not.toContain('diverged')
      expect(reasons).not.toContain('loaded')
    })
  })

  test('do not harm concurrent writes: nothing half written is ever seen', async () => {
    const path = newPath()
    const [dict, other] = [await open(path), await open(path, { live: true })]
    await dict.update({ a: 0, c: 0 })
    await hand.create(`${path}/b`, '"theirs"')
    await hand.remove(`${path}/c`)
    const states: unknown[] = []
    other.on('sync', () => states.push([...other.local.entries()].sort()))
    await dict.update({ a: 1, b: 1, c: 1 })
    await until(() => other.local.get('c') === 1, 'the write is pushed')
    for (const state of states) {
      const held = new Map(state as [string, unknown][])
      expect([held.get('a'), held.get('b') === 1, held.get('c') === 1]).toEqual(
        held.get('a') === 1 ? [1, true, true] : [0, false, false],
      )
    }
    expect(await dict.pop('b')).toBe(1)
  })

  test('do not harm writes if they remove or replace earlier parts of the log', async () => {
    const path = newPath()
    const [dict, behind] = [await open(path), await open(path, { autosync: false })]
    await dict.set('n', 0)
    await behind.sync()
    await hand.remove(`${path}/%log-0`)
    for (let n = 1; n <= 100; n += 1) await dict.set('n', n)
    for (const name of ['%log-1', '%log-2']) await hand.set(`${path}/${name}`, 'no part')
    await behind.sync()
    expect(behind.local.get('n')).toBe(100)
    expect((await hand.children(path)).filter(name => /^%log-\d/.test(name)).sort()).toEqual(
      Array.from({ length: PARTS }, (_, place) => `%log-${place}`),
    )
    expect(await (await open(path)).get('n')).toBe(100)
  })

  test('with only their data altered are noticed by resyncEvery', async () => {
    const path = newPath()
    const dict = await open(path, { autosync: false, resyncEvery: 50 })
    await dict.set('a', 1)
    const diverged = new Promise<{ reason: string }>(resolve =>
      dict.on('sync', event => event.reason === 'diverged' && resolve(event)),
    )
    await hand.set(`${path}/a`, '2')
    await diverged
    expect(dict.local.get('a')).toBe(2)
  })

  test('with a large altered value do not block a replica that catches up', async () => {
    const path = newPath()
    const [dict, other] = [await open(path), await open(path)]
    await other.get('a')
    await dict.set('a', 'x'.repeat(5_000))
    await hand.set(`${path}/a`, '"by hand"')
    await other.sync()
    expect(other.local.get('a')).toBe('by hand')
  })

  test('with children make a write that would remove them reject as a whole', async () => {
    const path = newPath()
    const dict = await open(path)
    await dict.update({ a: 1, b: 2 })
    await hand.create(`${path}/b/child`)
    const { version } = dict
    const both = async () =>
      dict.transact(async tx => {
        tx.set('a', 3)
        tx.delete('b')
      })
    for (const write of [both, async () => dict.clear()]) {
      const error = await rejection(write())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('has children')
    }
    expect(await dict.get('a')).toBe(1)
    expect(dict.version).toBe(version)
    await dict.set('b', 4)
    expect(await (await open(path)).get('b')).toBe(4)
  })
})

test('a deleted path is noticed at the next check, created again, and keeps working', async () => {
  const path = newPath()
  const [dict, live] = [await open(path), await open(path, { live: true })]
  await dict.update({ a: 1, b: 2 })
  const reasons: string[] = []
  live.on('sync', ({ reason }) => reasons.push(reason))
  await until(() => live.local.size === 2, 'it is fed')
  await hand.removeAll(path)
  await dict.sync()
  expect(dict.local.size).toBe(0)
  await until(() => live.local.size === 0 && reasons.includes('diverged'), 'it is pushed')
  await dict.set('c', 3)
  await until(() => live.local.get('c') === 3, 'the next write is pushed')
  expect(await hand.get(`${path}/c`)).toBe('3')
})

test('a path deleted piece by piece while dictionaries create parts of it again ends empty', async () => {
  const path = newPath()
  const [dict, live] = [await open(path), await open(path, { live: true })]
  await dict.update({ a: 1, b: 2 })
  for (const name of ['%version', 'a', 'b']) {
    await hand.remove(`${path}/${name}`)
    await delay(20)
  }
  await until(async () => (await dict.size()) === 0, 'it is missed', 5 * SESSION)
  await until(() => live.local.size === 0, 'it is pushed', 5 * SESSION)
  await dict.set('c', 3)
  await until(() => live.local.get('c') === 3, 'the next write is pushed')
})

test('a path deleted just before a write is created again', async () => {
  const path = newPath()
  const dict = await open(path, { autosync: false })
  await dict.update({ a: 1, b: 2 })
  await hand.removeAll(path)
  await dict.set('c', 3)
  expect([...dict.local]).toEqual([['c', 3]])
})

test('keys that a path cannot contain are read back unchanged', async () => {
  const path = newPath()
  const keys = [
    ...['/', '//', 'a/b', '.', '..', '...', '%', '%2F', '%version', '%epoch-1', 'zookeeper', ' ', '\n'],
    ...['\0', 'a\0b', '\u007f\u0085', '\ue000', '\uffff', '\ufeff', '😀', 'é', 'e\u0301', '__proto__', 'constructor'],
    ...['x'.repeat(512), '/'.repeat(512), '😀'.repeat(128)],
  ]
  const dict = await open(path, { encoding: new RichEncoding() })
  await dict.update(new Map(keys.map((key, index) => [key, index])))
  const other = await open(path, { encoding: new RichEncoding() })
  expect(new Map(other.local)).toEqual(new Map(keys.map((key, index) => [key, index])))
  for (const [index, key] of keys.entries()) expect(await other.pop(key)).toBe(index)
  await dict.sync() // A checked read may precede the last watch event.
  expect(dict.local.size).toBe(0)
  for (const key of ['', '\ud800', 'x'.repeat(513)]) {
    expect(await rejection(dict.set(key, 1))).toBeInstanceOf(InvalidKeyError)
  }
})

test('keys and values can be read and written by others using the documented layout', async () => {
  const path = newPath()
  const dict = await open(path)
  await dict.set('a/b', { n: 1 })
  expect(await hand.get(`${path}/a%2Fb`)).toBe('{"n":1}')
  const [first] = (await hand.get(`${path}/%version`)).split('\n')
  expect(JSON.parse(first as string)).toMatchObject({ format: 1, number: 1 })
})
