import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend, type Method } from '../../src/conformance/faulty-backend.js'
import { type Backend, DurableDict, MemoryDict, MemoryStore } from '../../src/index.js'
import { TIMING_OPTION } from '../../src/replica/presence-timing.js'

const METHODS = [
  ...[
    'persist',
    'depersist',
    'durables',
    'lastUpdated',
    'pop',
    'setDefault',
    'commit',
    'changesSince',
    'load',
    'subscribe',
  ],
  ...['registerMaxStaleness', 'register', 'leave', 'replicas', 'acknowledge', 'awaitAcknowledgements'],
] as const

const BOUND = 200
const opened: DurableDict[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map(dict => dict.close()))
})

/** A server that may lose its data. */
class Server {
  #store = new MemoryStore()

  flush(): void {
    this.#store = new MemoryStore()
  }

  async open(options: object = {}): Promise<DurableDict> {
    const call =
      (method: string) =>
      (...args: unknown[]) =>
        (new MemoryBackend(this.#store) as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.(
          ...args,
        )
    const backend = Object.fromEntries(METHODS.map(method => [method, call(method)]))
    const dict = await DurableDict.open({ ...backend, valueKind: 'references' } as unknown as Backend<unknown>, options)
    opened.push(dict)
    return dict
  }
}

async function timeOf(work: Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work
  return performance.now() - before
}

describe('after the store lost its data, a write everywhere', () => {
  test('waits for the bound that its dictionary knew, and no longer', async () => {
    const server = new Server()
    const [dict, reader] = [await server.open(), await server.open({ autosync: false, maxStaleness: BOUND })]
    await dict.set('a', 'old')
    await reader.sync()
    server.flush()
    expect(await timeOf(dict.set('a', 'new', { everywhere: true }))).toBeGreaterThanOrEqual(BOUND)
    expect(() => reader.fresh.get('a')).toThrow()
    expect(await timeOf(dict.set('a', 'newer', { everywhere: true }))).toBeLessThan(BOUND)
  })

  test('waits for the bound that a renewal has lowered since', async () => {
    const server = new Server()
    const dict = await server.open({ maxStaleness: 1, [TIMING_OPTION]: { ttl: 60_000, renewEvery: 10 } })
    const reader = await server.open({ autosync: false, maxStaleness: BOUND })
    await dict.set('a', 'old')
    await reader.sync()
    server.flush()
    // It registers on the empty server before it notices that the history is another one.
    while ((await dict.replicas()).length === 0) await new Promise(resolve => setTimeout(resolve, 2))
    await dict.set('a', 'new', { everywhere: true })
    expect(() => reader.fresh.get('a')).toThrow()
  })

  test('finds the replicas that have noticed it in the registry again', async () => {
    const server = new Server()
    const [dict, reader] = [await server.open(), await server.open({ autosync: false, maxStaleness: 60_000 })]
    await dict.set('a', 'old')
    server.flush()
    await dict.sync()
    await reader.sync()
    expect((await dict.replicas()).map(({ maxStaleness }) => maxStaleness)).toContain(60_000)
    expect(reader.fresh.get('a')).toBe(undefined)
  })
})

test('fresh throws after close: the replica has left the registry', async () => {
  const dict = await MemoryDict.open(new MemoryStore(), { maxStaleness: 60_000 })
  expect(dict.fresh.get('a')).toBe(undefined)
  await dict.close()
  expect(() => dict.fresh.get('a')).toThrow('registry')
})

test('a dictionary that was opened in vain leaves the registry', async () => {
  const store = new MemoryStore()
  const backend = Object.assign(new MemoryBackend(store), { load: () => Promise.reject(new Error('broken')) })
  await expect(DurableDict.open(backend, { maxStaleness: 60_000 })).rejects.toThrow('broken')
  expect(new MemoryBackend(store).replicas().replicas).toEqual([])
})

describe('a dictionary whose opening is ended in its last step is not opened, and leaves the registry', () => {
  /** Opens one with a store that hangs from its first call of the method. */
  async function openHanging(method: Method, options: object, hangs = () => {}, loadTakes = 0): Promise<void> {
    const store = new MemoryStore()
    const faulty = new FaultyBackend(new MemoryBackend(store))
    faulty.intercept('load', proceed => delay(loadTakes).then(() => proceed()))
    faulty.intercept('subscribe', async (proceed, ...args) => {
      await proceed(...args)
      return () => new Promise(() => {})
    })
    faulty.intercept(method, () => {
      hangs()
      return new Promise(() => {})
    })
    const opening = DurableDict.open(faulty.backend, { maxStaleness: 60_000, ...options })
    await expect(opening).rejects.toThrow(/ended by the caller|50 ms/)
    expect(faulty.count('register')).toBeGreaterThan(0)
    expect(new MemoryBackend(store).replicas().replicas).toEqual([])
  }

  test('by its signal, while it acknowledges what it loaded', async () => {
    const caller = new AbortController()
    await openHanging('acknowledge', { signal: caller.signal }, () => caller.abort(new Error('ended by the caller')))
  })

  test('by its time limit, while it acknowledges what it loaded', async () => {
    await openHanging('acknowledge', { timeout: 50 }, undefined, 35)
  })

  test('by its time limit, while it subscribes', async () => {
    await openHanging('subscribe', { live: true, timeout: 50 })
  })

  test('by its time limit, while the subscription does not end either', async () => {
    await openHanging('changesSince', { live: true, timeout: 50 })
  })
})
