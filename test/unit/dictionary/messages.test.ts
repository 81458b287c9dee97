import { inspect } from 'node:util'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../../src/conformance/faulty-backend.js'
import { freshPerRequest } from '../../../src/express.js'
import {
  DurableDict,
  MemoryDict,
  MemoryStore,
  ModelDict,
  RedisDict,
  SqliteDict,
  StaleError,
  ZookeeperDict,
} from '../../../src/index.js'

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it resolved',
    error => error.message,
  )

class Client {
  readonly password = 'hunter2'
  readonly self = this
}

describe('open() reports what is wrong with its arguments', () => {
  const client = new Client() as never
  test.each([
    ['RedisDict, swapped', () => RedisDict.open(client, 'settings' as never), /RedisDict.open\(\).*wrong order/],
    ['RedisDict, swapped with a URL', () => RedisDict.open('redis://:hunter2@h', 'settings'), /wrong order/],
    ['SqliteDict, swapped', () => SqliteDict.open(client, 'settings' as never), /SqliteDict.open\(\).*wrong order/],
    [
      'SqliteDict, no name',
      () => SqliteDict.open('./app.db' as never, undefined as never),
      /takes a name, then the path/,
    ],
    [
      'ModelDict with the name first',
      () => ModelDict.open('settings' as never, { library: 'Kysely' } as never),
      /ModelDict takes a model/,
    ],
    ['ZookeeperDict, swapped', () => ZookeeperDict.open(client, '/app' as never), /ZookeeperDict.*wrong order/],
    [
      'ModelDict with the name first',
      () => ModelDict.open('settings' as never, client),
      /model comes first.*option, "name"/,
    ],
    ['ModelDict, a promise', () => ModelDict.open(Promise.resolve(client)), /ModelDict.*got a promise: await/i],
    ['ModelDict, something else', () => ModelDict.open(client), /ModelDict takes a model.*Got Client\./],
    ['ZookeeperDict, swapped strings', () => ZookeeperDict.open('a:2181', '/app'), /wrong order/],
    [
      'a first argument of another type',
      () => RedisDict.open(client, client),
      /the name must be a string.*class Client/,
    ],
    ['no arguments', () => (RedisDict.open as () => Promise<unknown>)(), /the name must be a string.*undefined/],
    ['a promise', () => RedisDict.open('settings', Promise.resolve() as never), /await it first/],
    ['MemoryDict, options first', () => MemoryDict.open({ live: true } as never), /a plain object/],
  ])('%s', async (_, open, expected) => {
    const message = await messageOf(open())
    expect(message).toMatch(expected)
    expect(message).not.toContain('hunter2')
  })
})

test('an option of the wrong type does not reveal what may be a password', async () => {
  const message = await messageOf(MemoryDict.open(new MemoryStore(), { encoding: 'redis://:hunter2@h' as never }))
  expect(message).toContain('a string')
  expect(message).not.toContain('hunter2')
})

describe('console.log of a dictionary', () => {
  test('shows its kind, name and state, but no value', async () => {
    const dict = await MemoryDict.open(new MemoryStore(), { live: true })
    await dict.set('a', 'secret')
    expect(inspect(dict)).toMatch(/^MemoryDict \{ name: '\w+', keys: 1, live: true, staleness: \d+ \}$/)
    expect(inspect({ deep: { deeper: { dict } } })).toContain('[MemoryDict]')
    await dict.close()
    expect(inspect(dict)).toContain('closed: true')
  })

  test('shows DurableDict for a custom backend', async () => {
    const dict = await DurableDict.open(new MemoryBackend(new MemoryStore(), 'mine'))
    expect(inspect(dict)).toMatch(/^DurableDict \{ name: 'mine', keys: 0, live: false/)
  })
})

describe('StaleError', () => {
  test.each([
    [true, /is live/, /open with \{ live: true \}/],
    [false, /open with \{ live: true \}/, /is live/],
  ])('with live: %s names the remedy', async (live, expected, not) => {
    const faulty = new FaultyBackend(new MemoryBackend(new MemoryStore()))
    const dict: DurableDict = await DurableDict.open(faulty.backend, { live, maxStaleness: 1, timeout: 50 })
    faulty.failBefore(['changesSince', 'load'])
    const until = performance.now() + 10
    while (performance.now() < until) await null
    const error = (() => {
      try {
        return dict.fresh.get('a')
      } catch (error) {
        return error
      }
    })() as StaleError
    expect(error).toBeInstanceOf(StaleError)
    expect(error.message).toMatch(expected)
    expect(error.message).not.toMatch(not)
    await dict.close()
  })
})

describe('a schema', () => {
  test.each([
    ['zod', z.object({ theme: z.string() }), /yourSchema\.shape/],
    ['valibot', v.object({ theme: v.string() }), /yourSchema\.entries/],
  ])('of %s that is one object suggests an object of schemas', async (_, schema, hint) => {
    const dict = await MemoryDict.open(new MemoryStore(), { schema })
    expect(await messageOf(dict.set('theme', 'dark' as never))).toMatch(hint)
    expect(await messageOf(dict.set('other', 5 as never))).not.toMatch(/yourSchema/)
    expect(await messageOf(dict.set('other', { theme: 'dark' }))).toBe('it resolved')
  })

  const secret = 'the secret text'
  const quoting: StandardSchemaV1 = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: value =>
        typeof value === 'number'
          ? { value }
          : { issues: [{ message: `must be a number (was ${JSON.stringify(value)}, ${value})` }] },
    },
  }
  const schemas = { zod: z.number(), valibot: v.number(), quoting }
  test.each(Object.entries(schemas))('of %s whose message quotes the value does not reveal it', async (_, schema) => {
    const store = new MemoryStore()
    const dict = await MemoryDict.open(store, { schema: { a: schema } })
    const written = await messageOf(dict.set('a', secret as never))
    expect(written).toMatch(/does not fit its schema: .*number/i)
    expect(written).not.toContain(secret)
    const raw = await MemoryDict.open(store)
    await raw.set('a', secret)
    const read = await messageOf(dict.get('a'))
    expect(read).toMatch(/does not fit its schema: one issue/)
    expect(read).not.toContain(secret)
  })

  test('with many issues of any length has a bounded message', async () => {
    const issues = Array.from({ length: 1_000 }, () => ({ message: 'x'.repeat(100_000), path: ['y'.repeat(100_000)] }))
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } } as const
    const dict = await MemoryDict.open(new MemoryStore(), { schema })
    const message = await messageOf(dict.set('a', 1))
    expect(message.length).toBeLessThan(3_000)
    expect(message).toContain('995 more')
  })
})

test('a key of any length with any characters is bounded and escaped in messages', async () => {
  const store = new MemoryStore()
  const dict = await MemoryDict.open(store, { schema: z.number() })
  const key = `\u001b[31m\n${'k'.repeat(400)}`
  const message = await messageOf(dict.set(key, 'a' as never))
  expect(message).toContain('\\u001b[31m\\n')
  expect(message).not.toContain('\n')
})

test('a rejected dictionary from another version of the library is named in the error', () => {
  const foreign = { name: 'a', current() {}, snapshot() {}, sync() {} }
  expect(() => freshPerRequest(foreign as never)).toThrow(/another version of durabledict/)
})
