import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DurableDict, InvalidValueError, StoreUnavailableError, ZookeeperDict } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { Calls } from '../properties/calls.js'
import { until } from '../redis/support.js'
import { startPausingProxy } from '../servers/pausing-proxy.js'
import type { ZookeeperEnsemble, ZookeeperNode } from '../servers/types.js'
import { startZookeeperEnsemble } from '../servers/zookeeper-nodes.js'
import { byHand } from './by-hand.js'
import { clientOf } from './clients.js'
import { newPath, type Options, rejection, stepsAfterEach } from './support.js'

const SESSION = 1_500

/** How stale a read may be, in ms: less than it takes to detect a silent server. */
const BOUND = 300

/** How long a dictionary waits for an answer, in ms: long enough to open it on a busy machine, which takes a dozen of them. */
const PATIENCE = 1_500

/** How long the servers may take to start on a busy machine, in ms: a write waits for them. */
const RESTART = 60_000

const cleanup = stepsAfterEach()
let ensemble: ZookeeperEnsemble

beforeAll(async () => {
  ensemble = await startZookeeperEnsemble()
})

afterAll(() => ensemble.stop())

async function open(path: string, options: Options = {}, servers = ensemble.addresses) {
  const dict = await ZookeeperDict.open(path, servers, { sessionTimeout: SESSION, timeout: 10_000, ...options })
  cleanup.push(() => dict.close())
  return dict
}

/** The dictionary's own session, and one by the caller's client. */
const openBy = {
  'its own session': (path: string, servers: string, options: Options) => open(path, options, servers),
  'node-zookeeper-client': async (path: string, servers: string, { sessionTimeout, ...options }: Options) => {
    const { client, end } = clientOf(servers, { sessionTimeout: sessionTimeout as number })
    cleanup.push(end)
    const dict = await ZookeeperDict.open(path, client, options)
    cleanup.push(() => dict.close())
    return dict
  },
}
const WAYS = ['its own session', 'node-zookeeper-client'] as const

/** Proxies before servers. */
async function throughProxies(nodes: readonly ZookeeperNode[]) {
  const list = await Promise.all(nodes.map(({ port }) => startPausingProxy(port)))
  for (const proxy of list) cleanup.push(() => proxy.close())
  return { list, addresses: list.map(({ port }) => `127.0.0.1:${port}`).join(',') }
}

/** The followers. */
async function followers(): Promise<ZookeeperNode[]> {
  const leader = await ensemble.leader()
  return ensemble.nodes.filter(({ port }) => port !== leader.port)
}

/** Isolates a server, at most until the end of the test. */
function cutOff(node: ZookeeperNode): () => void {
  ensemble.cutOff(node, true)
  const join = () => ensemble.cutOff(node, false)
  cleanup.push(join)
  return join
}

describe('the connected server is stopped for longer than the session timeout', () => {
  for (const how of WAYS) {
    test(`it is left, memory is reported stale meanwhile, and no change is missed: ${how}`, async () => {
      const path = newPath()
      const [one, other] = (await followers()) as [ZookeeperNode, ZookeeperNode]
      const writer = await open(path, {}, (await ensemble.leader()).address)
      await writer.set('n', 0)
      const proxies = await throughProxies([one, other])
      const dict = await openBy[how](path, proxies.addresses, {
        live: true,
        maxStaleness: BOUND,
        timeout: 5_000,
        sessionTimeout: SESSION,
      })
      const events: string[] = []
      for (const event of ['stale', 'fresh'] as const) dict.on(event, () => events.push(event))
      await until(() => dict.local.get('n') === 0, 'it is fed')
      const connected = proxies.list.findIndex(({ connections }) => connections() > 0)
      const stopped = [one, other][connected] as ZookeeperNode
      process.kill(stopped.pid, 'SIGSTOP')
      cleanup.push(() => process.kill(stopped.pid, 'SIGCONT'))
      const stoppedAt = performance.now()
      await writer.set('n', 1)
      const writtenAt = performance.now()
      // Everything read as fresh while the server is silent was written before the bound.
      const { soon } = await inTime(3 * SESSION, async () => {
        for (let read: unknown; read !== 1; ) {
          const askedAt = performance.now()
          read = await dict.get('n').catch(error => error)
          if (read instanceof Error) expect(read).toBeInstanceOf(StoreUnavailableError)
          else if (read === 0) expect(askedAt - writtenAt).toBeLessThan(BOUND)
          const age = performance.now() - writtenAt
          if (dict.local.get('n') === 0) expect(dict.staleness).toBeGreaterThan(age - 50)
          await delay(10)
        }
      })
      expect(soon, 'it catches up').toBe(true)
      expect(dict.local.get('n')).toBe(1)
      await until(() => events.at(-1) === 'fresh', 'it is fresh again')
      expect(events[0]).toBe('stale')
      await delay(Math.max(0, SESSION - (performance.now() - stoppedAt)))
      process.kill(stopped.pid, 'SIGCONT')
      await writer.set('n', 2)
      await until(() => dict.local.get('n') === 2, 'it is fed again')
    })
  }
})

describe('a follower that lags behind', () => {
  test('serves what it has, and a barrier and sync() wait until it has everything', async () => {
    const path = newPath()
    const [one] = (await followers()) as [ZookeeperNode]
    const writer = await open(path, {}, (await ensemble.leader()).address)
    await writer.set('n', 0)
    const patient = { sessionTimeout: 10_000 }
    const [dict, exact] = [
      await open(path, patient, one.address),
      await open(path, { ...patient, consistency: 'linearizable' }, one.address),
    ]
    await dict.sync()
    expect(await exact.get('n')).toBe(0)
    const join = cutOff(one)
    await writer.set('n', 1)
    expect(await dict.get('n'), 'sequentially consistent: older than what was acknowledged').toBe(0)
    const late: unknown[] = []
    const waiting = [exact.get('n').then(n => late.push(n)), dict.sync().then(() => late.push(dict.local.get('n')))]
    await delay(150)
    expect(await dict.get('n')).toBe(0)
    expect(late).toEqual([])
    join()
    await Promise.all(waiting)
    expect(late).toEqual([1, 1])
  })

  test('with a bound returns nothing older than the bound', async () => {
    const path = newPath()
    const [one] = (await followers()) as [ZookeeperNode]
    const writer = await open(path, {}, (await ensemble.leader()).address)
    await writer.set('n', 0)
    const dict = await open(path, { sessionTimeout: 10_000, maxStaleness: 100, timeout: PATIENCE }, one.address)
    expect(await dict.get('n')).toBe(0)
    const join = cutOff(one)
    await writer.set('n', 1, { everywhere: true })
    const error = await rejection(dict.get('n'))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    join()
    expect(await dict.get('n')).toBe(1)
  })

  for (const how of WAYS) {
    test(`is not followed after a reconnect: memory never goes back, by ${how}`, async () => {
      const path = newPath()
      const nodes = await followers()
      const proxies = await throughProxies(nodes)
      const writer = await open(path, {}, (await ensemble.leader()).address)
      await writer.set('n', 0)
      const dict = await openBy[how](path, proxies.addresses, { sessionTimeout: 10_000, timeout: PATIENCE })
      const connected = proxies.list.findIndex(({ connections }) => connections() > 0)
      const [lagging] = nodes.filter((_, index) => index !== connected) as [ZookeeperNode]
      const join = cutOff(lagging)
      await writer.set('n', 'new')
      await dict.sync()
      expect(dict.local.get('n')).toBe('new')
      proxies.list[connected]?.close()
      for (let reads = 0; reads < 2; reads += 1) {
        const read = await dict.get('n').catch(error => error)
        expect(read === 'new' || read instanceof StoreUnavailableError, String(read)).toBe(true)
        expect(dict.local.get('n')).toBe('new')
      }
      join()
      await until(async () => (await dict.get('n').catch(() => {})) === 'new', 'it is connected again')
    })
  }
})

test('a write with everywhere is acknowledged by replicas on each server, long before their bound', async () => {
  const path = newPath()
  const writer = await open(path, {}, (await ensemble.leader()).address)
  const relying = { live: true, maxStaleness: 60_000 }
  const replicas = await Promise.all(ensemble.nodes.map(({ address }) => open(path, relying, address)))
  for (let n = 0; n < 5; n += 1) {
    await writer.set('n', n, { everywhere: { timeout: 15_000 } })
    expect(replicas.map(({ fresh }) => fresh.get('n'))).toEqual([n, n, n])
  }
})

/** A few operations of one caller on a key. */
async function play(dict: DurableDict, key: string, calls: Calls): Promise<void> {
  for (let n = 0; n < 5; n += 1) {
    const begin = calls.tick()
    const chance = Math.random()
    const value = `${begin}`
    if (chance < 0.5) calls.note(key, begin, { kind: 'read', result: (await dict.get(key)) as string })
    else if (chance < 0.75) {
      await dict.set(key, value)
      calls.note(key, begin, { kind: 'set', value })
    } else calls.note(key, begin, { kind: 'pop', result: (await dict.pop(key, undefined)) as string })
  }
}

test('overlapping calls with barriers are linearizable on all servers while one of them is isolated now and then', async () => {
  const path = newPath()
  const [lagging] = (await followers()) as [ZookeeperNode]
  const dicts = await Promise.all(
    [...ensemble.nodes, ...ensemble.nodes].map(({ address }) =>
      open(path, { consistency: 'linearizable', sessionTimeout: 10_000 }, address),
    ),
  )
  for (let round = 0; round < 25; round += 1) {
    const calls = new Calls()
    const join = round % 5 === 0 ? cutOff(lagging) : undefined
    const playing = Promise.all(dicts.map(dict => play(dict, `key ${round}`, calls)))
    if (join) {
      await delay(30)
      join()
    }
    await playing
    calls.expectLinearizable()
  }
})

test('when the leader is killed during writes, each takes effect at most once, and no acknowledged write is lost', async () => {
  const path = newPath()
  const options = { timeout: 30_000, sessionTimeout: SESSION, history: { keep: 10_000, days: 90 } }
  const ways = [...WAYS, ...WAYS]
  const dicts = await Promise.all(ways.map(how => openBy[how](path, ensemble.addresses, options)))
  const watcher = await open(path, { live: true })
  const seen: number[] = []
  watcher.on('sync', () => seen.push(Number(watcher.local.get('total') ?? 0)))
  await dicts[0]?.set('total', 0)
  let going = true
  let done = 0
  const work = dicts.map(async dict => {
    while (going) {
      await dict.transact(async tx => tx.set('total', Number(tx.get('total')) + 1), { retries: 1_000 })
      done += 1
    }
  })
  await until(() => done > 50, 'writes are under way')
  const leader = await ensemble.leader()
  process.kill(leader.pid, 'SIGKILL')
  cleanup.push(async () => {
    await leader.stop()
    await ensemble.restart(leader)
  })
  const before = done
  await until(() => done > before + 50, 'writes go on', 30_000)
  going = false
  // None fails: writes learn their outcome after a lost response.
  await Promise.all(work)
  const [first] = dicts
  await first?.sync()
  expect(first?.local.get('total')).toBe(done)
  // Each acknowledged write has one commit, and none was invented.
  const commits: unknown[] = []
  for await (const { changes } of watcher.history())
    commits.push(...changes.map(({ before, after }) => [before, after]))
  const counted = Array.from({ length: done }, (_, index) => [done - index - 1, done - index])
  expect(commits).toEqual([...counted, [undefined, 0]])
  await until(() => seen.at(-1) === done, 'the watcher has seen the last one')
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
}, 60_000)

test('a record of the largest size passes from a follower to the leader and to all', async () => {
  const path = newPath()
  const [one, other] = (await followers()) as [ZookeeperNode, ZookeeperNode]
  const [dict, reader] = [await open(path, {}, one.address), await open(path, {}, other.address)]
  // Beside a log of the greatest length, of characters that take three bytes, and an archived part of it.
  const long = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${n}${'\u20ac'.repeat(100)}`, '\u20ac'.repeat(900)]))
  const hand = await byHand(one.address)
  cleanup.push(() => hand.end())
  await dict.update(long(3))
  const write = (large: number) => dict.update({ ...long(15), large: 'x'.repeat(large) })
  const { message } = await rejection(write(979_500))
  const [, bytes, limit] = /needs (\d+) bytes .* at most (\d+)/.exec(message) ?? []
  const most = 979_500 - Number(bytes) + Number(limit)
  expect(await rejection(write(most + 1))).toBeInstanceOf(InvalidValueError)
  await write(most)
  await reader.sync()
  expect(String(reader.local.get('large')).length).toBe(most)
  expect((await hand.get(`${path}/%log-0`)).length).toBeGreaterThan(3_000)
  expect((await hand.get(`${path}/%version`)).length).toBeGreaterThan(14_000)
  await dict.clear()
})

test('when all servers are restarted, acknowledged writes are there, and every client continues', async () => {
  const path = newPath()
  const relying = { live: true, maxStaleness: 60_000 }
  const [dict, live] = [await open(path, { timeout: RESTART }), await open(path, relying)]
  await dict.update({ a: 1, b: 2 })
  await until(() => live.local.size === 2, 'it is fed')
  const reasons: string[] = []
  live.on('sync', ({ reason }) => reasons.push(reason))
  const [...nodes] = ensemble.nodes
  await Promise.all(nodes.map(node => node.stop()))
  const write = dict.set('c', 3)
  expect(live.local.get('a')).toBe(1)
  await Promise.all(nodes.map(node => ensemble.restart(node)))
  await write
  expect(await dict.get('a')).toBe(1)
  await until(() => live.local.get('c') === 3, 'it is fed again')
  // Its record is still there, and it acknowledges long before its bound.
  await dict.set('d', 4, { everywhere: { timeout: 15_000 } })
  expect(live.local.get('d')).toBe(4)
  expect(
    reasons.every(reason => reason === 'changes'),
    'only what changed is read',
  ).toBe(true)
}, 120_000)
