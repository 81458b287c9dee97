import { createServer, type Server as NetServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'node-zookeeper-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { opener } from '../../src/backends/zookeeper/connect.js'
import { ZookeeperBackend } from '../../src/backends/zookeeper/zookeeper-backend.js'
import {
  AmbiguousWriteError,
  ClosedError,
  type DurableDict,
  HistoryError,
  StoreUnavailableError,
  ZookeeperDict,
} from '../../src/index.js'
import { inTime } from '../in-time.js'
import { startCuttingProxy } from '../redis/cutting-proxy.js'
import { until } from '../redis/support.js'
import { startPausingProxy } from '../servers/pausing-proxy.js'
import { freePort } from '../servers/port.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { clientOf } from './clients.js'
import { startKept } from './kept.js'
import { startMeddlingProxy } from './meddling-proxy.js'
import { newPath, type Options, rejection, stepsAfterEach } from './support.js'

const SESSION = 900

/** How long a server may take to start on a busy machine, in ms: calls wait for it. */
const RESTART = 40_000

const cleanup = stepsAfterEach()
let server: ZookeeperNode

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterAll(() => server.stop())

type Dict = DurableDict

function closing(dict: Dict): Dict {
  cleanup.push(() => dict.close())
  return dict
}

/** For tests that alter the next response: that of a registration comes at any time. */
const QUIET: Options = { replicas: false }

/** The dictionary's own session, and one by the caller's client. */
const WAYS: Record<string, (path: string, address: string, options?: Options) => Promise<Dict>> = {
  'its own session': async (path, address, options) =>
    closing(await ZookeeperDict.open(path, address, { sessionTimeout: SESSION, ...options })),
  'node-zookeeper-client': async (path, address, { sessionTimeout = SESSION, ...options } = {}) => {
    const { client, end } = clientOf(address, { sessionTimeout })
    cleanup.push(end)
    return closing(await ZookeeperDict.open(path, client, options))
  },
}

const direct = (path: string, options?: Options) =>
  (WAYS['its own session'] as NonNullable<(typeof WAYS)[string]>)(path, server.address, options)

for (const [how, open] of Object.entries(WAYS)) {
  describe(`by ${how}`, () => {
    for (const when of ['before', 'after'] as const) {
      test(`a write whose connection is cut ${when} the server receives it takes effect once`, async () => {
        const path = newPath()
        const proxy = await startCuttingProxy(server.port)
        cleanup.push(() => proxy.close())
        const [dict, other] = [await open(path, `127.0.0.1:${proxy.port}`), await direct(path)]
        await dict.set('n', 0)
        await other.sync()
        const watch = other.watch()[Symbol.asyncIterator]()
        const first = watch.next()
        proxy.cut('"cut"', when, 2)
        await dict.set('n', 'cut')
        expect(proxy.cuts).toBe(when === 'before' ? 2 : 1)
        expect(await dict.get('n')).toBe('cut')
        await dict.set('n', 'later')
        await other.sync()
        expect([(await first).value?.value, (await watch.next()).value?.value]).toEqual(['cut', 'later'])
        expect(await dict.pop('n')).toBe('later')
      })
    }

    // As many as the head's own log has, and so many that its earlier parts are needed.
    test.each([1, 60])(
      'a write whose response is lost and that %i others have followed is known to have succeeded',
      async count => {
        const path = newPath()
        const pausing = await startPausingProxy(server.port)
        cleanup.push(() => pausing.close())
        const proxy = await startMeddlingProxy(pausing.port)
        cleanup.push(() => proxy.close())
        const [dict, other] = [await open(path, proxy.address, QUIET), await direct(path)]
        await dict.get('n')
        // The response is swallowed, and no other one is forwarded before it is overwritten.
        proxy.meddleWithWrite(() => {
          pausing.pause(true)
          return Buffer.alloc(0)
        }, true)
        const write = dict.setDefault('n', 'mine')
        await until(async () => (await other.get('n')) === 'mine', 'it took effect')
        for (let n = 1; n <= count; n += 1) await other.set('n', `theirs ${n}`)
        pausing.pause(false)
        expect(await write).toBe('mine')
        expect(dict.local.get('n')).toBe(`theirs ${count}`)
      },
    )

    test('an expired session is replaced, and no change in between is missed', async () => {
      const path = newPath()
      const proxy = await startMeddlingProxy(server.port)
      cleanup.push(() => proxy.close())
      const [live, other] = [await open(path, proxy.address, { live: true }), await direct(path)]
      await live.set('n', 0)
      for (const n of [1, 2]) {
        const expiring = proxy.expire()
        await Promise.all(['a', 'b', 'c'].map(key => other.set(key, n)))
        await expiring
        await until(
          () => ['a', 'b', 'c'].every(key => live.local.get(key) === n),
          'what was written meanwhile is there',
        )
        await other.set('n', n)
        await until(() => live.local.get('n') === n, 'the watch is set again')
        await live.set('d', n)
        expect(await live.get('n')).toBe(n)
        await other.sync()
        expect(other.local.get('d')).toBe(n)
      }
    })

    test('a response that is cut off is ignored', async () => {
      const path = newPath()
      const proxy = await startMeddlingProxy(server.port)
      cleanup.push(() => proxy.close())
      const dict = await open(path, proxy.address, QUIET)
      await dict.set('n', 0)
      for (const n of [1, 2, 3]) {
        proxy.meddle(answer => answer.subarray(0, answer.length - 2), true)
        await dict.set('n', n)
        expect(proxy.meddled).toBe(n)
        expect(await dict.get('n')).toBe(n)
      }
      expect(await (await direct(path)).get('n')).toBe(3)
    })

    test('when a server is silent for longer than the session lasts, reads reject, memory is stale, and it catches up', async () => {
      const path = newPath()
      const proxy = await startPausingProxy(server.port)
      cleanup.push(() => proxy.close())
      const address = `127.0.0.1:${proxy.port}`
      const [dict, live, other] = [
        await open(path, address, { timeout: 500 }),
        await open(path, address, { timeout: 500, live: true }),
        await direct(path),
      ]
      await dict.set('n', 0)
      await dict.sync()
      const stale = new Promise<{ staleness: number }>(resolve => live.on('stale', resolve))
      const fresh = new Promise(resolve => live.on('fresh', resolve))
      proxy.pause(true)
      const pausedAt = performance.now()
      const { soon } = await inTime(SESSION + 600, async () => {
        await other.set('n', 1)
        // The last watch event is trusted for two thirds of the session timeout, and is as old as reported.
        const first = await dict.get('n').catch(error => error)
        const age = performance.now() - pausedAt
        if (age < SESSION / 2) expect(first).toBe(0)
        expect(dict.staleness).toBeGreaterThanOrEqual(age - 5)
        await until(
          async () => (await dict.get('n').catch(error => error)) instanceof StoreUnavailableError,
          'reads fail',
        )
      })
      expect(soon).toBe(true)
      const calls = [dict.get('n'), dict.sync(), live.sync()].map(rejection)
      for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(StoreUnavailableError)
      const write = await rejection(dict.set('n', 2))
      expect(write).toBeInstanceOf(StoreUnavailableError)
      expect(write.message).toContain('did not take effect')
      expect(dict.local.get('n')).toBe(0)
      expect((await stale).staleness).toBeGreaterThanOrEqual(1_000)
      await delay(Math.max(0, SESSION + 100 - (performance.now() - pausedAt)))
      const liveAge = performance.now() - pausedAt
      expect(live.staleness).toBeGreaterThanOrEqual(liveAge - 5)
      proxy.pause(false)
      await fresh
      await until(() => live.local.get('n') === 1, 'it is fed')
      await until(async () => (await dict.get('n').catch(() => {})) === 1, 'it is read')
      await other.set('n', 3)
      await until(() => live.local.get('n') === 3, 'the watch is set again')
    })

    test('a write sent to a silent server has an unknown outcome', async () => {
      const path = newPath()
      const proxy = await startPausingProxy(server.port)
      cleanup.push(() => proxy.close())
      const dict = await open(path, `127.0.0.1:${proxy.port}`, { timeout: 1_000, sessionTimeout: 10_000 })
      await dict.set('n', 0)
      await dict.sync()
      proxy.pause(true)
      expect(await rejection(dict.set('n', 1))).toBeInstanceOf(AmbiguousWriteError)
      proxy.pause(false)
      await until(async () => (await dict.get('n').catch(() => 0)) === 1, 'it took effect')
      await dict.set('n', 2)
      expect(await dict.get('n')).toBe(2)
    })

    test('open() rejects within the time limit without a responsive server, or at the signal', async () => {
      const silent = createServer().listen(0, '127.0.0.1')
      cleanup.push(() => silent.close())
      const port = await freePort()
      for (const address of [`127.0.0.1:${port}`, addressOf(silent), `127.0.0.1:${port},${addressOf(silent)}`]) {
        const opening = () => rejection(open('/nowhere', address, { timeout: 250 }))
        const { soon, value: error } = await inTime(1_000, opening)
        expect(soon).toBe(true)
        expect(error).toBeInstanceOf(StoreUnavailableError)
        expect(error.message).toContain(address.split(',')[0])
      }
      const aborted = open('/nowhere', addressOf(silent), { signal: AbortSignal.timeout(50) })
      expect((await rejection(aborted)).name).toBe('TimeoutError')
    })

    test('a server that is not up yet is waited for', async () => {
      const port = await freePort()
      const opening = open('/later', `127.0.0.1:${port}`, { timeout: RESTART })
      const later = await startZookeeperNode({ port })
      cleanup.push(() => later.stop())
      await (await opening).set('a', 1)
    })
  })
}

function addressOf(listening: NetServer): string {
  const address = listening.address()
  return typeof address === 'object' ? `127.0.0.1:${address?.port}` : ''
}

for (const [how, open] of Object.entries(WAYS)) {
  test(`an ensemble restored from a copy is followed and reported: by ${how}`, async () => {
    const kept = await startKept(cleanup)
    const [dict, live] = [
      await open('/kept', kept.node.address, { timeout: RESTART }),
      await open('/kept', kept.node.address, { live: true }),
    ]
    await dict.update({ a: 1, b: 1 })
    await kept.save()
    for (const n of [2, 3]) await dict.set('a', n)
    await dict.delete('b')
    await until(() => live.local.get('a') === 3 && live.local.size === 1, 'it is fed')
    const lost = await dict.history({ limit: 2 }).toArray()
    const reasons: string[] = []
    for (const one of [dict, live]) one.on('sync', ({ reason }) => reasons.push(reason))
    await kept.restore()
    expect(await dict.get('a')).toBe(1)
    expect(await dict.get('b')).toBe(1)
    await until(() => live.local.get('a') === 1 && live.local.get('b') === 1, 'it follows')
    expect(reasons).toEqual(['diverged', 'diverged'])
    for (const n of [4, 5, 6, 7]) await dict.set('a', n)
    await until(() => live.local.get('a') === 7, 'it goes on')
    // The history is the restored one: other commits now have the positions of the lost ones.
    const commits = await dict.history({ key: 'a' }).toArray()
    expect(commits.map(({ changes }) => changes.find(({ key }) => key === 'a')?.after)).toEqual([7, 6, 5, 4, 1])
    for (const { id } of lost) expect(await rejection(dict.revert(id))).toBeInstanceOf(HistoryError)
    const backend = new ZookeeperBackend('/kept', opener(kept.node.address))
    cleanup.push(() => backend.close())
    for (const { id } of lost)
      expect(await rejection(backend.history({ limit: 1, before: id }))).toBeInstanceOf(HistoryError)
  })
}

describe('its own session', () => {
  const broken: Record<string, (answer: Buffer) => Buffer> = {
    'is out of order': answer => {
      answer.writeInt32BE(answer.readInt32BE(4) + 1_000, 4)
      return answer
    },
    'has a negative length': answer => {
      answer.writeInt32BE(-5, 0)
      return answer
    },
    'has an impossible length': answer => {
      answer.writeInt32BE(2 ** 31 - 1, 0)
      return answer
    },
    'contains a record that ends too early': answer => {
      const short = Buffer.from(answer.subarray(0, 24))
      short.writeInt32BE(20, 0)
      return short
    },
    'contains a record without a header': () => Buffer.of(0, 0, 0, 1, 7),
  }
  for (const [what, alter] of Object.entries(broken)) {
    test(`leaves a server whose response ${what}, and learns the outcome of the write`, async () => {
      const path = newPath()
      const proxy = await startMeddlingProxy(server.port)
      cleanup.push(() => proxy.close())
      const [dict, other] = [await WAYS['its own session']?.(path, proxy.address, QUIET), await direct(path)]
      await dict?.set('n', 0)
      const versions = new Set([dict?.version])
      proxy.meddle(alter)
      await dict?.set('n', 1)
      expect(proxy.meddled).toBe(1)
      versions.add(dict?.version)
      await other.sync()
      expect(other.version).toBe(dict?.version)
      expect([...versions].map(version => Number(String(version).split('-')[0]))).toEqual([1, 2])
    })
  }

  test('reports a server that is too old for the features it needs', async () => {
    const proxy = await startMeddlingProxy(server.port)
    cleanup.push(() => proxy.close())
    const unimplemented = (answer: Buffer) => {
      answer.writeInt32BE(-6, 16)
      return answer
    }
    // The response to the watch request comes after that to the barrier.
    proxy.meddle(answer => {
      proxy.meddle(unimplemented)
      return answer
    })
    const error = await rejection(ZookeeperDict.open(newPath(), proxy.address))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('3.6')
  })

  test('is not left while it makes progress, however long a load takes', async () => {
    const path = newPath()
    const writer = await direct(path)
    for (let n = 0; n < 6; n += 1) await writer.set(`large ${n}`, 'x'.repeat(900_000))
    const proxy = await startMeddlingProxy(server.port, 20)
    cleanup.push(() => proxy.close())
    const startedAt = performance.now()
    const dict = closing(await ZookeeperDict.open(path, proxy.address, { sessionTimeout: 1_000 }))
    expect(performance.now() - startedAt, 'longer than a silent server is kept').toBeGreaterThan(1_000)
    expect(dict.local.size).toBe(6)
    expect(proxy.connections).toBe(1)
  })

  test('keeps nothing open once it is closed, whatever its state is', async () => {
    const proxy = await startPausingProxy(server.port)
    cleanup.push(() => proxy.close())
    const dict = await ZookeeperDict.open(newPath(), `127.0.0.1:${proxy.port}`, { sessionTimeout: SESSION })
    proxy.pause(true)
    expect(await inTime(600, () => dict.close())).toMatchObject({ soon: true })
    expect(await rejection(dict.get('a'))).toBeInstanceOf(ClosedError)
    proxy.pause(false)
    await until(() => proxy.connections() === 0, 'the connection is ended')
  })
})

describe('node-zookeeper-client', () => {
  test('is started if it was not, and left open at the end', async () => {
    const client = createClient(server.address)
    const listeners = client.listenerCount('state')
    const dict = await ZookeeperDict.open(newPath(), client)
    await dict.set('a', 1)
    await dict.close()
    expect(client.getState().name).toBe('SYNC_CONNECTED')
    expect(client.listenerCount('state')).toBe(listeners)
    client.close()
  })

  test('that was closed before or while in use is reported', async () => {
    const { client, end } = clientOf(server.address)
    const dict = closing(await ZookeeperDict.open(newPath(), client))
    await dict.set('a', 1)
    end()
    const outcome = () => dict.get('a').catch(error => error.message)
    await until(async () => String(await outcome()).includes('was closed'), 'it is reported')
    const calls = [dict.get('a'), dict.set('a', 2), ZookeeperDict.open(newPath(), client)].map(rejection)
    for (const error of await Promise.all(calls)) {
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('was closed')
    }
    expect(dict.local.get('a')).toBe(1)
  })

  test('that is being closed refuses writes, and every call ends', async () => {
    const { client, end } = clientOf(server.address)
    const dict = await ZookeeperDict.open(newPath(), client)
    await dict.set('a', 1)
    end()
    const calls = [dict.set('a', 2), dict.get('a'), dict.replicas(), dict.history().next(), dict.close()]
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes[0]?.status).toBe('rejected')
    expect(outcomes.at(-1)).toEqual({ status: 'fulfilled', value: undefined })
  })

  test('that has a missing chroot rejects instead of creating it', async () => {
    const path = newPath()
    for (const open of Object.values(WAYS)) {
      const error = await rejection(open('/app/config', `${server.address}${path}`, { timeout: 5_000 }))
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toMatch(/chroot.*does not exist: create it/)
    }
  })

  test('serves several dictionaries at a time, also below a chroot', async () => {
    const path = newPath()
    const root = await direct(`${path}/root/one`)
    await root.set('a', 1)
    const { client, end } = clientOf(`${server.address}${path}/root`)
    cleanup.push(end)
    const [one, same, two] = [
      closing(await ZookeeperDict.open('/one', client, { live: true })),
      closing(await ZookeeperDict.open('/one', client)),
      closing(await ZookeeperDict.open('/two', client)),
    ]
    await same.set('b', 2)
    await two.set('c', 3)
    await until(() => one.local.get('b') === 2, "one sees the other's write")
    await root.sync()
    expect(new Map(root.local)).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    )
    await same.close()
    await root.set('d', 4)
    await until(() => one.local.get('d') === 4, 'it continues after the other was closed')
  })

  test('that is not a client is rejected as an argument', async () => {
    for (const client of [undefined, null, {}, 7, { connect() {} }, '', ',', 'a:b', 'host:99999', 'a:1//x']) {
      await expect(ZookeeperDict.open('/a', client as never)).rejects.toThrow(TypeError)
    }
    const client = createClient(server.address)
    await expect(ZookeeperDict.open('/a', client, { sessionTimeout: 100 })).rejects.toThrow('sessionTimeout')
    expect(client.getState().name, 'it was not even started').toBe('DISCONNECTED')
  })
})
