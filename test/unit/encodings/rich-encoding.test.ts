import { isDeepStrictEqual, types } from 'node:util'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RichEncoding } from '../../../src/encodings/rich-encoding.js'
import { EncodingError } from '../../../src/errors/errors.js'

const encoding = new RichEncoding()
/** Known to every supported engine, but not to the language level that the tests are compiled for. */
const V_FLAG = 'v'

function roundTrip<T>(value: T): T {
  return encoding.decode(encoding.encode(value)) as T
}

function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected)
}

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

describe('keeps what structured clone keeps', () => {
  const values: [string, unknown][] = [
    ['primitives', [null, true, false, 0, -0, 1.5, Number.NaN, Infinity, -Infinity, '', 'a', 10n ** 30n, undefined]],
    ['odd text', ['\ud800', 'x\udfff', '\u2028</script>', '"\\\n\0', '😀']],
    ['objects', { a: { 'b c': undefined }, '': 1, 2: 'two', 1: 'one', constructor: 1, toString: 2, length: 3 }],
    ['dates', [new Date(0), new Date(8.64e15), new Date(-8.64e15), new Date(Number.NaN)]],
    [
      'maps',
      new Map<unknown, unknown>([
        [{ a: 1 }, new Map()],
        [Number.NaN, 1],
        ['__proto__', { b: 2 }],
        [0, undefined],
      ]),
    ],
    ['sets', new Set([1, '1', new Set([undefined]), { a: 1 }])],
    ['regular expressions', [/a\/"<b>/giu, /(?<x>\d)/y, new RegExp('[\\p{L}--a]', V_FLAG), /(?:)/]],
    [
      'boxed primitives',
      [Object(1), Object(-0), Object(Number.NaN), Object('s'), Object(''), Object(false), Object(2n)],
    ],
    ['memory', [new ArrayBuffer(0), new Uint8Array([1, 2, 255]).buffer, new DataView(new ArrayBuffer(3))]],
    ['typed arrays', [new Int8Array([-1]), new Uint8ClampedArray([1]), new Uint16Array([65535]), new Int32Array(0)]],
    ['wide typed arrays', [new Float32Array([0.5, -0]), new Float64Array([Number.NaN]), new BigInt64Array([-1n])]],
    // biome-ignore lint/suspicious/noSparseArray: the holes are what is tested
    ['sparse arrays', [[, 1, , undefined, ,], new Array(3), Object.assign([], { 1000000: 'x' })]],
    ['named properties of arrays', Object.assign([1, { a: 2 }], { index: 0, nested: { b: [3] } })],
    ['the result of a match', [...'x1'.matchAll(/(?<letter>[a-z])(\d)/g)]],
    ['a sparse array with names', Object.assign(new Array(5), { 2: 'c', name: 'n', '01': 1 })],
  ]
  test.each(values)('%s', (_what, value) => {
    expectSame(roundTrip(value), value)
    if (!_what.includes('match')) expectSame(roundTrip(value), structuredClone(value))
  })

  test('shared references', () => {
    const shared = { a: [1] }
    const value = { one: shared, two: [shared], map: new Map([[shared, shared.a]]) }
    const read = roundTrip(value)
    expect(read.two[0]).toBe(read.one)
    expect([...read.map.entries()][0]?.[0]).toBe(read.one)
    expect(read.map.get(read.one)).toBe(read.one.a)
  })

  test('cycles, also through Map, Set, arrays with named properties, and `__proto__`', () => {
    const value: Record<string, unknown> = {}
    const list = Object.assign([value], { name: value })
    const odd = JSON.parse('{"__proto__":0}')
    Object.defineProperty(odd, '__proto__', { value: { value, odd, list }, enumerable: true })
    Object.assign(value, { value, map: new Map([[value, value]]), set: new Set([value]), list, odd })
    const read = roundTrip(value)
    expect(read.value).toBe(read)
    expect((read.map as Map<unknown, unknown>).get(read)).toBe(read)
    expect((read.set as Set<unknown>).has(read)).toBe(true)
    expect((read.list as typeof list)[0]).toBe(read)
    expect((read.list as typeof list).name).toBe(read)
    const proto = Object.getOwnPropertyDescriptor(read.odd, '__proto__')?.value
    expect(proto.odd).toBe(read.odd)
    expect(proto.list).toBe(read.list)
    expect(list.length).toBe((read.list as typeof list).length)
  })

  test('an own `__proto__` as an ordinary key, with and without a prototype', () => {
    const value = JSON.parse('{"a":1,"__proto__":{"polluted":[1]},"b":2}')
    const bare = Object.assign(Object.create(null), { x: [1] })
    Object.defineProperty(bare, '__proto__', { value: 5, enumerable: true, writable: true, configurable: true })
    for (const each of [value, bare]) {
      const read = roundTrip({ each }).each
      expect(Object.getPrototypeOf(read)).toBe(Object.getPrototypeOf(each))
      expect(Reflect.ownKeys(read)).toEqual(Reflect.ownKeys(each))
      expectSame(read, each)
      expect(read.polluted).toBeUndefined()
    }
  })

  test('a missing prototype, which structured clone would add', () => {
    const read = roundTrip(Object.assign(Object.create(null), { a: Object.create(null) }))
    expect(Object.getPrototypeOf(read)).toBeNull()
    expect(Object.getPrototypeOf(read.a)).toBeNull()
  })

  test('a very long array with one member, without allocating the rest', () => {
    const value: unknown[] = []
    value[4_000_000_000] = 'x'
    const named = Object.assign([], { 4000000000: 'x', name: 'y' })
    const read = [roundTrip(value), roundTrip(named)]
    expect(read.map(each => [each.length, each[4_000_000_000]])).toEqual([
      [4_000_000_001, 'x'],
      [4_000_000_001, 'x'],
    ])
  })

  test('URL and URLSearchParams, which structured clone empties', () => {
    const read = roundTrip({ url: new URL('https://a.example/?b=c#d'), query: new URLSearchParams('a=1&a=2') })
    expect(read.url).toBeInstanceOf(URL)
    expect(read.url.href).toBe('https://a.example/?b=c#d')
    expect(read.query.getAll('a')).toEqual(['1', '2'])
  })

  test('built-in and plain objects from another realm', () => {
    const value = runInNewContext(
      '({ list: [1, { a: new Date(5) }], map: new Map([["k", new Set([1])]]), bytes: new Uint8Array([1, 2]), e: new TypeError("x") })',
    )
    const read = roundTrip(value)
    const map = new Map([['k', new Set([1])]])
    expect(read).toMatchObject({ list: [1, { a: new Date(5) }], map, bytes: new Uint8Array([1, 2]) })
    expect(read.e).toBeInstanceOf(TypeError)
    expect(read.map).toBeInstanceOf(Map)
  })

  test('any value, as structured clone does', () => {
    const options = {
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBoxedValues: true,
      withUnicodeString: true,
      maxDepth: 4,
    } as const
    const property = fc.property(fc.anything(options), value => {
      if (value !== undefined) expectSame(roundTrip(value), structuredClone(value))
    })
    fc.assert(property, { numRuns: 1000 })
    const bare = fc.property(fc.anything({ ...options, withNullPrototype: true }), value => {
      if (value !== undefined) expectSame(roundTrip([value, { value }]), [value, { value }])
    })
    fc.assert(bare, { numRuns: 1000 })
  })

  test('neither alters nor freezes its argument', () => {
    const value = { a: [{ b: new Map([[1, { c: 2 }]]) }], e: new Error('x') }
    const before = structuredClone(value)
    encoding.encode(value)
    expectSame(value, before)
    expect(Object.isFrozen(value) || Object.isFrozen(value.a)).toBe(false)
  })
})

describe('bytes', () => {
  test('a view of a part of a buffer is written without the rest', () => {
    const memory = Buffer.from('secret-visible-secret')
    const views = [
      memory.subarray(7, 14),
      new Uint8Array(memory.buffer, memory.byteOffset + 7, 7),
      new DataView(memory.buffer, memory.byteOffset + 7, 7),
    ]
    for (const view of views) {
      const text = encoding.encode({ view })
      expect(text).toContain(Buffer.from('visible').toString('base64'))
      expect(text.length).toBeLessThan(100)
      const read = (encoding.decode(text) as { view: ArrayBufferView }).view
      expect(Buffer.from(read.buffer, read.byteOffset, read.byteLength).toString()).toBe('visible')
      expect(read.buffer.byteLength).toBe(7)
    }
  })

  test('a wider view of a part keeps its elements', () => {
    const part = new Float64Array([1, 2, 3]).subarray(1, 2)
    expectSame(roundTrip({ part, again: part }), { part: new Float64Array([2]), again: new Float64Array([2]) })
  })

  test('a Buffer of any size is read as the Uint8Array that it is', () => {
    for (const buffer of [Buffer.from('pooled'), Buffer.alloc(100_000, 7), Buffer.alloc(0)]) {
      const read = roundTrip(buffer)
      expect(Object.getPrototypeOf(read)).toBe(Uint8Array.prototype)
      expect(Buffer.compare(read, buffer)).toBe(0)
    }
  })

  test('views of the whole of one ArrayBuffer still share it', () => {
    const buffer = new ArrayBuffer(8)
    const read = roundTrip({ buffer, bytes: new Uint8Array(buffer), view: new DataView(buffer) })
    expect(read.bytes.buffer).toBe(read.buffer)
    expect(read.view.buffer).toBe(read.buffer)
  })

  test('shared, resizable and transferred memory is rejected', () => {
    const moved = new ArrayBuffer(4)
    structuredClone(moved, { transfer: [moved] })
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer
    const resizable = new Resizable(4, { maxByteLength: 8 })
    for (const it of [new SharedArrayBuffer(4), new Uint8Array(new SharedArrayBuffer(4)), resizable, moved]) {
      expect(() => encoding.encode({ it })).toThrow(EncodingError)
    }
    expect(() => encoding.encode({ a: [new Uint8Array(resizable)] })).toThrow('.a[0] is memory of variable size')
  })
})

describe('errors', () => {
  test.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])('%o', Class => {
    const error = new Class('wrong', { cause: { a: new Class('inner') } })
    const read = roundTrip(error)
    const clone = structuredClone(error)
    expect(Object.getPrototypeOf(read)).toBe(Class.prototype)
    expect([read.name, read.message, read.stack]).toEqual([clone.name, clone.message, clone.stack])
    expect((read.cause as { a: Error }).a).toMatchObject({ message: 'inner' })
    expect(types.isNativeError(read)).toBe(true)
    expect(Object.keys(read)).toEqual([])
    // Other engines add the place in the source.
    const own = Reflect.ownKeys(error).filter(key => !['line', 'column', 'sourceURL'].includes(String(key)))
    expect(Reflect.ownKeys(read).sort()).toEqual(own.sort())
  })

  test('AggregateError with its errors', () => {
    const read = roundTrip(new AggregateError([new TypeError('a'), 2], 'both'))
    expect(Object.getPrototypeOf(read)).toBe(AggregateError.prototype)
    expect(read.message).toBe('both')
    expect(read.errors[0]).toBeInstanceOf(TypeError)
    expect(read.errors[1]).toBe(2)
    expect(Object.keys(read)).toEqual([])
  })

  test('own properties, an own name, no message, no stack', () => {
    const error = Object.assign(new Error('x'), { code: 'ENOENT', name: 'Custom' })
    const read = roundTrip(error)
    expect(Object.entries(read)).toEqual([
      ['name', 'Custom'],
      ['code', 'ENOENT'],
    ])
    const bare = new Error()
    delete bare.stack
    expect(Object.hasOwn(roundTrip(bare), 'stack')).toBe(false)
    expect(Object.hasOwn(roundTrip(bare), 'message')).toBe(false)
  })

  test('cyclic causes and errors', () => {
    const error = new AggregateError([], 'x')
    error.cause = error
    error.errors.push({ error })
    const read = roundTrip(error)
    expect(read.cause).toBe(read)
    expect(read.errors[0].error).toBe(read)
  })

  test('what cannot be kept of an error is reported', () => {
    const error = Object.assign(new Error('x', { cause: [() => 1] }), { code: 1 })
    expect(() => encoding.encode({ error })).toThrow('.error.cause[0] is a function')
  })
})

class Money {
  amount = 1
}
class Dollars extends Money {}
class Stack extends Array<number> {}
class Index extends Map<string, number> {}
class HttpError extends Error {}
class Tagged {
  get [Symbol.toStringTag]() {
    return 'Map'
  }
}
class Rootless {
  a = 1
}
Object.setPrototypeOf(Rootless.prototype, null)

describe('rejects, naming the path and the remedy', () => {
  const refused: [string, unknown, string][] = [
    ['a function', { a: [1, 2, 3, { b: () => 1 }] }, '.a[3].b is a function'],
    ['a class', { a: Money }, '.a is a function'],
    ['a symbol', { 'a b': Symbol('s') }, '["a b"] is a symbol'],
    ['a symbol key', { a: { [Symbol('s')]: 1 } }, '.a has the symbol key Symbol(s)'],
    ['a symbol key of an array', { a: Object.assign([1], { [Symbol('s')]: 1 }) }, '.a has the symbol key Symbol(s)'],
    ['a Promise', { a: Promise.resolve(1) }, '.a is a Promise'],
    ['a WeakMap', { a: new WeakMap() }, '.a is an instance of WeakMap, which cannot be stored'],
    ['a WeakRef', { a: new WeakRef({}) }, '.a is an instance of WeakRef'],
    ['a boxed symbol', { a: Object(Symbol('s')) }, '.a is an instance of Symbol'],
    ['a generator', { a: (function* () {})() }, '.a is an instance of'],
    [
      'a class instance',
      { a: new Money() },
      '.a is an instance of Money, which is not registered. Register the class, new RichEncoding({ types: { Money } })',
    ],
    ['an array of a subclass', { a: new Stack(1, 2) }, '.a is an instance of Stack'],
    ['a map of a subclass', { a: new Index() }, '.a is an instance of Index'],
    ['an error of a subclass', { a: new HttpError() }, '.a is an instance of HttpError'],
    ['a class that claims to be a Map', { a: new Tagged() }, '.a is an instance of Tagged'],
    ['a class without a root', { a: new Rootless() }, '.a is an instance of Rootless'],
    [
      'an object that claims to be a Date',
      { a: Object.defineProperty({}, Symbol.toStringTag, { value: 'Date' }) },
      '.a has the symbol key',
    ],
    [
      'a Map that claims to be a Set',
      { a: Object.defineProperty(new Map(), Symbol.toStringTag, { value: 'Set' }) },
      '.a is an instance of Map',
    ],
    ['an object made of another', { a: Object.create({ b: 1 }) }, '.a is an instance of Object'],
    ['an object that only has the prototype of a Map', { a: Object.create(Map.prototype) }, '.a is an instance of Map'],
    ['a member of a Map', new Map([['k"', [() => 1]]]), '.get("k\\"")[0] is a function'],
    ['a member of a Map by number', new Map([[5, () => 1]]), '.get(5) is a function'],
    ['a member of a Map by object', new Map([[{}, () => 1]]), '.get(…) is a function'],
    [
      'a key of a Map',
      {
        m: new Map([
          [1, 1],
          [(() => 1) as unknown as number, 2],
        ]),
      },
      '.m.keys()[1] is a function',
    ],
    ['a member of a Set', { s: new Set([1, { f: () => 1 }]) }, '.s.values()[1].f is a function'],
    ['a named property of an array', { a: Object.assign([1], { f: () => 1 }) }, '.a.f is a function'],
    ['after a hole', { a: Object.assign(new Array(9), { 7: () => 1 }) }, '.a[7] is a function'],
    [
      'behind __proto__',
      JSON.parse('{"__proto__":{"a":0}}', (key, value) => (key === 'a' ? () => 1 : value)),
      '.__proto__.a is a function',
    ],
  ]
  test.each(refused)('%s', (_what, value, message) => {
    expect(() => encoding.encode(value)).toThrow(EncodingError)
    expect(() => encoding.encode(value)).toThrow(message)
  })

  test('an own symbol key that is not enumerable is not part of the value', () => {
    expectSame(roundTrip(Object.defineProperty({ a: 1 }, Symbol('s'), { value: 1 })), { a: 1 })
  })

  test('the value itself', () => {
    expect(() => encoding.encode(() => 1)).toThrow(/^The value is a function/)
    expect(() => encoding.encode(new Money())).toThrow(EncodingError)
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

  test('more than 500 levels, of any kind', () => {
    expectSame(roundTrip(nested(500)), nested(500))
    expect(() => encoding.encode(nested(501))).toThrow(EncodingError)
    expect(() => encoding.encode(nested(1_000_000))).toThrow(/500 levels/)
    let map: unknown = 1
    let error: unknown = 1
    for (let level = 0; level < 100_000; level++)
      [map, error] = [new Map([[map, map]]), new Error('x', { cause: error })]
    expect(() => encoding.encode(map)).toThrow(EncodingError)
    expect(() => encoding.encode(error)).toThrow(EncodingError)
  })

  test('subclass instances are still rejected if the base class is registered', () => {
    expect(() => new RichEncoding({ types: { Money } }).encode([new Dollars()])).toThrow(
      '[0] is an instance of Dollars',
    )
  })
})
