import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseChangeRecord } from '../../src/backends/redis/change-record.js'
import { parseCommit, parsePull, parseScan } from '../../src/backends/redis/replies.js'
import { JSONEncoding, RedisDict, StoreUnavailableError } from '../../src/index.js'
import { nodeRedis } from '../redis/clients.js'
import { until } from '../redis/support.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'

const META = '{d}:meta'
const LOG = '{d}:log'
const VERSION = '7-a.1.0-b.1'
const SECRET = 's'.repeat(40)

const cleanup: (() => unknown)[] = []
let server: RedisNode
let opened: Awaited<ReturnType<typeof nodeRedis>>

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
  opened = await nodeRedis(server.url)
})

beforeEach(() => send('flushall'))

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(async () => {
  opened.end()
  await server.stop()
})

function send(...args: (string | Buffer)[]): Promise<unknown> {
  return opened.client.sendCommand(args as string[])
}

async function open(options: object = {}) {
  const dict = await RedisDict.open('d', opened.client, { encoding: JSONEncoding, ...options })
  cleanup.push(() => dict.close())
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  return Object.assign(dict, { reasons })
}

function seal(json: string, secret: string): string {
  return createHash('sha1').update(secret).update(json).update(secret).digest('hex').slice(0, 20) + json
}

/** A change that chains to the present head, made by someone who knows the format but not the secret. */
async function forge(effects: unknown) {
  const head = (await send('hget', META, 'head')) as string
  const next = head.replace(/^\d+/, number => String(Number(number) + 1)).replace(/[^-]*$/, 'forged.1')
  return { head, next, json: JSON.stringify([head, next, effects, 'u']) }
}

describe('a change record', () => {
  const good = JSON.stringify([VERSION, '8-a.1.0-c.1', ['s', 'k', 'v', 'd', 'k', 'c'], 'uvt', 'value'])
  const withExtension = (extension: string) => seal(`${good.slice(0, -1)},${JSON.stringify(extension)}]`, SECRET)
  const malformed: Record<string, string> = {
    'no JSON': '["7-a.1.0-b.1","8-a.1.0-c.1",["s",',
    'no list': '{"length":5}',
    nothing: '',
    'a version without a nonce': '["7-a","8-a.1.0-c.1",[],"u"]',
    'a version that is a number': '[7,"8-a.1.0-c.1",[],"u"]',
    'a version of a number beyond 15 digits': `["${'9'.repeat(16)}-a.1.0-c.1","8-a.1.0-c.1",[],"u"]`,
    'effects that are text': '["7-a.1.0-b.1","8-a.1.0-c.1","skv","u"]',
    'effects that are an object with members': '["7-a.1.0-b.1","8-a.1.0-c.1",{"0":"s"},"u"]',
    'an announced length': '["7-a.1.0-b.1","8-a.1.0-c.1",{"length":1000000000},"u"]',
    'an unknown effect': '["7-a.1.0-b.1","8-a.1.0-c.1",["x","k"],"u"]',
    'an effect that is cut off': '["7-a.1.0-b.1","8-a.1.0-c.1",["s","k"],"u"]',
    'a key that is a number': '["7-a.1.0-b.1","8-a.1.0-c.1",["d",1],"u"]',
    'an empty key': '["7-a.1.0-b.1","8-a.1.0-c.1",["d",""],"u"]',
    'a key that is not well-formed text': '["7-a.1.0-b.1","8-a.1.0-c.1",["d","\\ud800"],"u"]',
    'a value that is null': '["7-a.1.0-b.1","8-a.1.0-c.1",["s","k",null],"u"]',
    'codes that are a list': '["7-a.1.0-b.1","8-a.1.0-c.1",[],["u"]]',
    'an outcome that is an object': '["7-a.1.0-b.1","8-a.1.0-c.1",[],"v",{}]',
    'an extension that is an object': '["7-a.1.0-b.1","8-a.1.0-c.1",[],"u",{"notes":[]}]',
    'an extension that is not well-formed text': '["7-a.1.0-b.1","8-a.1.0-c.1",[],"u","\\ud800"]',
    'a percent sign that is not an escape': '["7-a.1.0-b.1","8-a.1.0-%.1",[],"u"',
    'more than one list': `${good}${good}`,
    'unclosed brackets': '['.repeat(100_000),
  }

  test('is read if it is sealed and well-formed', () => {
    expect(parseChangeRecord(seal(good, SECRET), SECRET)).toMatchObject({
      effects: [{ type: 'set', key: 'k', stored: 'v' }, { type: 'delete', key: 'k' }, { type: 'clear' }],
      written: { codes: 'uvt', values: ['value'] },
      notes: undefined,
    })
  })

  test('is read with its notes, without what this release does not know', () => {
    const notes = [{ effects: 1, by: 'ada', reason: 'a "test"', via: 'cli', unknown: 7 }, { effects: 2 }]
    expect(parseChangeRecord(withExtension(JSON.stringify({ format: 3, unknown: [], notes })), SECRET)).toMatchObject({
      effects: { length: 3 },
      written: { codes: 'uvt', values: ['value'] },
      notes: [{ effects: 1, by: 'ada', reason: 'a "test"', via: 'cli' }, { effects: 2 }],
    })
  })

  test('has no notes if they are malformed, and is read', () => {
    const hostile = [
      '{"effects":-1}',
      '{"effects":0.5}',
      '{"effects":1e300}',
      '{"effects":"1"}',
      '{"by":"ada"}',
      '{"effects":1,"by":5}',
      '{"effects":1,"reason":"\\ud800"}',
      '{"effects":1,"via":{"length":1000000000}}',
      'null',
      '7',
    ].map(note => `{"notes":[{"effects":1},${note}]}`)
    const others = ['', 'no JSON', 'null', '7', '"notes"', '[]', '{}', '{"notes":{"length":1000000000}}']
    for (const extension of [...hostile, ...others, '{"notes":'.repeat(100_000), '['.repeat(100_000)]) {
      const read = parseChangeRecord(withExtension(extension), SECRET)
      expect(read, extension.slice(0, 50)).toMatchObject({ effects: { length: 3 }, written: { values: ['value'] } })
      expect(read?.notes, extension.slice(0, 50)).toBeUndefined()
    }
  })

  for (const [name, json] of Object.entries(malformed)) {
    test(`is rejected if it is ${name}`, () => {
      expect(parseChangeRecord(seal(json, SECRET), SECRET)).toBeUndefined()
    })
  }

  test('is rejected without its seal, with another seal, and with one byte changed', () => {
    for (const text of [
      good,
      seal(good, 'x'.repeat(40)),
      seal(good, SECRET).replace('"v"', '"w"'),
      good.padStart(200),
    ]) {
      expect(parseChangeRecord(text, SECRET)).toBeUndefined()
    }
  })

  test('of any structure is read or rejected, and never throws', () => {
    const version = fc.oneof(fc.constant(VERSION), fc.string())
    const effect = fc.oneof(fc.constantFrom('s', 'd', 'c', 'x'), fc.string({ unit: 'binary' }), fc.jsonValue())
    const record = fc.tuple(
      version,
      version,
      fc.oneof(fc.array(effect), fc.jsonValue()),
      fc.jsonValue(),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(record, fc.nat(), fc.boolean(), (value, at, cut) => {
        const json = JSON.stringify(value)
        const text = cut ? json.slice(0, at % (json.length + 1)) : json
        const read = parseChangeRecord(seal(text, SECRET), SECRET)
        for (const one of read?.effects ?? []) expect(['set', 'delete', 'clear']).toContain(one.type)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a reply', () => {
  const parsers: Record<string, (reply: unknown) => unknown> = {
    pull: reply => parsePull(reply, false),
    'pull with the size': reply => parsePull(reply, true),
    commit: reply => parseCommit(reply, VERSION),
    scan: parseScan,
  }
  for (const [name, parse] of Object.entries(parsers)) {
    test(`of ${name} in any shape is read, or rejected with its types and without its contents`, () => {
      const word = fc.constantFrom('changes', 'state', 'old', 'ok', 'dup', 'stale', VERSION, '0', '100', 'secret')
      const leaf = fc.oneof(word, fc.integer(), fc.double(), fc.constantFrom(null, undefined, true, 0n))
      const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 8 }), fc.constant(new Map([['secret', 1]])))
      fc.assert(
        fc.property(fc.oneof(value, fc.array(value, { maxLength: 8 })), reply => {
          try {
            parse(reply)
          } catch (error) {
            expect(error).toBeInstanceOf(StoreUnavailableError)
            expect((error as Error).message).not.toContain('secret')
          }
        }),
        { numRuns: 1_000 },
      )
    })
  }

  test('that is nested deeper than the stack is rejected', () => {
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
    for (const parse of Object.values(parsers)) expect(() => parse(deep)).toThrow(StoreUnavailableError)
  })

  test('is accepted in each form that has only one meaning', () => {
    for (const zero of [0, '0', 0n, Buffer.from('0')]) expect(parsePull(zero, false)).toEqual({ type: 'nothing' })
    for (const other of [1, '', 'OK', null, undefined, true, {}]) expect(() => parsePull(other, false)).toThrow('shape')
    const old = { type: 'old', head: VERSION, diverged: 1, seal: SECRET, size: 5 }
    for (const list of [
      ['old', VERSION, 1, SECRET, 5],
      ['old', VERSION, '1', SECRET, '5'],
      ['old', VERSION, '1', SECRET, 5n].map(part => (typeof part === 'string' ? Buffer.from(part) : part)),
    ]) {
      expect(parsePull(list, false)).toEqual(old)
    }
    for (const bound of ['Infinity', 'NaN', '-1', '1e3', '0x10', '', 'abc', '2147483648']) {
      expect(() => parseCommit(['ok', VERSION, bound, 'u', 0], VERSION)).toThrow('bound')
    }
  })
})

describe('a damaged log', () => {
  const damages: Record<string, (forged: Awaited<ReturnType<typeof forge>>) => string> = {
    'with a record in another format': ({ head, next }) => `["${head}","${next}",["s",`,
    'with a record that is cut off': ({ json }) => `${'0'.repeat(20)}${json.slice(0, -5)}`,
    'with a forged record': ({ json }) => `${'0'.repeat(20)}${json}`,
    'with a record of a malformed version': ({ head }) => `${'0'.repeat(20)}["${head}","8-%-%",[],"u"]`,
    'with an empty record': () => '',
    'with a record of bytes': () => '\u0000\u0001',
  }
  for (const [name, damage] of Object.entries(damages)) {
    test(`${name}: everything is loaded, and reads and writes continue`, async () => {
      const [reader, writer] = [await open(), await open()]
      await writer.set('a', 1)
      await reader.sync()
      await writer.sync()
      const forged = await forge(['s', 'a', '"forged"'])
      await send('rpush', LOG, damage(forged))
      await send('hset', META, 'head', forged.next)
      expect(await reader.get('a')).toBe(1)
      expect(reader.reasons).toContain('diverged')
      await writer.set('b', 2)
      expect(writer.reasons).toContain('diverged')
      await writer.set('c', 3)
      expect(Object.fromEntries(await reader.entries())).toEqual({ a: 1, b: 2, c: 3 })
      expect(await writer.transact(tx => tx.get('b'))).toBe(2)
    })
  }

  test('with thousands of foreign records costs a commit only a few commands', async () => {
    const dict = await open()
    await dict.set('a', 1)
    for (let part = 0; part < 10; part += 1) await send('rpush', LOG, ...Array.from({ length: 3_000 }, () => 'x'))
    await send('config', 'resetstat')
    await dict.set('a', 2)
    const stats = (await send('info', 'commandstats')) as string
    expect(Number(/cmdstat_lpop:calls=(\d+)/.exec(stats)?.[1] ?? 0)).toBeLessThan(10)
    expect(await send('llen', LOG)).toBe(1)
    expect(await dict.get('a')).toBe(2)
  })
})

describe('the metadata of a dictionary, damaged', () => {
  const fields: Record<string, string[]> = {
    head: ['', 'abc', '9007199254740993-a.1.0-b.1', '1', '1-a', '-', '1-a.1.0-b', 'NaN-a.1.0-b.1', '1e5-a.1.0-b.1'],
    size: ['', 'abc', 'NaN', '-1', 'inf', '1e0'],
    bytes: ['', 'abc', 'NaN', 'inf', '-1', '9'.repeat(30)],
    bound: ['Infinity', 'NaN', '-5', 'abc', '', '1e999', '2147483648', 'inf', '0x7fffffff'],
    seal: ['', 'abc'],
  }
  for (const [field, values] of Object.entries(fields)) {
    test(`in its ${field}: a new history begins, and reads and writes continue`, async () => {
      for (const value of values) {
        await send('flushall')
        const dict = await open({ maxStaleness: 50, timeout: 2_000 })
        await dict.set('a', 1)
        await send('hset', META, field, value)
        await dict.set('b', 2, { everywhere: true })
        await dict.sync()
        expect(Object.fromEntries(await dict.entries())).toEqual({ a: 1, b: 2 })
        expect(await send('hget', META, 'bound')).toBe('50')
        const later = await open()
        await later.set('c', 3)
        expect(await later.get('a')).toBe(1)
      }
    })

    test(`in a missing ${field}: reads and writes continue`, async () => {
      const dict = await open()
      await dict.set('a', 1)
      await send('hdel', META, field)
      await dict.set('b', 2)
      expect(await (await open()).get('a')).toBe(1)
    })
  }

  for (const [name, key] of Object.entries({ entries: 'd', meta: META, log: LOG })) {
    test(`in the type of the key ${name}: open() rejects`, async () => {
      await send('set', key, 'text')
      await expect(open()).rejects.toThrow('another type')
    })
  }
})

describe('entries that are not valid UTF-8', () => {
  const bad = Buffer.from([0x22, 0xe9, 0x22])
  for (const size of [3, 2_500]) {
    test(`fail for their own key only, among ${size}`, async () => {
      const pairs = Array.from({ length: size }, (_, n) => [`k${n}`, `${n}`]).flat()
      await send('hset', 'd', ...pairs)
      await send('hset', 'd', 'bad', bad, Buffer.from([0x6b, 0xe9]), '1', Buffer.from([0x6b, 0xe8]), '2')
      const dict = await open()
      expect(await dict.get('k1')).toBe(1)
      await expect(dict.get('bad')).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING', key: 'bad' })
      expect(await dict.size()).toBe(size + 1)
      expect(await dict.has('k\uFFFD')).toBe(false)
      await dict.set('bad', 1)
      expect(await dict.get('bad')).toBe(1)
      await send('hset', 'd', 'bad', bad)
      expect(await dict.delete('bad')).toBe(true)
      expect(await (await open()).size()).toBe(size)
    })
  }

  test('that contain a real replacement character are read correctly', async () => {
    const dict = await open()
    await dict.update({ 'a\uFFFD': '\uFFFD', b: 1 })
    expect(Object.fromEntries(await (await open()).entries())).toEqual({ 'a\uFFFD': '\uFFFD', b: 1 })
  })

  test('cannot be popped as another value', async () => {
    const dict = await open()
    await send('hset', 'd', 'bad', bad, 'good', '"caf\u00e9 \u6f22 \ud83d\ude42"')
    await dict.sync()
    expect(await dict.pop('good')).toBe('caf\u00e9 \u6f22 \ud83d\ude42')
    await expect(dict.setDefault('bad', 1)).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING' })
    await expect(dict.pop('bad')).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING' })
  })
})

describe('messages from anyone with the right to publish', () => {
  test('put nothing into memory, whatever they contain', async () => {
    const replica = await open({ live: true, autosync: false })
    const writer = await open()
    await writer.set('a', 1)
    await until(() => replica.local.get('a') === 1, 'it is fed')
    const { json } = await forge(['s', 'a', '"forged"'])
    const changes: unknown[] = []
    replica.on('change', change => changes.push(change))
    for (const text of [json, '0'.repeat(20) + json, seal(json, ''), 'x', '', '[', '\u0000'.repeat(1_000)]) {
      await send('spublish', META, text)
    }
    await writer.set('b', 2)
    await until(() => replica.local.get('b') === 2, 'it is fed still')
    expect(replica.local.get('a')).toBe(1)
    expect(changes).toHaveLength(1)
    expect(await ask(server, 'hget', 'd', 'a')).toBe('1')
  })
})
