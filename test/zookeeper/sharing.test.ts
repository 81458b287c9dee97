import { promisify } from 'node:util'
import { createClient } from 'node-zookeeper-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { opener } from '../../src/backends/zookeeper/connect.js'
import { ZookeeperBackend } from '../../src/backends/zookeeper/zookeeper-backend.js'
import { StoreUnavailableError, ZookeeperDict } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { startCuttingProxy } from '../redis/cutting-proxy.js'
import { until } from '../redis/support.js'
import { startPausingProxy } from '../servers/pausing-proxy.js'
import type { ZookeeperNode } from '../servers/types.js'
import { fourLetters } from '../servers/zookeeper.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { byHand } from './by-hand.js'
import { clientOf } from './clients.js'
import { newPath, OWN_CHILDREN, rejection, stepsAfterEach } from './support.js'

const cleanup = stepsAfterEach()
let server: ZookeeperNode

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterAll(() => server.stop())

/** The warnings until the test ends. */
function warnings(): Error[] {
  const emitted: Error[] = []
  const listen = (warning: Error) => emitted.push(warning)
  process.on('warning', listen)
  cleanup.push(() => process.off('warning', listen))
  return emitted
}

/** Warnings are emitted in the next tick. */
const nextTick = promisify(setImmediate)

test('two dozen dictionaries on one client cause no warning, and each follows its own path', async () => {
  const emitted = warnings()
  const { client, end } = clientOf(server.address)
  cleanup.push(end)
  const paths = [...Array<string>(12).fill(newPath()), ...Array.from({ length: 12 }, newPath)]
  const dicts = await Promise.all(paths.map(path => ZookeeperDict.open(path, client, { live: true })))
  cleanup.push(() => Promise.all(dicts.map(dict => dict.close())))
  for (let round = 1; round <= 3; round += 1) {
    for (const dict of dicts.slice(11)) await dict.set('n', round)
    await until(() => dicts.every(dict => dict.local.get('n') === round), 'all are fed')
  }
  const [first, ...others] = dicts
  await first?.close()
  await others[0]?.set('n', 'after one was closed')
  await until(() => others[1]?.local.get('n') === 'after one was closed', 'the others still get pushes')
  await nextTick()
  expect(emitted.map(({ message }) => message)).toEqual([])
})

test('dictionaries on one client share a sign of life, which misses no change', async () => {
  const { client, end } = clientOf(server.address, { sessionTimeout: 60_000 })
  cleanup.push(end)
  const path = newPath()
  const backends = Array.from({ length: 10 }, () => new ZookeeperBackend(path, opener(client)))
  cleanup.push(() => Promise.all(backends.map(backend => backend.close())))
  const versions = await Promise.all(backends.map(backend => backend.lastUpdated()))
  const confirm = () => Promise.all(backends.map((one, n) => one.changesSince(String(versions[n]), 'confirmed')))
  await confirm()
  const received = async () => Number(/^Received: (\d+)/m.exec(await fourLetters(server.port, 'srvr'))?.[1])
  const before = await received()
  const unchanged = await confirm()
  expect((await received()) - before - 1).toBe(1)
  expect(unchanged.every(answer => answer.type === 'changes' && answer.changes.length === 0)).toBe(true)
  for (let round = 0; round < 5; round += 1) {
    const other = new ZookeeperBackend(path, opener(server.address))
    await other.persist('n', `${round}`)
    const now = await other.lastUpdated()
    await other.close()
    const answers = await confirm()
    expect(answers.map(answer => answer.type !== 'tooOld' && answer.version)).toEqual(backends.map(() => now))
  }
})

test('dictionaries created at the same time by several sessions of both kinds are one', async () => {
  const clients = Array.from({ length: 4 }, () => clientOf(server.address))
  cleanup.push(() => clients.map(({ end }) => end()))
  for (let round = 0; round < 3; round += 1) {
    const path = `${newPath()}/deep/er`
    const by = [...clients.map(({ client }) => client), ...Array<string>(4).fill(server.address)]
    const dicts = await Promise.all(by.map(client => ZookeeperDict.open(path, client, { timeout: 15_000 })))
    await Promise.all(dicts.map((dict, n) => dict.set(`key ${n}`, n)))
    for (const dict of dicts) {
      await dict.sync()
      expect(dict.local.size).toBe(8)
    }
    await Promise.all(dicts.map(dict => dict.close()))
    const hand = await byHand(server.address)
    expect(await hand.children(path)).toHaveLength(8 + OWN_CHILDREN)
    hand.end()
  }
})

test('the option "retries" of a client does not delay the rejection after a lost connection', async () => {
  const path = newPath()
  const proxy = await startCuttingProxy(server.port)
  cleanup.push(() => proxy.close())
  const client = createClient(`127.0.0.1:${proxy.port}`, { sessionTimeout: 3_000, spinDelay: 20, retries: 10 })
  cleanup.push(() => client.close())
  const dict = await ZookeeperDict.open(path, client)
  cleanup.push(() => dict.close())
  await dict.set('n', 0)
  for (let n = 1; n <= 3; n += 1) {
    proxy.cut(`"cut ${n}"`, 'after', 1)
    const { soon, value } = await inTime(950, async () => {
      await dict.set('n', `cut ${n}`)
      return dict.get('n')
    })
    expect({ soon, value }).toEqual({ soon: true, value: `cut ${n}` })
  }
  expect(client).toMatchObject({ options: { retries: 10 } })
})

describe('a path that already belongs to a dictionary', () => {
  const refused = async (path: string) => rejection(ZookeeperDict.open(path, server.address))

  test('is rejected if it is one of its own znodes', async () => {
    for (const name of ['%version', '%epoch-1', '%log-0', '%log-x', '%version/a']) {
      const error = await refused(`${newPath()}/${name}`)
      expect(error, name).toBeInstanceOf(TypeError)
      expect(error.message).toContain('is reserved for the dictionary itself')
    }
  })

  test('is rejected if it is a key or further below', async () => {
    const path = newPath()
    const dict = await ZookeeperDict.open(path, server.address)
    cleanup.push(() => dict.close())
    await dict.set('a', 1)
    const { client, end } = clientOf(server.address)
    cleanup.push(end)
    for (const by of [server.address, client]) {
      for (const below of ['a', 'b', 'a/b/c']) {
        const error = await rejection(ZookeeperDict.open(`${path}/${below}`, by))
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toContain(`below the dictionary at ${path},`)
      }
    }
    const beside = await ZookeeperDict.open(`${path}-beside`, server.address)
    cleanup.push(() => beside.close())
    expect(await dict.keys()).toEqual(['a'])
    await dict.clear()
    expect(await dict.size()).toBe(0)
  })
})

describe('messages', () => {
  const SECRET = 'pa55w0rd'

  test('contain no part of a connection string', async () => {
    for (const given of [
      `ann:${SECRET}`,
      `ann:${SECRET}@`,
      `ann:${SECRET}@host:99999`,
      `ann:${SECRET}@host:0`,
      `ann:${SECRET}%@host`,
      `zookeeper://ann:${SECRET}@/app`,
      `host:1,ann:${SECRET},host:2`,
      `ann:${SECRET}@a:1//b`,
      `${SECRET}@ho st`,
    ]) {
      const error = await rejection(ZookeeperDict.open('/app', given))
      expect(error, given).toBeInstanceOf(TypeError)
      expect(error.message, given).not.toContain(SECRET)
      expect(String(error.cause ?? ''), given).not.toContain(SECRET)
    }
  })

  test('report arguments in the wrong order', async () => {
    const error = await rejection(ZookeeperDict.open(`ann:${SECRET}@zk:2181` as never, '/app/config'))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('takes the path, then a client')
    expect(error.message).not.toContain(SECRET)
    const client = createClient(server.address)
    expect(await rejection(ZookeeperDict.open(client as never, '/app' as never))).toBeInstanceOf(TypeError)
  })

  test('about foreign znodes are few, however many there are', async () => {
    const emitted = warnings()
    const path = newPath()
    const hand = await byHand(server.address)
    cleanup.push(() => hand.end())
    await hand.create(path)
    await Promise.all(Array.from({ length: 300 }, (_, n) => hand.create(`${path}/%zz${n}`)))
    const dict = await ZookeeperDict.open(path, server.address)
    cleanup.push(() => dict.close())
    await nextTick()
    const foreign = emitted.filter(warning => 'code' in warning && warning.code === 'DURABLEDICT_FOREIGN_ZNODE')
    expect(foreign.length).toBeGreaterThan(0)
    expect(foreign.length).toBeLessThanOrEqual(3)
  })
})

test('a write that times out behind others fails at once and is never sent', async () => {
  const path = newPath()
  const proxy = await startPausingProxy(server.port)
  cleanup.push(() => proxy.close())
  const backend = new ZookeeperBackend(path, opener(`127.0.0.1:${proxy.port}`, { sessionTimeout: 20_000 }))
  cleanup.push(() => backend.close())
  await backend.ready()
  const { version } = await backend.load(() => {})
  proxy.pause(true)
  const batchOf = (key: string) => ({
    id: crypto.randomUUID(),
    groups: [{ conditions: [], operations: [{ type: 'set' as const, key, stored: key }] }],
  })
  const first = backend.commit(batchOf('first'), version, new AbortController().signal)
  const giving = new AbortController()
  const second = backend.commit(batchOf('second'), version, giving.signal)
  const third = backend.commit(batchOf('third'), version, new AbortController().signal)
  giving.abort()
  const error = await rejection(second)
  expect(error).toBeInstanceOf(StoreUnavailableError)
  expect(error.message).toContain('did not take effect')
  proxy.pause(false)
  await Promise.all([first, third])
  const { entries } = await backend.load(() => {})
  expect([...entries].map(([key]) => key).sort()).toEqual(['first', 'third'])
})

test('a load reports progress in proportion to its keys, however often others write meanwhile', async () => {
  const path = newPath()
  const hand = await byHand(server.address)
  cleanup.push(() => hand.end())
  const writer = await ZookeeperDict.open(path, server.address)
  cleanup.push(() => writer.close())
  await writer.update(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`key ${n}`, n])))
  const backend = new ZookeeperBackend(path, opener(server.address))
  cleanup.push(() => backend.close())
  await backend.ready()
  let progress = 0
  let meddling = true
  const others = (async () => {
    for (let n = 0; meddling; n += 1) {
      await hand.create(`${path}/by-hand-${n}`, '1')
      await hand.remove(`${path}/by-hand-${n}`)
    }
  })()
  await backend
    .load(() => {
      progress += 1
    })
    .catch(() => {})
  meddling = false
  await others
  expect(progress).toBeLessThanOrEqual(3)
})

test('two dictionaries that write without pause take turns', async () => {
  const path = newPath()
  const open = () => ZookeeperDict.open(path, server.address, { timeout: 20_000 })
  const dicts = [await open(), await open()]
  cleanup.push(() => Promise.all(dicts.map(dict => dict.close())))
  const runs: { by: number; length: number }[] = []
  const counts = [0, 0]
  const write = async (dict: ZookeeperDict, by: number) => {
    while (Math.min(...counts) < 25) {
      await dict.set(`key ${by}`, counts[by])
      counts[by] = (counts[by] as number) + 1
      const last = runs.at(-1)
      if (last?.by === by) last.length += 1
      else runs.push({ by, length: 1 })
    }
  }
  await Promise.all(dicts.map(write))
  expect(Math.max(...runs.map(({ length }) => length))).toBeLessThan(25)
})
