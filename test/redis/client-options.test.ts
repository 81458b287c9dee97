import { Redis as Ioredis6 } from 'ioredis'
import { Redis as Ioredis5 } from 'ioredis5'
import { BasicClientSideCache, createClient, createClientPool, RESP_TYPES } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RedisClient, RedisDict, StoreUnavailableError } from '../../src/index.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { until } from './support.js'

const cleanup: (() => unknown)[] = []
let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
})

beforeEach(() => ask(server, 'flushall'))

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(() => server.stop())

/** Every kind of reply that could be misread: checks without a change, changes, states, chunks, results, messages. */
async function exercise(client: RedisClient): Promise<void> {
  await using dict = await RedisDict.open('d', client)
  await using live = await RedisDict.open('d', client, { live: true, autosync: false })
  await dict.update(Object.fromEntries(Array.from({ length: 1_200 }, (_, n) => [`k${n}`, n])))
  for (let round = 0; round < 4; round += 1) expect([await dict.get('k7'), await dict.size()]).toEqual([7, 1_200])
  await until(() => live.local.size === 1_200, 'changes arrive')
  await using large = await RedisDict.open('d', client)
  expect(await large.get('k1199')).toBe(1_199)
  expect([await large.pop('k1'), await large.setDefault('k2', 0), await large.delete('k1')]).toEqual([1, 2, false])
  expect(await dict.get('k1')).toBeUndefined()
  await until(() => !live.local.has('k1'), 'changes arrive')
  await dict.clear()
  await dict.set('caf\u00e9 \u6f22', 'caf\u00e9')
  await using small = await RedisDict.open('d', client)
  expect(Object.fromEntries(await small.entries())).toEqual({ 'caf\u00e9 \u6f22': 'caf\u00e9' })
}

const NODE_REDIS: Record<string, object> = {
  'RESP 2': { RESP: 2 },
  'strings as buffers': { commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } },
  'numbers as strings': { commandOptions: { typeMapping: { [RESP_TYPES.NUMBER]: String } } },
  'maps and sets': { commandOptions: { typeMapping: { [RESP_TYPES.MAP]: Map, [RESP_TYPES.ARRAY]: Set } } },
  'a time limit for commands': { commandOptions: { timeout: 50 } },
  asap: { commandOptions: { asap: true } },
  'its own cache': { RESP: 3, clientSideCache: new BasicClientSideCache() },
  'another database': { database: 3 },
  'no offline queue': { disableOfflineQueue: true },
  'a keyPrefix': { keyPrefix: 'app:' },
  'a short queue': { commandsQueueMaxLength: 50 },
  'a name': { name: 'app' },
}

describe('an option of node-redis does not change what a dictionary reads or writes', () => {
  for (const [name, options] of Object.entries(NODE_REDIS)) {
    test(name, async () => {
      const client = createClient({ url: server.url, ...options })
      await client.on('error', () => {}).connect()
      cleanup.push(() => client.destroy())
      await exercise(client as never)
    })
  }

  test('a client with a type mapping', async () => {
    const client = createClient({ url: server.url })
    await client.on('error', () => {}).connect()
    cleanup.push(() => client.destroy())
    await exercise(client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String }) as never)
    await ask(server, 'flushall')
    await exercise(client.withCommandOptions({ timeout: 1_000 }) as never)
  })

  test('a pool with a type mapping', async () => {
    const pool = createClientPool({
      url: server.url,
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    })
    await pool.on('error', () => {}).connect()
    cleanup.push(() => pool.destroy())
    await exercise(pool as never)
  })
})

const IOREDIS: Record<string, object> = {
  stringNumbers: { stringNumbers: true },
  enableAutoPipelining: { enableAutoPipelining: true },
  keyPrefix: { keyPrefix: 'app:' },
  enableOfflineQueue: { enableOfflineQueue: false, lazyConnect: true },
  showFriendlyErrorStack: { showFriendlyErrorStack: true },
  db: { db: 2 },
  maxRetriesPerRequest: { maxRetriesPerRequest: 0 },
  commandTimeout: { commandTimeout: 2_000 },
  autoResendUnfulfilledCommands: { autoResendUnfulfilledCommands: false },
  autoResubscribe: { autoResubscribe: false },
  'its own scripts': { scripts: { evalsha: { lua: 'return 1', numberOfKeys: 0 }, get2: { lua: 'return 2' } } },
  reconnectOnError: { reconnectOnError: () => 2 },
  protocol: { protocol: 2 },
  'replies as maps': { protocol: 3, replyMapping: 'native' },
}

describe('an option of ioredis does not change what a dictionary reads or writes', () => {
  for (const [name, options] of Object.entries(IOREDIS)) {
    for (const Client of [Ioredis5 as unknown as typeof Ioredis6, Ioredis6]) {
      test(`${name}, ioredis ${Client === Ioredis6 ? 6 : 5}`, async () => {
        const client = new Client(server.url, options)
        client.on('error', () => {})
        cleanup.push(() => client.disconnect())
        await exercise(client as never)
      })
    }
  }
})

describe('a client that alters replies', () => {
  const alterations: Record<string, (reply: unknown) => unknown> = {
    'into nothing': () => null,
    'into an object': reply => (Array.isArray(reply) ? { ...reply } : reply),
    'into text': reply => JSON.stringify(reply),
    'by a wrapper': reply => [reply],
    'by omitting the last part': reply => (Array.isArray(reply) ? reply.slice(0, 1) : reply),
  }
  for (const [name, alter] of Object.entries(alterations)) {
    test(`${name} is rejected, with the shape and nothing else`, async () => {
      await ask(server, 'hset', 'd', 'key', '"s3cret"')
      const client = createClient({ url: server.url })
      await client.on('error', () => {}).connect()
      cleanup.push(() => client.destroy())
      const send = client.sendCommand.bind(client)
      client.sendCommand = (async (...args: Parameters<typeof send>) => alter(await send(...args))) as never
      const error = await RedisDict.open('d', client).catch(fault => fault)
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('shape')
      expect(error.message).not.toContain('s3cret')
    })
  }
})
