import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { opener } from '../../src/backends/zookeeper/connect.js'
import { PARTS } from '../../src/backends/zookeeper/names.js'
import { ZookeeperBackend } from '../../src/backends/zookeeper/zookeeper-backend.js'
import type { Batch } from '../../src/contract/backend.js'
import { ZookeeperDict } from '../../src/index.js'
import type { ZookeeperNode } from '../servers/types.js'
import { fourLetters } from '../servers/zookeeper.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { startMeddlingProxy } from './meddling-proxy.js'

let server: ZookeeperNode
let paths = 0
const opened: { close(): Promise<void> }[] = []

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

afterAll(() => server.stop())

function nextPath(): string {
  paths += 1
  return `/known/${paths}`
}

async function open(path: string, sessionTimeout = 30_000): Promise<ZookeeperBackend> {
  const backend = new ZookeeperBackend(path, opener(server.address, { sessionTimeout }))
  await backend.ready()
  await backend.load(() => {})
  opened.push(backend)
  return backend
}

/** How many requests the server has received; each check is one. */
async function received(): Promise<number> {
  return Number(/^Received: (\d+)/m.exec(await fourLetters(server.port, 'srvr'))?.[1])
}

async function requestsOf(work: () => Promise<unknown>): Promise<number> {
  const before = await received()
  await work()
  return (await received()) - before - 1
}

/** Waits until the server gets no more requests: a watcher of the children counts them a little later. */
async function quiet(): Promise<void> {
  for (let before = await received(); ; ) {
    await delay(150)
    const now = await received()
    if (now === before + 1) return
    before = now
  }
}

function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function bigBatch(keys: number): Batch {
  const operations = Array.from({ length: keys }, (_, n) => ({
    type: 'set' as const,
    key: `key ${n}`,
    stored: 'x'.repeat(80),
  }))
  return { id: crypto.randomUUID(), groups: [{ conditions: [], operations }] }
}

describe('the version known without a check', () => {
  test('is the present one until a watch event arrives', async () => {
    const path = nextPath()
    const [backend, other] = [await open(path), await open(path)]
    await quiet()
    const version = await backend.lastUpdated()
    const asOf = backend.currentAsOf(version) as number
    expect(asOf).toBeLessThanOrEqual(performance.now())
    expect(backend.currentAsOf('1-other-version')).toBeUndefined()
    const asked = await requestsOf(async () => {
      for (let n = 0; n < 1_000; n += 1) expect(backend.currentAsOf(version)).toBe(asOf)
    })
    expect(asked).toBe(0)
    await other.persist('a', '1')
    const next = await backend.lastUpdated()
    expect(backend.currentAsOf(version)).toBeUndefined()
    expect(backend.currentAsOf(next)).toBeGreaterThan(asOf)
  })

  test('is dropped after the process was stopped for too long, before anything else can have run', async () => {
    const backend = await open(nextPath(), 600)
    const version = await backend.lastUpdated()
    // Asked again: on a busy machine, an answer may take longer than it is trusted for.
    await expect.poll(async () => backend.currentAsOf(await backend.lastUpdated())).toBeTypeOf('number')
    blockFor(450)
    expect(backend.currentAsOf(version)).toBeUndefined()
    const checked = async () => {
      expect(await backend.changesSince(version, 'sequential')).toMatchObject({ type: 'changes', changes: [] })
      return backend.currentAsOf(version)
    }
    await expect.poll(checked).toBeTypeOf('number')
  })

  test('lets a loop of awaited reads see concurrent external writes', async () => {
    const path = nextPath()
    const [dict, other] = [
      await ZookeeperDict.open(path, server.address),
      await ZookeeperDict.open(path, server.address),
    ]
    opened.push(dict, other)
    const writing = other.set('a', 1)
    let reads = 0
    while ((await dict.get('a')) === undefined) reads += 1
    await writing
    expect(reads).toBeGreaterThan(0)
  })
})

describe('the cost of an own write', () => {
  test('is one transaction, even if the replica is live', async () => {
    const dict = await ZookeeperDict.open(nextPath(), server.address, {
      live: true,
      timeout: 20_000,
      sessionTimeout: 60_000,
    })
    opened.push(dict)
    const writes = 50
    const asked = await requestsOf(async () => {
      for (let n = 0; n < writes; n += 1) await dict.set('a', n)
      await dict.get('a')
    })
    // The heartbeat also reads, three times a second.
    expect(asked).toBeGreaterThanOrEqual(writes)
    expect(asked).toBeLessThan(1.5 * writes)
  })

  test('is more if an event that may be external arrives before its response', async () => {
    const path = nextPath()
    const proxy = await startMeddlingProxy(server.port)
    const dict = await ZookeeperDict.open(path, proxy.address, { sessionTimeout: 60_000, replicas: false })
    const other = await ZookeeperDict.open(path, server.address)
    opened.push(dict, other, { close: async () => proxy.close() })
    await other.set('b', 0)
    await dict.sync()
    proxy.hold()
    const writing = dict.set('a', 1)
    await expect.poll(() => other.get('a')).toBe(1)
    await expect.poll(() => proxy.held).toBeGreaterThan(0)
    const before = proxy.held
    await other.set('b', 1)
    await expect.poll(() => proxy.held).toBeGreaterThan(before)
    proxy.releaseLastFirst()
    await writing
    expect(await dict.get('b')).toBe(1)
  })

  test('never returns what others have written at the same moment', async () => {
    const path = nextPath()
    const open = () => ZookeeperDict.open(path, server.address)
    const [dict, other] = [await open(), await open()]
    opened.push(dict, other)
    for (let n = 1; n <= 100; n += 1) {
      await Promise.all([dict.set('a', n), other.set('b', n)])
      // Nothing is requested without a watch event: a dictionary that mistook another's event for its own would miss
      // this.
      await expect.poll(() => dict.get('b'), { interval: 1 }).toBe(n)
      await expect.poll(() => other.get('a'), { interval: 1 }).toBe(n)
    }
  })
})

describe('the log', () => {
  test('returns a change larger than the whole log', async () => {
    const path = nextPath()
    const [backend, other] = [await open(path), await open(path)]
    const commit = async () => other.commit(bigBatch(100), await other.lastUpdated(), new AbortController().signal)
    await commit()
    await quiet()
    const version = await backend.lastUpdated()
    await commit()
    const asked = await requestsOf(() => backend.changesSince(version) as Promise<unknown>)
    // A barrier, and the version with its log.
    expect(asked).toBe(2)
  })

  test('covers as many changes as it has room for, and beyond them everything is read', async () => {
    const path = nextPath()
    const [near, far, writer] = [await open(path), await open(path), await open(path)]
    await writer.commit(bigBatch(100), await writer.lastUpdated(), new AbortController().signal)
    await writer.persist('a', '')
    await quiet()
    const early = await far.lastUpdated()
    for (let n = 0; n < 30; n += 1) await writer.persist('a', `${n}`)
    const latest = await near.lastUpdated()
    for (let n = 0; n < 5; n += 1) await writer.persist('a', `${n}`)
    expect(await requestsOf(() => near.changesSince(latest) as Promise<unknown>)).toBe(2)
    const late = await near.lastUpdated()
    for (let n = 0; n < 70; n += 1) await writer.persist('a', `${n}`)
    // And the earlier parts of the log.
    expect(await requestsOf(() => near.changesSince(late) as Promise<unknown>)).toBe(2 + PARTS)
    for (let n = 0; n < 250; n += 1) await writer.persist('a', `${n}`)
    // The path, its children, and a znode each.
    expect(await requestsOf(() => far.changesSince(early) as Promise<unknown>)).toBeGreaterThan(100)
    expect(await far.changesSince(late)).toMatchObject({ diverged: false })
    expect(await far.changesSince(await writer.lastUpdated())).toMatchObject({ type: 'changes', changes: [] })
  })
})
