import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { opener } from '../../src/backends/zookeeper/connect.js'
import { ZookeeperBackend } from '../../src/backends/zookeeper/zookeeper-backend.js'
import type { Presence } from '../../src/contract/presence.js'
import {
  type DurableDict,
  StaleError,
  StoreUnavailableError,
  UnsupportedError,
  ZookeeperDict,
} from '../../src/index.js'
import { until } from '../redis/support.js'
import { startPausingProxy } from '../servers/pausing-proxy.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { type ByHand, byHand } from './by-hand.js'
import { startMeddlingProxy } from './meddling-proxy.js'
import { newPath, rejection, stepsAfterEach } from './support.js'

const LONG = 600_000

function closing(dict: DurableDict): DurableDict {
  cleanup.push(() => dict.close())
  return dict
}

/** What the dictionary serves from memory, or why it does not. */
function fresh(dict: DurableDict, key: string): unknown {
  try {
    return dict.fresh.get(key)
  } catch (error) {
    return error
  }
}

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

function backendOn(path: string, address = server.address, options = {}): ZookeeperBackend {
  const backend = new ZookeeperBackend(path, opener(address, options))
  cleanup.push(() => backend.close())
  return backend
}

let ids = 0

function presence(said: Partial<Presence> = {}): Presence {
  ids += 1
  return { id: `replica-${ids}`, host: 'web-1', pid: 42, library: '1.2.3', live: true, bound: 2_000, ...said }
}

async function commitEverywhere(backend: ZookeeperBackend, stored = '1', signal = new AbortController().signal) {
  const groups = [{ conditions: [], operations: [{ type: 'set', key: 'a', stored } as const] }]
  return backend.commit({ id: crypto.randomUUID(), groups, acknowledge: true }, await backend.lastUpdated(), signal)
}

const idsOf = (registry: { replicas: readonly { id: string }[] } | undefined) => registry?.replicas.map(({ id }) => id)

test('a record can be read by hand, and the bound is in the version for releases without records', async () => {
  const path = newPath()
  const backend = backendOn(path)
  const replica = presence({ service: 'shop' })
  await backend.register(replica, LONG)
  const { id, ...said } = replica
  expect(JSON.parse(await hand.get(`${path}/%log-replicas/${id}`))).toEqual({ format: 1, ...said, ttl: LONG })
  expect(JSON.parse((await hand.get(`${path}/%version`)).split('\n')[0] as string)).toMatchObject({ bound: 2_000 })
  const root = { format: 1, covered: 2_000, unregistered: 0 }
  expect(JSON.parse(await hand.get(`${path}/%log-replicas`))).toEqual(root)
})

test('a dictionary from before the registry gets one, and its recorded bound stays', async () => {
  const path = newPath()
  await backendOn(path).lastUpdated()
  const [first = '', ...log] = (await hand.get(`${path}/%version`)).split('\n')
  await hand.remove(`${path}/%log-replicas`)
  const { cversion, ...head } = JSON.parse(first)
  await hand.set(
    `${path}/%version`,
    [JSON.stringify({ ...head, cversion: cversion + 1, bound: 700 }), ...log].join('\n'),
  )
  const backend = backendOn(path)
  expect(await backend.replicas()).toEqual({ replicas: [], unregistered: 700 })
  const replica = presence()
  expect(await backend.register(replica, LONG)).toMatchObject({ renewed: false, bound: 2_000 })
  expect(await backend.register(replica, LONG)).toMatchObject({ renewed: true })
  await backend.leave(replica.id)
  expect(await backend.register(presence({ bound: undefined }), LONG)).toMatchObject({ bound: 700 })
  expect((await backend.replicas()).unregistered).toBe(700)
})

test('a bound that a release without a registry records later is waited for', async () => {
  const path = newPath()
  const backend = backendOn(path)
  const replica = presence()
  await backend.register(replica, LONG)
  const [first = '', ...log] = (await hand.get(`${path}/%version`)).split('\n')
  await hand.set(`${path}/%version`, [JSON.stringify({ ...JSON.parse(first), bound: 9_000 }), ...log].join('\n'))
  expect((await commitEverywhere(backend)).registry).toMatchObject({ unregistered: 9_000 })
  await backend.leave(replica.id)
  await backend.register(presence({ bound: undefined }), LONG)
  expect(await commitEverywhere(backend)).toMatchObject({ bound: 9_000, registry: { unregistered: 9_000 } })
})

test('processes that register and leave at once never make the recorded bound smaller than a record', async () => {
  const path = newPath()
  const backends = [1, 2, 3].map(() => backendOn(path))
  const looking = backendOn(path)
  await Promise.all([...backends, looking].map(backend => backend.lastUpdated()))
  for (let round = 0; round < 8; round += 1) {
    const replicas = backends.map((_, n) => presence({ bound: 100 * (n + 1) + round }))
    await Promise.all(backends.map((backend, n) => backend.register(replicas[n] as Presence, LONG)))
    const { bound, registry } = await commitEverywhere(looking)
    expect(idsOf(registry)?.sort()).toEqual(replicas.map(({ id }) => id).sort())
    expect(bound).toBeGreaterThanOrEqual(300 + round)
    expect(registry?.unregistered).toBe(0)
    const [leaving, ...staying] = backends
      .map((backend, n) => ({ backend, replica: replicas[n] as Presence }))
      .reverse()
    await Promise.all([
      leaving?.backend.leave(leaving.replica.id),
      ...staying.map(({ backend, replica }) => backend.register({ ...replica, bound: 50 }, LONG)),
    ])
    await Promise.all(staying.map(({ backend, replica }) => backend.leave(replica.id)))
  }
  await until(async () => (await looking.register(presence({ bound: 0 }), 1)).bound === 0, 'it is lowered')
})

test('a record whose process has died expires, and releases its bound', async () => {
  const path = newPath()
  const [dead, other] = [backendOn(path), backendOn(path)]
  await dead.register(presence(), 100)
  await dead.close()
  const renewing = presence({ bound: undefined })
  await until(async () => (await other.register(renewing, LONG)).bound === 0, 'the bound is gone')
  expect(await hand.children(`${path}/%log-replicas`)).toEqual([renewing.id])
})

test.each([
  ['is no JSON', 'replica-x', 'x'],
  ['is not UTF-8', 'replica-x', Buffer.of(0xff, 0xfe)],
  ['is of a later format', 'replica-x', '{"format":2}'],
  ['has members of wrong types', 'replica-x', '{"format":1,"host":1,"pid":"x","library":null,"live":3,"ttl":-1}'],
  [
    'has a bound of years',
    'replica-x',
    '{"format":1,"host":"h","pid":1,"library":"1","live":true,"ttl":1,"bound":1e12}',
  ],
  ['never expires', 'replica-x', '{"format":1,"host":"h","pid":1,"library":"1","live":true,"ttl":1e300}'],
  ['is huge', 'replica-x', `{"format":1,"host":"${'h'.repeat(900_000)}","pid":1,"library":"1","live":true,"ttl":1}`],
  ['has a name that no replica has', 'a b%?☂', '{"format":1,"host":"h","pid":1,"library":"1","live":true,"ttl":1}'],
])('a record that %s makes a writer wait for the recorded bound, and hides no other', async (_, name, data) => {
  const path = newPath()
  const backend = backendOn(path)
  const replica = presence()
  await backend.register(replica, LONG)
  await hand.create(`${path}/%log-replicas/${name}`, data)
  const found = await backend.replicas()
  expect(idsOf(found)).toEqual([replica.id])
  expect(found.damage).toContain(`${path}/%log-replicas`)
  const { registry, bound } = await commitEverywhere(backend)
  expect([idsOf(registry), registry?.damage, bound]).toEqual([[replica.id], found.damage, 2_000])
  const other = presence({ bound: 3_000 })
  expect(await backend.register(other, LONG)).toMatchObject({ bound: 3_000 })
})

test('records that are too large together are not kept in memory: a writer waits for the recorded bound', async () => {
  const path = newPath()
  const backend = backendOn(path)
  await backend.register(presence(), LONG)
  for (let n = 0; n < 5; n += 1) await hand.create(`${path}/%log-replicas/x${n}`, Buffer.alloc(1_000_000, 'x'))
  const { registry, bound } = await commitEverywhere(backend)
  expect(registry?.damage).toContain('too large')
  expect(bound).toBe(2_000)
})

test.each(['x', '{"format":1,"covered":"9"}'])(
  'the znode above the records with %s is repaired by the next registration',
  async damage => {
    const path = newPath()
    const backend = backendOn(path)
    await backend.register(presence(), LONG)
    await hand.set(`${path}/%log-replicas`, damage)
    expect((await commitEverywhere(backend)).registry?.unregistered).toBe(2_000)
    await backend.register(presence({ bound: 3_000 }), LONG)
    expect(JSON.parse(await hand.get(`${path}/%log-replicas`))).toMatchObject({ covered: 3_000, unregistered: 2_000 })
  },
)

test('a registry that was deleted is created again, and its members learn that their records were gone', async () => {
  const path = newPath()
  const backend = backendOn(path)
  const replica = presence()
  await backend.register(replica, LONG)
  await hand.removeAll(`${path}/%log-replicas`)
  expect((await commitEverywhere(backend)).registry).toMatchObject({ replicas: [], unregistered: 2_000 })
  expect(await backend.register(replica, LONG)).toMatchObject({ renewed: false })
  expect(idsOf(await backend.replicas())).toEqual([replica.id])
})

test('an acknowledgement of a history that a restore replaced does not count, although its number is larger', async () => {
  const path = newPath()
  const [backend, other] = [backendOn(path), backendOn(path)]
  const replica = presence()
  await other.register(replica, LONG)
  const { catchUp } = await commitEverywhere(backend)
  const version = catchUp.type === 'tooOld' ? '' : String(catchUp.version)
  const [number, epoch] = version.split('-')
  await other.acknowledge(replica.id, `${Number(number) + 1}-${epoch}-of-another.0`)
  const ended = new AbortController()
  const found: string[] = []
  const waiting = backend.awaitAcknowledgements(version, [replica.id], id => found.push(id), ended.signal)
  await backend.persist('a', '2')
  expect(found).toEqual([])
  await other.acknowledge(replica.id, version)
  await waiting
  expect(found).toEqual([replica.id])
})

test('a registration whose answer is lost is made once, and can be renewed', async () => {
  const path = newPath()
  const proxy = await startMeddlingProxy(server.port)
  cleanup.push(() => proxy.close())
  const backend = backendOn(path, proxy.address, { sessionTimeout: 900 })
  await backend.register(presence(), LONG)
  const replica = presence()
  proxy.meddle(answer => answer.subarray(0, 10), true)
  await backend.register(replica, LONG)
  proxy.meddle(answer => answer.subarray(0, 10), true)
  expect(await backend.register({ ...replica, pid: 43 }, LONG)).toMatchObject({ renewed: true })
  expect((await backend.replicas()).replicas.find(({ id }) => id === replica.id)?.pid).toBe(43)
})

test('a write whose connection is lost before the registry is read still resolves with the registry', async () => {
  const path = newPath()
  const proxy = await startMeddlingProxy(server.port)
  cleanup.push(() => proxy.close())
  const backend = backendOn(path, proxy.address, { sessionTimeout: 900 })
  const replica = presence()
  await backend.register(replica, LONG)
  proxy.meddle(answer => answer, true)
  expect(idsOf((await commitEverywhere(backend, '2')).registry)).toEqual([replica.id])
})

test('a replica that is cut off for longer than its session is waited for until it no longer relies on memory', async () => {
  const path = newPath()
  const [BOUND, SESSION] = [2_500, 400]
  const proxy = await startPausingProxy(server.port)
  cleanup.push(() => proxy.close())
  const writer = closing(await ZookeeperDict.open(path, server.address))
  await writer.set('n', 0)
  const options = { maxStaleness: BOUND, sessionTimeout: SESSION, timeout: 1_500 }
  const dict = closing(await ZookeeperDict.open(path, `127.0.0.1:${proxy.port}`, options))
  expect(await dict.get('n')).toBe(0)
  proxy.pause(true)
  const missing: number[] = []
  let isWritten = false
  const onProgress = ({ waitingFor }: { waitingFor: readonly unknown[] }) => void missing.push(waitingFor.length)
  const writing = writer.set('n', 1, { everywhere: { onProgress } }).then(() => {
    isWritten = true
  })
  let served = 0
  while (!isWritten) {
    if (fresh(dict, 'n') === 0) served += 1
    await delay(5)
  }
  await writing
  expect(fresh(dict, 'n')).toBeInstanceOf(StaleError)
  expect(served, 'it relied on memory after its session had expired').toBeGreaterThan(0)
  expect([missing[0], missing.at(-1)]).toEqual([1, 0])
})

test('a replica whose session has expired keeps its record, and acknowledges in the next session', async () => {
  const path = newPath()
  const proxy = await startMeddlingProxy(server.port)
  cleanup.push(() => proxy.close())
  const writer = closing(await ZookeeperDict.open(path, server.address))
  const options = { live: true, maxStaleness: 60_000, service: 'relying' }
  const dict = closing(await ZookeeperDict.open(path, proxy.address, options))
  const { connections } = proxy
  await proxy.expire()
  expect((await writer.replicas()).map(({ service }) => service)).toContain('relying')
  await writer.set('n', 1, { everywhere: { timeout: 20_000 } })
  expect(dict.local.get('n')).toBe(1)
  expect(proxy.connections).toBeGreaterThan(connections)
})

test('a registry of a later format is refused, and nothing is written over it', async () => {
  const path = newPath()
  const backend = backendOn(path)
  await backend.lastUpdated()
  await hand.set(`${path}/%log-replicas`, '{"format":2}')
  expect(await rejection(backend.register(presence(), LONG))).toBeInstanceOf(UnsupportedError)
  expect(await hand.get(`${path}/%log-replicas`)).toBe('{"format":2}')
})

test('without the right to write, registering rejects', async () => {
  const onlyRead = { perms: 1, id: { scheme: 'world', id: 'anyone' } }
  const reader = backendOn(newPath(), server.address, { acl: [onlyRead] })
  expect(await rejection(reader.register(presence(), LONG))).toBeInstanceOf(StoreUnavailableError)
})
