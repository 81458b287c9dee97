import { Redis as Ioredis6 } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JSONEncoding, RedisDict, StoreUnavailableError } from '../../src/index.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { IOREDIS_SETTINGS, ioredis6, nodeRedis, nodeRedisPool, type Opened, SETTINGS } from './clients.js'
import { until } from './support.js'

const OPTIONS = { encoding: JSONEncoding } as const
const cleanup: (() => unknown)[] = []
let server: RedisNode

beforeAll(async () => {
  const args = ['--repl-diskless-sync-delay', '0', '--enable-debug-command', 'local']
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', '', ...args] })
})

beforeEach(() => ask(server, 'flushall'))

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(() => server.stop())

async function connect(open: (url: string) => Promise<Opened<unknown>> = nodeRedis): Promise<never> {
  const { client, end } = await open(server.url)
  cleanup.push(end)
  return client as never
}

async function open(client: unknown, options: object = {}) {
  const dict = await RedisDict.open('settings', client as never, { ...OPTIONS, ...options })
  cleanup.push(() => dict.close())
  return dict
}

/** How often the server executed each command since the last call. */
async function executed(): Promise<Record<string, number>> {
  const info = String(await ask(server, 'info', 'commandstats'))
  await ask(server, 'config', 'resetstat')
  return Object.fromEntries(
    [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]),
  )
}

const CLIENTS: Record<string, (url: string) => Promise<Opened<unknown>>> = {
  'node-redis': nodeRedis,
  'a pool of node-redis': nodeRedisPool,
  'node-redis with a keyPrefix and replies as bytes': async url => {
    const client = createClient({
      url,
      keyPrefix: 'app:',
      commandOptions: { typeMapping: { 36: Buffer } },
      ...SETTINGS,
    } as object)
    await client.on('error', () => {}).connect()
    return { client, end: () => client.destroy() }
  },
  ioredis: ioredis6,
  'ioredis with a keyPrefix and numbers as text': async url => {
    const client = new Ioredis6(url, { keyPrefix: 'app:', stringNumbers: true, ...IOREDIS_SETTINGS })
    client.on('error', () => {})
    return { client, end: () => client.disconnect() }
  },
}

for (const [name, connecting] of Object.entries(CLIENTS)) {
  test(`a check of an unchanged dictionary runs no script, by ${name}`, async () => {
    const dict = await open(await connect(connecting))
    await dict.set('a', 1)
    await executed()
    for (let reads = 0; reads < 10; reads += 1) expect(await dict.get('a')).toBe(1)
    const { evalsha, getex, hlen } = await executed()
    expect({ evalsha, getex, hlen }).toEqual({ evalsha: undefined, getex: 10, hlen: 10 })
  })
}

test('a check changes nothing that is saved or replicated', async () => {
  const dict = await open(await connect())
  await dict.set('a', 1)
  const state = async () => {
    const info = String(await ask(server, 'info'))
    return [/rdb_changes_since_last_save:\d+/, /master_repl_offset:\d+/].map(field => field.exec(info)?.[0])
  }
  const before = await state()
  for (let reads = 0; reads < 10; reads += 1) await dict.get('a')
  expect(await state()).toEqual(before)
})

test('a check of a reader runs no script either', async () => {
  const writer = await open(await connect())
  await writer.set('a', 1)
  const dict = await open(await connect(), { readOnly: true })
  await executed()
  expect(await dict.get('a')).toBe(1)
  const { evalsha_ro: script, hmget, hlen } = await executed()
  expect({ script, hmget, hlen }).toEqual({ script: undefined, hmget: 1, hlen: 1 })
  await writer.set('a', 2)
  expect(await dict.get('a')).toBe(2)
})

/** What a release before the quick checks does to set a key: it does not know the copy of the head. */
async function setByPreviousRelease(key: string, stored: string): Promise<void> {
  const head = String(await ask(server, 'hget', '{settings}:meta', 'head'))
  const next = head.replace(/^\d+/, number => String(Number(number) + 1)).replace(/[^-]*$/, 'previous.1')
  await ask(
    server,
    'rpush',
    '{settings}:log',
    `0123456789abcdef0123${JSON.stringify([head, next, ['s', key, stored], 'u'])}`,
  )
  await ask(server, 'hset', 'settings', key, stored)
  await ask(server, 'hset', '{settings}:meta', 'head', next)
}

describe('a checked read sees at once', () => {
  const changes: Record<string, { change(): Promise<unknown>; found: object }> = {
    'what a previous release wrote': { change: () => setByPreviousRelease('a', '5'), found: { a: 5, b: 2 } },
    'an entry deleted by hand': { change: () => ask(server, 'hdel', 'settings', 'a'), found: { b: 2 } },
    'an entry inserted by hand': {
      change: () => ask(server, 'hset', 'settings', 'c', '3'),
      found: { a: 1, b: 2, c: 3 },
    },
    'that the hash was emptied': { change: () => ask(server, 'del', 'settings'), found: {} },
    FLUSHALL: { change: () => ask(server, 'flushall'), found: {} },
    'that the metadata was deleted': { change: () => ask(server, 'del', '{settings}:meta'), found: { a: 1, b: 2 } },
    'that the version was changed by hand': {
      change: () => ask(server, 'hset', '{settings}:meta', 'head', '9-x-y.1'),
      found: { a: 1, b: 2 },
    },
  }
  for (const [name, { change, found }] of Object.entries(changes)) {
    test(name, async () => {
      const dict = await open(await connect())
      await dict.update({ a: 1, b: 2 })
      await dict.get('a')
      await change()
      expect(Object.fromEntries(await dict.entries())).toEqual(found)
      await dict.set('z', 1)
      await executed()
      expect(Object.fromEntries(await dict.entries())).toEqual({ ...found, z: 1 })
      expect((await executed()).evalsha).toBeUndefined()
    })
  }

  test('all keys restored from an earlier dump', async () => {
    const dict = await open(await connect())
    await dict.set('a', 1)
    const keys = ['settings', '{settings}:meta', '{settings}:log', '{settings}:head']
    // As COPY, because the test's connection reads replies as text.
    for (const key of keys) await ask(server, 'copy', key, `${key} saved`)
    await dict.set('a', 2)
    for (const key of keys) await ask(server, 'rename', `${key} saved`, key)
    expect(await dict.get('a')).toBe(1)
  })

  for (const restored of ['{settings}:meta', '{settings}:head']) {
    test(`nothing that was not written, if only ${restored} is restored`, async () => {
      const [dict, other] = [await open(await connect()), await open(await connect())]
      await dict.set('a', 1)
      await other.get('a')
      await ask(server, 'copy', restored, 'saved')
      await dict.set('a', 2)
      await ask(server, 'rename', 'saved', restored)
      expect([await dict.get('a'), await other.get('a')]).toEqual([2, 2])
      await dict.set('a', 3)
      expect(await other.get('a')).toBe(3)
    })
  }

  test('that nothing changed after DEBUG RELOAD', async () => {
    const dict = await open(await connect())
    await dict.set('a', 1)
    await ask(server, 'debug', 'reload')
    const reasons: string[] = []
    dict.on('sync', ({ reason }) => reasons.push(reason))
    expect(await dict.get('a')).toBe(1)
    expect(reasons).toEqual([])
  })
})

describe('the copy of the head', () => {
  test('is repaired by the next check if it was deleted', async () => {
    const dict = await open(await connect())
    await dict.set('a', 1)
    await ask(server, 'del', '{settings}:head')
    expect(await dict.get('a')).toBe(1)
    await executed()
    expect(await dict.get('a')).toBe(1)
    expect((await executed()).evalsha).toBeUndefined()
  })

  test('is not overwritten if the key belongs to another program, which is reported', async () => {
    const dict = await open(await connect())
    await dict.set('a', 1)
    await ask(server, 'del', '{settings}:head')
    await ask(server, 'rpush', '{settings}:head', 'x')
    await expect(dict.get('a')).rejects.toThrow(/another type/)
    await dict.set('a', 2)
    await expect(dict.update({ a: 3, b: 4 })).rejects.toThrow(/another type/)
    expect(await ask(server, 'lrange', '{settings}:head', '0', '-1')).toEqual(['x'])
    expect(await ask(server, 'hget', 'settings', 'a')).toBe('2')
  })

  test('that nobody may read costs a script for each check, and a warning', async () => {
    await ask(server, 'acl', 'setuser', 'app', 'reset', 'on', '>secret', '~*', '&*', '+@all', '-getex', '-get')
    cleanup.push(() => ask(server, 'acl', 'deluser', 'app'))
    const client = createClient({ url: server.url, username: 'app', password: 'secret', ...SETTINGS })
    await client.on('error', () => {}).connect()
    cleanup.push(() => client.destroy())
    const warnings: string[] = []
    const note = (warning: Error) => warnings.push(warning.message)
    process.on('warning', note)
    cleanup.push(() => process.off('warning', note))
    const dict = await open(client)
    await dict.set('a', 1)
    expect(await dict.get('a')).toBe(1)
    await executed()
    expect(await dict.get('a')).toBe(1)
    expect(await executed()).toMatchObject({ evalsha: 1 })
    await until(() => warnings.some(text => text.includes('getex')), 'the warning')
  })
})

describe('a server that may not answer for the dictionary', () => {
  test('because it is a replica: the check rejects', async () => {
    const replica = await startRedisNode({ args: ['--save', '', '--replicaof', '127.0.0.1', String(server.port)] })
    cleanup.push(() => replica.stop())
    const dict = await open(await connect())
    await dict.set('a', 1)
    await until(async () => (await ask(replica, 'hget', 'settings', 'a')) === '1', 'the replica has the data')
    const client = createClient({ url: replica.url })
    await client.on('error', () => {}).connect()
    cleanup.push(() => client.destroy())
    await ask(replica, 'replicaof', 'no', 'one')
    const other = await open(client)
    expect(await other.get('a')).toBe(1)
    await ask(replica, 'replicaof', '127.0.0.1', String(server.port))
    await expect(other.get('a')).rejects.toThrow(StoreUnavailableError)
  })

  test('because too few replicas follow it: the check rejects', async () => {
    const dict = await open(await connect())
    await dict.set('a', 1)
    await ask(server, 'config', 'set', 'min-replicas-to-write', '1')
    cleanup.push(() => ask(server, 'config', 'set', 'min-replicas-to-write', '0'))
    await expect(dict.get('a')).rejects.toThrow(/NOREPLICAS/)
  })

  test('because it is out of memory: the check succeeds', async () => {
    const dict = await open(await connect())
    await dict.set('a', 1)
    await ask(server, 'config', 'set', 'maxmemory', '1')
    cleanup.push(() => ask(server, 'config', 'set', 'maxmemory', '0'))
    await executed()
    expect(await dict.get('a')).toBe(1)
    expect((await executed()).evalsha).toBeUndefined()
  })
})
