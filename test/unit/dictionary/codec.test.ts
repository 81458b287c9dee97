import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { Codec } from '../../../src/dictionary/codec.js'
import { SchemaCheck } from '../../../src/dictionary/schema.js'
import {
  DecodingError,
  DurableDict,
  type Encoding,
  EncodingError,
  InvalidKeyError,
  InvalidValueError,
  MemoryDict,
  MemoryStore,
  UnsupportedError,
} from '../../../src/index.js'
import { settle } from '../replica/gated-backend.js'

/** Text after a mark, to distinguish one encoding from another. */
function marked(mark: string): Encoding<unknown> {
  return {
    name: `${mark}Encoding`,
    encode: value => `${mark}:${JSON.stringify(value)}`,
    decode: stored => {
      if (typeof stored !== 'string' || !stored.startsWith(`${mark}:`)) throw new Error(`No ${mark} in front of it`)
      return JSON.parse(stored.slice(mark.length + 1))
    },
  }
}

function codec(encoding: Encoding<unknown>, valueKind?: 'text' | 'bytes' | 'references') {
  return new Codec({
    dictionary: 'settings',
    encoding,
    oldEncoding: undefined,
    schema: new SchemaCheck(undefined, 'settings'),
    valueKind,
    onOld: () => {},
  })
}

describe('the output of an encoding must suit the store', () => {
  const making = (stored: unknown) => ({ name: 'odd', encode: () => stored, decode: (value: unknown) => value })

  test.each([
    ['text', 'x', true],
    ['text', new Uint8Array(1), false],
    ['text', 1, false],
    ['text', null, false],
    ['bytes', 'x', true],
    ['bytes', new Uint8Array(1), true],
    ['bytes', {}, false],
    ['references', {}, true],
    ['references', undefined, false],
    ['text', undefined, false],
  ] as const)('%s: %o: %s', (valueKind, stored, good) => {
    const encode = () => codec(making(stored), valueKind).encode('a', 1)
    if (good) expect(encode()).toBe(stored)
    else expect(encode).toThrow(EncodingError)
  })

  test('an encoding that returns values unencoded needs an in-process store', async () => {
    const { NoOpEncoding } = await import('../../../src/index.js')
    const four = { persist() {}, depersist: () => false, durables: () => [], lastUpdated: () => 0 }
    await expect(DurableDict.open(four, { encoding: NoOpEncoding })).rejects.toThrow(UnsupportedError)
    await expect(DurableDict.open(four, { oldEncoding: NoOpEncoding })).rejects.toThrow(UnsupportedError)
    const dict = await MemoryDict.open(undefined, { encoding: NoOpEncoding })
    const value = { any: () => 'thing' }
    await dict.set('a', value)
    expect(await dict.get('a')).toBe(value)
    expect(Object.isFrozen(value)).toBe(false)
  })
})

describe('errors name dictionary, key and encoding', () => {
  const details = { dictionary: 'settings', key: 'a' }

  test('undefined is a TypeError', () => {
    expect(() => codec(marked('new')).encode('a', undefined)).toThrow(TypeError)
  })

  test('an error that the encoding throws is the cause', () => {
    const cause = new Error('no')
    const encoding = {
      ...marked('new'),
      encode: () => {
        throw cause
      },
    }
    expect(() => codec(encoding).encode('a', 1)).toThrow(expect.objectContaining({ ...details, cause }))
    expect(() => codec(encoding).encode('a', 1)).toThrow(/newEncoding/)
  })

  test('a value that cannot be decoded, or decodes to undefined', () => {
    expect(() => codec(marked('new')).decode('a', 'old:1')).toThrow(DecodingError)
    expect(() => codec(marked('new')).decode('a', 'old:1')).toThrow(expect.objectContaining(details))
    expect(() => codec({ ...marked('new'), decode: () => undefined }).decode('a', '')).toThrow(/undefined/)
  })
})

describe('a stored value that cannot be decoded', () => {
  test('fails for its own key only', async () => {
    const store = new MemoryStore()
    const old = await MemoryDict.open(store, { encoding: marked('old') as never })
    await old.update({ bad: 1 })
    const dict = await MemoryDict.open(store, { encoding: marked('new') as never })
    await dict.set('good', 2)
    await expect(dict.get('bad')).rejects.toThrow(DecodingError)
    expect(() => dict.local.get('bad')).toThrow(DecodingError)
    expect(await dict.get('good')).toBe(2)
    expect([await dict.has('bad'), await dict.size()]).toEqual([true, 2])
    const snapshot = await dict.snapshot()
    expect(snapshot.get('good')).toBe(2)
    expect(() => snapshot.get('bad')).toThrow(DecodingError)
    await expect(dict.values()).rejects.toThrow(DecodingError)
    await dict.set('bad', 3)
    expect(await dict.get('bad')).toBe(3)
    expect(() => snapshot.get('bad')).toThrow(DecodingError)
  })
})

describe('oldEncoding', () => {
  async function moved() {
    const store = new MemoryStore()
    const before = await MemoryDict.open(store, { encoding: marked('old') as never })
    await before.update({ a: 1, b: { deep: [2] } })
    const options = { encoding: marked('new') as never, oldEncoding: marked('old') as never }
    return { store, before, after: await MemoryDict.open(store, options) }
  }

  test('decodes old values and writes them back when they are read', async () => {
    const { store, after } = await moved()
    expect(await after.get('a')).toBe(1)
    await settle()
    expect(new Map(store.load().entries)).toEqual(new Map(Object.entries({ a: 'new:1', b: 'old:{"deep":[2]}' })))
    expect(await after.get('a')).toBe(1)
  })

  test('reencode rewrites the remaining values, returns their number, and loses no concurrent write', async () => {
    const { store, before, after } = await moved()
    const [rewritten] = await Promise.all([after.reencode(), before.set('a', 5)])
    expect(rewritten).toBeGreaterThanOrEqual(1)
    await after.reencode()
    expect(new Map(store.load().entries)).toEqual(new Map(Object.entries({ a: 'new:5', b: 'new:{"deep":[2]}' })))
    expect(await after.reencode()).toBe(0)
  })

  test('a value that neither can decode is left alone, and the error names both encodings with their reasons', async () => {
    const { store, after } = await moved()
    const third = await MemoryDict.open(store, { encoding: marked('third') as never })
    await third.set('c', 3)
    await expect(after.get('c')).rejects.toThrow(
      /cannot be decoded by newEncoding: .+\. It cannot be decoded by oldEncoding either: .+\. Write the key again/,
    )
    await after.reencode()
    expect(new Map(store.load().entries).get('c')).toBe('third:3')
  })
})

describe('schema', () => {
  test('rejects a write before anything is written, and a read for its own key only', async () => {
    const store = new MemoryStore()
    const free = await MemoryDict.open(store)
    await free.update({ n: 'text', m: 2, unnamed: 1 })
    const dict = await MemoryDict.open(store, { schema: { n: z.number(), m: z.number() } })
    await expect(dict.get('n')).rejects.toThrow(InvalidValueError)
    expect(await dict.get('m')).toBe(2)
    await expect(dict.update({ m: 3, n: 'x' as never })).rejects.toMatchObject({ key: 'n' })
    expect(await dict.get('m')).toBe(2)
    // Not declared: left alone if stored, rejected on write.
    expect(await dict.has('unnamed' as never)).toBe(true)
    await expect(dict.set('unnamed' as never, 1 as never)).rejects.toThrow(InvalidKeyError)
  })

  test('the input is stored, and a transformation is applied once, on reading', async () => {
    const store = new MemoryStore()
    const dict = await MemoryDict.open(store, { schema: { n: z.string().transform(text => `${text}!`) } })
    await dict.set('n', 'a')
    expect(await dict.get('n')).toBe('a!')
    expect(await dict.setDefault('n', 'b')).toBe('a!')
    const free = await MemoryDict.open(store)
    expect(await free.get('n')).toBe('a')
    expect(await dict.pop('n')).toBe('a!')
  })

  test("one that returns a promise is rejected, and the promise's rejection is handled", async () => {
    const unheard = vi.fn()
    process.on('unhandledRejection', unheard)
    const validate = async () => {
      throw new Error('asynchronously')
    }
    const schema = { '~standard': { version: 1, vendor: 'own', validate } } as const
    const dict = await MemoryDict.open(undefined, { schema })
    await expect(dict.set('a', 1)).rejects.toThrow(/asynchronously/)
    await settle()
    process.off('unhandledRejection', unheard)
    expect(unheard).not.toHaveBeenCalled()
  })
})

describe('the copies that readers get', () => {
  test('are frozen and shared if they are plain, and separate if they cannot be frozen', async () => {
    const dict = await MemoryDict.open()
    const mine = { list: [{ n: 1 }], at: 'x' }
    await dict.update({ plain: mine, dated: { at: new Date(0) } })
    mine.list.push({ n: 2 })
    const plain = (await dict.get('plain')) as typeof mine
    expect(plain.list).toEqual([{ n: 1 }])
    expect(Object.isFrozen(plain.list[0])).toBe(true)
    expect(await dict.get('plain')).toBe(plain)
    expect((await dict.snapshot()).get('plain')).toBe(plain)
    const dated = (await dict.get('dated')) as { at: Date }
    dated.at.setFullYear(1999)
    expect(await dict.get('dated')).toEqual({ at: new Date(0) })
  })
})
