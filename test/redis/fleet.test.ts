import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RedisBackend } from '../../src/backends/redis/redis-backend.js'
import { SCRIPTS } from '../../src/backends/redis/script.js'
import { JSONEncoding, RedisDict } from '../../src/index.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { ByHand } from './by-hand.js'
import { nodeRedis } from './clients.js'
import { listeners, until } from './support.js'

const OPTIONS = { encoding: JSONEncoding } as const
const REGISTRY = '{settings}:replicas'
const cleanup: (() => unknown)[] = []
let server: RedisNode
let client: Awaited<ReturnType<typeof nodeRedis>>['client']

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
  const opened = await nodeRedis(server.url)
  client = opened.client
})

beforeEach(() => ask(server, 'flushall'))

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(async () => {
  client.destroy()
  await server.stop()
})

async function open(options: object = {}) {
  const dict = await RedisDict.open('settings', client, { ...OPTIONS, ...options })
  cleanup.push(() => dict.close())
  return dict
}

/** How long the work takes, in ms. */
async function duration(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

const fields = async () => (await ask(server, 'hgetall', '{settings}:meta')) as Record<string, string>

describe('the recorded bound', () => {
  test('shrinks when the replica that needs it leaves', async () => {
    const [small, large] = [await open({ maxStaleness: 40 }), await open({ maxStaleness: 5_000 })]
    expect(await fields()).toMatchObject({ bound: '5000', covered: '5000' })
    await large.close()
    expect(await fields()).toMatchObject({ bound: '40', covered: '40' })
    await small.close()
    expect(await fields()).toMatchObject({ bound: '0', covered: '0' })
  })

  test('of a previous release stays, and a write waits for it', async () => {
    const dict = await open({ maxStaleness: 40 })
    await ask(server, 'hset', '{settings}:meta', 'bound', '150')
    const other = await open({ maxStaleness: 60 })
    await other.close()
    expect(await fields()).toMatchObject({ bound: '150', unregistered: '150', covered: '40' })
    expect(await duration(() => dict.set('a', 1, { everywhere: true }))).toBeGreaterThanOrEqual(150)
  })

  test('is at least what a previous release sees', async () => {
    await open({ maxStaleness: 700 })
    await open({ maxStaleness: 300, replicas: false })
    // That is the only field it knows.
    expect((await fields()).bound).toBe('700')
  })
})

describe('an acknowledgement', () => {
  /** A registered replica that holds this version. */
  async function holding(store: ByHand, id: string, version: string) {
    await store.run(SCRIPTS.register, id, '{}', version, '60000', '30000')
  }

  test('counts if the replica holds the version or one that follows it', async () => {
    const store = new ByHand(client as never)
    const { head: first } = await store.commit(await store.head(), 'x.1', 's', 'a', '1')
    const { head: second } = await store.commit(first, 'y.1', 's', 'a', '2')
    const { head: third } = await store.commit(second, 'z.1', 's', 'a', '3')
    for (const [id, version] of Object.entries({ behind: first, exact: second, later: third }))
      await holding(store, id, version)
    expect(await store.run(SCRIPTS.acknowledged, second, 'behind', 'exact', 'later', 'gone')).toEqual([
      'exact',
      'later',
      'gone',
    ])
  })

  test('does not count if the version was lost in a failover, whatever its number', async () => {
    const store = new ByHand(client as never)
    const base = await store.head()
    const { head } = await store.commit(base, 'x.1', 's', 'a', '1')
    await holding(store, 'lost', head.replace(/^\d+/, '9').replace('x.1', 'lost.1'))
    await holding(store, 'same', head.replace('x.1', 'lost.1'))
    await store.commit(head, 'y.1', 's', 'a', '2')
    expect(await store.run(SCRIPTS.acknowledged, head, 'lost', 'same')).toEqual([])
  })
})

describe('a write that waits for a replica', () => {
  const LATE = 15

  /** Counts how often this client sends the command with which a writer reads the registry. */
  function countReads(): () => number {
    let count = 0
    const send = client.sendCommand.bind(client)
    client.sendCommand = ((command: string[], ...rest: never[]) => {
      if (command[0] === 'hmget') count += 1
      return send(command, ...rest)
    }) as never
    cleanup.push(() => {
      client.sendCommand = send as never
    })
    return () => count
  }

  test('reads the registry once, when its acknowledgement wakes it', async () => {
    const store = new ByHand(client as never)
    const dict = await RedisDict.open(store.keys.entries, client, OPTIONS)
    cleanup.push(() => dict.close())
    const record = '{"format":1,"host":"h","pid":1,"library":"1","live":true,"bound":60000}'
    await store.run(SCRIPTS.register, 'late', record, '', '60000', '30000')
    const reads = countReads()
    /** Returns how often the registry was read for a write that is acknowledged a little late. */
    const readsForWrite = async () => {
      const [before, base] = [reads(), await store.head()]
      const written = dict.set('a', before, { everywhere: true })
      await until(async () => (await store.head()) !== base, 'the commit')
      await new Promise(resolve => setTimeout(resolve, LATE))
      await store.run(SCRIPTS.acknowledge, 'late', await store.head())
      await written
      return reads() - before
    }
    // The first one polls, and subscribes for the next ones.
    await readsForWrite()
    await until(async () => (await readsForWrite()) <= 1, 'a write that does not poll')
    await dict.close()
    const isGone = async () => (await listeners(server, store.keys.replicas)) === 0
    await until(isGone, 'the end of the subscription')
  })
})

describe('records of the registry that other programs wrote', () => {
  const hostile: Record<string, string[]> = {
    'text that is not JSON': ['bad', 'x', 'bad:at', '1.000000 30000'],
    'JSON of another kind': ['bad', '[1,2]', 'bad:at', '1.000000 30000'],
    'a record without its time': ['bad', '{"format":1,"host":"h","pid":1,"library":"1","live":true}'],
    'a bound that is not a number': [
      'bad',
      '{"format":1,"host":"h","pid":1,"library":"1","live":true,"bound":"x"}',
      'bad:at',
      '1.000000 30000',
    ],
    'a huge record': ['bad', 'x'.repeat(2_000_000), 'bad:at', '1.000000 30000'],
  }
  for (const [name, record] of Object.entries(hostile)) {
    test(`break neither replicas() nor a write: ${name}`, async () => {
      const dict = await open({ service: 'ours' })
      await ask(server, 'hset', REGISTRY, ...record)
      expect((await dict.replicas()).map(({ service }) => service)).toEqual(['ours'])
      await dict.set('a', 1, { everywhere: true })
      expect(await dict.get('a')).toBe(1)
    })
  }

  test('make a write wait for the recorded bound', async () => {
    const dict = await open({ maxStaleness: 120 })
    await ask(server, 'hset', REGISTRY, 'bad', 'x')
    expect(await duration(() => dict.set('a', 1, { everywhere: true }))).toBeGreaterThanOrEqual(120)
  })

  test('of a later format are read', async () => {
    const dict = await open()
    const record = { format: 9, host: 'h', pid: 7, library: '9', live: true, service: 'later', mood: { fine: true } }
    const [seconds] = (await ask(server, 'time')) as string[]
    await ask(server, 'hset', REGISTRY, 'later', JSON.stringify(record), 'later:at', `${seconds}.000000 30000`)
    expect((await dict.replicas()).map(({ service }) => service)).toContain('later')
  })
})

test('a replica that died is dropped by the renewals of others, although clocks are not trusted', async () => {
  const [one, other] = [new RedisBackend(client, 'settings'), new RedisBackend(client, 'settings')]
  cleanup.push(
    () => one.close(),
    () => other.close(),
  )
  const said = { host: 'h', pid: 1, library: '1', live: true }
  for (let n = 0; n < 150; n += 1) await one.register({ ...said, id: `dead-${n}`, bound: 9_000 }, 30)
  await until(async () => {
    await other.register({ ...said, id: 'alive' }, 30_000)
    return (await ask(server, 'zcard', `${REGISTRY}:seen`)) === 1
  }, 'only the living one is left')
  expect((await fields()).bound).toBe('0')
  expect((await other.replicas()).replicas.map(({ id }) => id)).toEqual(['alive'])
})

describe('FLUSHALL while a replica relies on its memory', () => {
  test('a write waits for the bound that the writer has seen', async () => {
    const [dict, reader] = [await open(), await open({ maxStaleness: 300 })]
    await dict.set('a', 1, { everywhere: true })
    await reader.sync()
    const confirmed = performance.now()
    await ask(server, 'flushall')
    await dict.set('a', 2, { everywhere: true })
    // The reader has followed, or can no longer rely on what it had.
    const isFollowed = reader.local.get('a') === 2
    expect(isFollowed || performance.now() - confirmed >= 300).toBe(true)
  })

  test('the replica registers again before it relies on the new history', async () => {
    const reader = await open({ maxStaleness: 900, live: true, service: 'reader' })
    const dict = await open()
    await ask(server, 'flushall')
    await dict.set('a', 1)
    await until(() => reader.local.get('a') === 1, 'the reader follows')
    const isListed = async () => (await dict.replicas()).some(({ service }) => service === 'reader')
    await until(isListed, 'the reader is listed again')
    await until(async () => (await fields()).bound === '900', 'its bound is recorded again')
  })
})

describe('processes', () => {
  /** A process with a live replica; resolves when it is open. */
  async function startReplica(bound: number): Promise<ChildProcess> {
    const child = fork(new URL('fleet-replica.js', import.meta.url), [server.url, String(bound)], { execArgv: [] })
    cleanup.push(() => child.kill('SIGKILL'))
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('The replica did not open.')))
    ended.catch(() => {})
    await Promise.race([once(child, 'message'), ended])
    return child
  }

  test('a write waits for the bound of a stopped process, and names it', async () => {
    const child = await startReplica(1_000)
    const dict = await open()
    const running = await duration(() => dict.set('a', 1, { everywhere: true }))
    expect(running).toBeLessThan(1_000)
    child.kill('SIGSTOP')
    const named = new Set<number>()
    const onProgress = ({ waitingFor }: { waitingFor: readonly { pid: number }[] }) => {
      for (const { pid } of waitingFor) named.add(pid)
    }
    expect(await duration(() => dict.set('a', 2, { everywhere: { onProgress } }))).toBeGreaterThanOrEqual(1_000)
    expect([...named]).toEqual([child.pid])
    child.kill('SIGCONT')
    child.send('read')
    expect((await once(child, 'message'))[0]).toEqual({ fresh: 2 })
  })
})
