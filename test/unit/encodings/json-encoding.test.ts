import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JSONEncoding } from '../../../src/encodings/json-encoding.js'
import { DecodingError, EncodingError } from '../../../src/errors/errors.js'

const encoding = new JSONEncoding()

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

describe('keeps', () => {
  test.each<unknown>([
    null,
    true,
    0,
    -1.5,
    1e300,
    '',
    'snow ☃ 😀',
    [],
    {},
    [null, [1, 'a']],
    { a: { 'b c': [1] }, '': 0, 1: 2 },
    { constructor: 1, toString: 2, toJSON: 'text' },
  ])('%j', value => {
    expect(encoding.encode(value)).toBe(JSON.stringify(value))
    expect(encoding.decode(encoding.encode(value))).toStrictEqual(value)
  })

  test('an own `__proto__` as an ordinary key, both ways', () => {
    const value = JSON.parse('{"a":{"__proto__":{"polluted":1}}}')
    const text = encoding.encode(value)
    expect(text).toBe('{"a":{"__proto__":{"polluted":1}}}')
    const read = encoding.decode(text) as { a: Record<string, unknown> }
    expect(Object.getPrototypeOf(read.a)).toBe(Object.prototype)
    expect(Object.keys(read.a)).toEqual(['__proto__'])
    expect(read.a.polluted).toBeUndefined()
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('an object reached twice, as two equal ones', () => {
    const shared = { a: 1 }
    expect(encoding.decode(encoding.encode([shared, { shared }]))).toStrictEqual([{ a: 1 }, { shared: { a: 1 } }])
  })

  test('plain values from another realm', () => {
    expect(encoding.encode(runInNewContext('({ a: [1, { b: 2 }] })'))).toBe('{"a":[1,{"b":2}]}')
  })

  test('neither alters nor freezes its argument', () => {
    const value = { a: [{ b: 1 }] }
    encoding.encode(value)
    expect(value).toStrictEqual({ a: [{ b: 1 }] })
    expect(Object.isFrozen(value) || Object.isFrozen(value.a)).toBe(false)
  })
})

class Money {
  amount = 1
}
class Stack extends Array<number> {}
const cyclic: { list: unknown[] } = { list: [] }
cyclic.list.push({ back: cyclic })
const bare = Object.assign(Object.create(null), { a: 1 })
const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'other' })

describe('rejects', () => {
  const refused: [string, unknown, string][] = [
    ['undefined in an object', { a: { b: undefined } }, '.a.b'],
    ['undefined in an array', [1, undefined], '[1]'],
    ['NaN', { n: Number.NaN }, '.n'],
    ['Infinity', [[Number.POSITIVE_INFINITY]], '[0][0]'],
    ['-Infinity', { n: Number.NEGATIVE_INFINITY }, '.n'],
    ['-0', { n: -0 }, '.n'],
    ['a BigInt', { big: 1n }, '.big'],
    ['a symbol', { s: Symbol('s') }, '.s'],
    ['a function', { 'f g': () => 1 }, '["f g"]'],
    ['a Date', { a: [1, 2, 3, { b: new Date(0) }] }, '.a[3].b'],
    ['a Map', { m: new Map() }, '.m'],
    ['a Set', { s: new Set() }, '.s'],
    ['a RegExp', { r: /x/ }, '.r'],
    ['an Error', { e: new Error('x') }, '.e'],
    ['a typed array', { t: new Uint8Array(1) }, '.t'],
    ['a Buffer', { t: Buffer.from('x') }, '.t'],
    ['an ArrayBuffer', { t: new ArrayBuffer(1) }, '.t'],
    ['a URL', { u: new URL('http://a.example') }, '.u'],
    ['a boxed number', { n: Object(1) }, '.n'],
    ['a boxed string', { s: Object('s') }, '.s'],
    ['a Promise', { p: Promise.resolve() }, '.p'],
    ['a class instance', { m: new Money() }, '.m'],
    ['an array of a subclass', { s: new Stack() }, '.s'],
    ['an object without a prototype', { bare }, '.bare'],
    ['an object made of another', { o: Object.create({ a: 1 }) }, '.o'],
    ['a method toJSON', { o: { toJSON: () => 1 } }, '.o'],
    ['a method toJSON that is not enumerable', { o: hidden }, '.o'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    ['a hole', { list: [1, , 3] }, '.list[1]'],
    ['a hole made up for by a named property', { list: Object.assign(new Array(1), { x: 1 }) }, '.list[0]'],
    ['a named property of an array', { list: Object.assign([1], { x: 1 }) }, '.list.x'],
    ['a symbol key', { o: { [Symbol('s')]: 1 } }, '.o'],
    ['a symbol key of an array', { o: Object.assign([1], { [Symbol('s')]: 1 }) }, '.o'],
    ['a cycle', cyclic, '.list[0].back'],
    ['a lone surrogate', { text: 'a\ud800' }, '.text'],
    ['a lone surrogate in a key', { a: { 'x\udc00': 1 } }, '.a["x\\udc00"]'],
  ]
  test.each(refused)('%s, naming the path', (_what, value, path) => {
    expect(() => encoding.encode(value)).toThrow(EncodingError)
    expect(() => encoding.encode(value)).toThrow(`The member at ${path} `)
  })

  test.each([Number.NaN, 1n, () => 1, new Date(0), '\ud800'])('%s as the value itself', value => {
    expect(() => encoding.encode(value)).toThrow(EncodingError)
    expect(() => encoding.encode(value)).toThrow(/^The value /)
  })

  test('undefined as the value itself', () => {
    expect(() => encoding.encode(undefined)).toThrow(TypeError)
  })

  test('an accessor that throws', () => {
    const cause = new Error('not now')
    const value = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw cause
      },
    })
    expect(() => encoding.encode(value)).toThrow(expect.objectContaining({ name: 'EncodingError', cause }))
  })

  test('more than 500 levels', () => {
    expect(encoding.decode(encoding.encode(nested(500)))).toStrictEqual(nested(500))
    expect(() => encoding.encode(nested(501))).toThrow(EncodingError)
    expect(() => encoding.encode(nested(100_000))).toThrow(/500 levels/)
  })
})

describe('an object reached by many paths', () => {
  test('is checked once, and written as often as it is reached', () => {
    const shared = { a: 'x'.repeat(1000) }
    const value = Array(1000).fill(shared)
    expect(encoding.encode(value)).toBe(JSON.stringify(value))
  })

  test.each([20, 25, 60, 400])('is rejected if repeats would take more than a million characters: %i pairs', levels => {
    let value: unknown = 'x'
    for (let level = 0; level < levels; level++) value = level % 2 ? [value, value] : { a: value, b: value }
    expect(() => encoding.encode(value)).toThrow(EncodingError)
    expect(() => encoding.encode(value)).toThrow('more than a million characters')
  })

  test('counts with its full depth, wherever it is reached first', () => {
    const deep = nested(300)
    expect(() => encoding.encode([deep, nested(10), deep])).not.toThrow()
    let value = [deep] as unknown
    for (let level = 0; level < 250; level++) value = [deep, value]
    expect(() => encoding.encode(value)).toThrow(/500 levels/)
  })
})

describe('decode', () => {
  test.each([
    ['[12345678901234567890,1]', [12345678901234567890n, 1]],
    ['9007199254740991', 9007199254740991],
    ['0.30000000000000004', 0.30000000000000004],
  ])('keeps every digit of whole numbers that JavaScript would round: %s', (text, value) => {
    expect(encoding.decode(text)).toStrictEqual(value)
  })

  test('names the position of a syntax error in external text, and never quotes it', () => {
    expect(() => encoding.decode('secret')).toThrow(/^The stored text is not JSON\. JSONEncoding reads JSON only/)
    expect(() => encoding.decode('{"secret": }')).toThrow(expect.not.stringMatching('secret'))
    // Only V8 says where.
    expect(() => encoding.decode('["secret"')).toThrow(process.versions.bun ? 'not JSON' : /not JSON \(it /)
  })

  test.each(['', '{', 'undefined', '[1,]', 'rich:[1]', "{'a':1}"])('rejects %j', text => {
    expect(() => encoding.decode(text)).toThrow(DecodingError)
  })

  test.each([null, undefined, 1, Buffer.from('1'), { a: 1 }])('rejects what is not text: %s', stored => {
    expect(() => encoding.decode(stored as unknown as string)).toThrow(DecodingError)
  })

  test('rejects hostile depth of any kind of bracket', () => {
    expect(() => encoding.decode('['.repeat(200_000) + ']'.repeat(200_000))).toThrow(DecodingError)
    expect(() => encoding.decode(`${'{"a":'.repeat(501)}1${'}'.repeat(501)}`)).toThrow(/500 levels/)
    expect(() => encoding.decode('['.repeat(600))).toThrow(DecodingError)
  })

  test('does not count brackets in strings or siblings', () => {
    const value = ['['.repeat(2000), '\\"[{'.repeat(600), '\\', '['.repeat(600), Array(1000).fill([])]
    expect(encoding.decode(encoding.encode(value))).toStrictEqual(value)
  })
})

test('reads back an equal value for everything it accepts', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    withBoxedValues: true,
    withUnicodeString: true,
  })
  const mixed = fc.oneof(anything, fc.jsonValue(), fc.object({ values: [fc.string({ unit: 'binary' }), fc.double()] }))
  let accepted = 0
  fc.assert(
    fc.property(mixed, value => {
      if (value === undefined) return
      let text: string
      try {
        text = encoding.encode(value)
      } catch (error) {
        expect(error).toBeInstanceOf(EncodingError)
        return
      }
      accepted++
      expect(isDeepStrictEqual(JSON.parse(text), value)).toBe(true)
      expect(isDeepStrictEqual(encoding.decode(text), value)).toBe(true)
    }),
    { numRuns: 3000 },
  )
  expect(accepted).toBeGreaterThan(500)
})

test('accepts every JSON value except -0', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = JSON.stringify(value)
      expect(encoding.encode(JSON.parse(text))).toBe(text)
    }),
    { numRuns: 1000 },
  )
})

test('decodes text it did not write to a value or throws a DecodingError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), text => {
      try {
        encoding.decode(text)
      } catch (error) {
        expect(error).toBeInstanceOf(DecodingError)
      }
    }),
  )
})
