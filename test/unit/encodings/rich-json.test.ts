import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RichEncoding } from '../../../src/encodings/rich-encoding.js'
import { DecodingError, EncodingError } from '../../../src/errors/errors.js'

const encoding = new RichEncoding()
const shared = { a: 1 }
const cyclic: unknown[] = []
cyclic.push(cyclic)

describe('stores plain JSON', () => {
  test.each<[unknown, string]>([
    [true, 'true'],
    [null, 'null'],
    [5, '5'],
    [1e300, '1e+300'],
    [2 ** 60, '1152921504606847000'],
    ['dark', '"dark"'],
    ['', '""'],
    ['5', '"5"'],
    ['"', '"\\""'],
    ['a\0b\ud800', '"a\\u0000b\\ud800"'],
    ['😀\u2028', '"😀\u2028"'],
    [[], '[]'],
    [{}, '{}'],
    [{ a: [1, { 'b c': null }], '': 'rich:x' }, '{"a":[1,{"b c":null}],"":"rich:x"}'],
    [JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    [runInNewContext('({ a: [1] })'), '{"a":[1]}'],
    [Object.defineProperty({ a: 1 }, 'hidden', { value: 2 }), '{"a":1}'],
    [Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 2 }), '{"a":1}'],
    [Object.defineProperty({}, 'read', { get: () => 3, enumerable: true }), '{"read":3}'],
  ])('%j', (value, text) => {
    expect(encoding.encode(value)).toBe(text)
    expect(encoding.decode(text)).toStrictEqual(JSON.parse(text))
  })

  test('reads an accessor once and stores what it returned', () => {
    const answers = [1, Number.NaN]
    const value = Object.defineProperty({}, 'a', { enumerable: true, get: () => answers.shift() })
    expect(encoding.encode(value)).toBe('{"a":1}')
  })

  test('ignores a toJSON added by others', () => {
    const restore = ['Object', 'Array', 'String', 'Number'].map(name => {
      const { prototype } = (globalThis as unknown as Record<string, { prototype: object }>)[name] as {
        prototype: object
      }
      Object.defineProperty(prototype, 'toJSON', { value: () => 'other', configurable: true })
      return () => Reflect.deleteProperty(prototype, 'toJSON')
    })
    try {
      expect(encoding.encode({ a: [1, 'b\n'] })).toBe('{"a":[1,"b\\n"]}')
    } finally {
      for (const undo of restore) undo()
    }
  })
})

describe('stores the tagged form', () => {
  test.each<[string, unknown]>([
    ['-0', [-0]],
    ['NaN', Number.NaN],
    ['Infinity', { a: Infinity }],
    ['a BigInt', 5n],
    ['undefined as a member', { a: undefined }],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    ['a hole', [1, , 2]],
    ['a named property of an array', Object.assign([1], { name: 'x' })],
    ['no prototype', Object.assign(Object.create(null), { a: 1 })],
    ['a shared reference', [shared, shared]],
    ['a cycle', cyclic],
    ['a Date', new Date(0)],
    ['an invalid Date', { at: new Date(Number.NaN) }],
    ['a boxed primitive', Object('text')],
    ['a string that begins with the tag', 'rich:[1]'],
    ['a string that is the tag', 'rich:'],
  ])('%s', (_what, value) => {
    expect(encoding.encode(value)).toMatch(/^rich:/)
    expect(same(encoding.decode(encoding.encode(value)), value)).toBe(true)
  })
})

describe('decodes JSON written by external writers', () => {
  test.each<[string, unknown]>([
    [' {\n\t"a" : [ 1 , true ]\r\n} ', { a: [1, true] }],
    ['{"a":1,"a":2}', { a: 2 }],
    ['"\\u0064ark"', 'dark'],
    ['1.0', 1],
    ['1E3', 1000],
    ['0.1000000000000000055511151231257827', 0.1],
    ['3.14159265358979323846', Math.PI],
    ['-0', -0],
    ['9007199254740993', 9007199254740993n],
    ['-12345678901234567890', -12345678901234567890n],
    [
      '[{"id":12345678901234567890,"n":1},"12345678901234567890"]',
      [{ id: 12345678901234567890n, n: 1 }, '12345678901234567890'],
    ],
    ['1152921504606846976', 2 ** 60],
    ['1152921504606847000', 2 ** 60],
    [`1${'0'.repeat(300)}`, 1e300],
    [`1${'0'.repeat(299)}1`, 10n ** 300n + 1n],
    ['1e22', 1e22],
    ['rich:[true]', true],
    ['rich:["dark"]', 'dark'],
    ['rich:[{"a":1},[2],null]', { a: [null] }],
  ])('%s', (text, value) => {
    expect(encoding.decode(text)).toStrictEqual(value)
  })

  test('a `__proto__` member is an ordinary one', () => {
    for (const text of ['{"__proto__":{"polluted":1}}', '{"n":12345678901234567890,"__proto__":{"polluted":1}}']) {
      const read = encoding.decode(text) as Record<string, unknown>
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
      expect(Object.hasOwn(read, '__proto__')).toBe(true)
      expect(read.polluted).toBeUndefined()
    }
  })

  test.each(['1e400', '-1e400', '[1e-400]', `1${'0'.repeat(400)}.5`])('a number out of range is rejected: %s', text => {
    expect(() => encoding.decode(text)).toThrow(DecodingError)
    expect(() => encoding.decode(text)).toThrow(/out of range at character/)
  })
})

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
  maxDepth: 4,
})
const text = fc.string({ unit: 'binary' })
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.bigInt({ min: 0n, max: 2n ** 80n }).map(Number),
  fc.constantFrom(-0, 2 ** 53),
)
const plain = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'toJSON', 'length', '0')), tie('value'), { maxKeys: 4 }),
  ),
})).value

/**
 * Whether both are the same value. Node considers two invalid dates different (before Node 24), so a value that differs
 * from itself is compared by its stored form.
 */
function same(read: unknown, value: unknown): boolean {
  if (isDeepStrictEqual(read, value)) return true
  return !isDeepStrictEqual(value, structuredClone(value)) && encoding.encode(read) === encoding.encode(value)
}

/** Whether JSON keeps the value, by trying it. JSON.stringify throws for a BigInt. */
function keptByJson(value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value) ?? '0'), value)
  } catch {
    return false
  }
}

test('uses plain JSON exactly for what JSON keeps, and loses nothing either way', () => {
  const counts = { plain: 0, tagged: 0 }
  const check = (value: unknown) => {
    if (value === undefined) return
    const stored = encoding.encode(value)
    const tagged = stored.startsWith('rich:')
    counts[tagged ? 'tagged' : 'plain']++
    expect(same(encoding.decode(stored), value)).toBe(true)
    if (!tagged) expect(stored).toBe(JSON.stringify(value))
    else expect(keptByJson(value) && !String(value).startsWith('rich:')).toBe(false)
  }
  fc.assert(fc.property(anything, check), { numRuns: 1000 })
  fc.assert(fc.property(plain, check), { numRuns: 1000 })
  expect(Math.min(counts.plain, counts.tagged)).toBeGreaterThan(200)
})

test('decodes any JSON text as JSON.parse does, and encodes it as JSON.stringify does', () => {
  const spaced = fc
    .tuple(plain, fc.constantFrom(undefined, 1, '\t', '\r\n'))
    .map(([value, space]) => JSON.stringify(value, null, space))
  fc.assert(
    fc.property(spaced, json => {
      const value = encoding.decode(json)
      expect(isDeepStrictEqual(value, JSON.parse(json))).toBe(true)
      if (typeof value === 'string' && value.startsWith('rich:')) return
      expect(encoding.encode(value)).toBe(JSON.stringify(value))
    }),
    { numRuns: 1000 },
  )
})

test('keeps every digit of external whole numbers of any length', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), big => {
      const [read] = encoding.decode(`[${big}]`) as [number | bigint]
      if (typeof read === 'bigint') expect(read).toBe(big)
      else expect(BigInt(read) === big || BigInt(Number(big)) === BigInt(read)).toBe(true)
      if (big > -(2n ** 53n) && big < 2n ** 53n) expect(read).toBe(Number(big))
    }),
    { numRuns: 1000 },
  )
})

describe('limits', () => {
  test('a BigInt of 100,000 digits is kept, and a longer one is rejected both ways', () => {
    const longest = 10n ** 100_000n - 1n
    expect(encoding.decode(encoding.encode(-longest))).toBe(-longest)
    for (const value of [longest + 1n, { a: [-longest - 1n] }, Object(longest + 1n)]) {
      expect(() => encoding.encode(value)).toThrow(EncodingError)
      expect(() => encoding.encode(value)).toThrow('a BigInt of more than 100000 digits')
    }
    const digits = '9'.repeat(10_000_000)
    for (const stored of [digits, `-${digits}`, `rich:[["BigInt","${digits}"]]`]) {
      expect(() => encoding.decode(stored)).toThrow(DecodingError)
    }
  })
})
