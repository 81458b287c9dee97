import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Revival } from '../../src/encodings/rich-revive.js'
import { registerTypes } from '../../src/encodings/rich-types.js'
import {
  DecodingError,
  type Encoding,
  EncodingError,
  JSONEncoding,
  MemoryDict,
  MemoryStore,
  RichEncoding,
} from '../../src/index.js'

class Money {
  amount = 1
}
class Coin {
  readonly data: unknown
  constructor(data: unknown) {
    this.data = data
  }
}
const types = {
  Money,
  Coin: { class: Coin, encode: (coin: Coin) => coin.data, decode: (data: unknown) => new Coin(data) },
}
const rich = new RichEncoding({ types })
const ENCODINGS: Record<string, Encoding> = { RichEncoding: rich, JSONEncoding: new JSONEncoding() }

/** Represents what only readers of the key may see. */
const SECRET = 'hunter2'

/** The result of decoding a text: a value, or an error that reveals nothing that is stored. */
function decode(encoding: Encoding, text: string): unknown {
  try {
    return encoding.decode(text)
  } catch (error) {
    expect(error).toBeInstanceOf(DecodingError)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
    expect((error as Error).message.length).toBeLessThan(600)
    return error
  }
}

/** A list of entries of which the first refers to the given number of others. */
function fanOut(count: number, entry: (n: number) => unknown, ...rest: unknown[]): unknown[] {
  return [
    Array.from({ length: count }, (_, n) => n + 1 + rest.length),
    ...rest,
    ...Array.from({ length: count }, (_, n) => entry(n)),
  ]
}

describe('decoding takes time linear in the stored text', () => {
  const members = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`k${n}`, 2]))
  const graphs: [string, unknown[]][] = [
    ['errors that share their members', fanOut(1000, () => ['Error', 1], members, 1)],
    ['instances that share their members', fanOut(1000, () => ['Money', 1], members, 1)],
    ['objects that share their list of members', fanOut(1000, () => ['Object+', 1], Array(1000).fill(2), '__proto__')],
    ['arrays that share their list of members', fanOut(1000, () => ['Array+', 1], [2, ...Array(1000).fill(3)], 5, 'a')],
    ['instances that share their data', fanOut(1000, () => ['Coin', 1], [2], Array(1000).fill(3), 1)],
    ['one error that is referred to often', [Array(2000).fill(1), ['Error', 2], members, 1]],
    ['views on one memory', fanOut(2000, () => ['Uint8Array', 1], ['ArrayBuffer', 'AAAA'])],
    ['pairs of pairs', [...Array.from({ length: 400 }, (_, n) => [n + 1, n + 1]), 'x']],
    ['sets of sets', [...Array.from({ length: 400 }, (_, n) => ['Set', n + 1, n + 1]), 'x']],
    ['maps of maps', [...Array.from({ length: 400 }, (_, n) => ['Map', n + 1, n + 1]), 'x']],
    ['a sparse array', [[-7, 4_000_000_000, ...Array.from({ length: 1000 }, (_, n) => [n * 1000, 1]).flat()], 'x']],
    ['boxed text', fanOut(1000, () => ['Object', 1], 'x'.repeat(1000))],
  ]

  it.each(graphs)('of %s', (_what, entries) => {
    const revival = new Revival(entries, registerTypes(types))
    try {
      revival.run()
    } catch (error) {
      expect(error).toBeInstanceOf(DecodingError)
    }
    const references = entries.reduce<number>(
      (sum, entry) => sum + 1 + (entry ? Object.keys(Object(entry)).length : 0),
      0,
    )
    expect(revival.steps).toBeLessThanOrEqual(2 * references)
  })

  it('of any graph of entries', () => {
    const ref = fc.integer({ min: -7, max: 12 })
    const name = fc.constantFrom(
      'Map',
      'Set',
      'null',
      'Error',
      'Money',
      'Coin',
      'Array+',
      'Object+',
      'Object',
      'Uint8Array',
      'Date',
    )
    const entry = fc.oneof(
      fc.array(ref, { maxLength: 6 }),
      fc.tuple(name, fc.array(ref, { maxLength: 4 })).map(([first, rest]) => [first, ...rest]),
      fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), ref),
      fc.constantFrom<unknown>('a', 1, null, '__proto__'),
    )
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 12 }), entries => {
        const revival = new Revival(entries, registerTypes(types))
        try {
          revival.run()
        } catch (error) {
          expect(error).toBeInstanceOf(DecodingError)
        }
        const references = JSON.stringify(entries).length
        expect(revival.steps).toBeLessThanOrEqual(2 * references)
      }),
      { numRuns: 1000 },
    )
  })

  it('of a value written back as JSON from a shared form', async () => {
    const store = new MemoryStore()
    const writer = await MemoryDict.open(store)
    let value: unknown = 'x'
    for (let level = 0; level < 100; level++) value = [value, value]
    await writer.set('key', value)
    const reader = await MemoryDict.open(store, { encoding: JSONEncoding, oldEncoding: RichEncoding })
    expect(await reader.get('key')).toBeInstanceOf(Array)
    await expect(reader.reencode()).rejects.toThrow(EncodingError)
  })
})

describe('the library limits depth', () => {
  const DEEP = 100_000
  const texts: [string, string][] = [
    ['lists', '['.repeat(DEEP) + ']'.repeat(DEEP)],
    ['open lists', '['.repeat(DEEP)],
    ['objects', `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`],
    ['tagged lists', `rich:[${Array.from({ length: DEEP }, (_, n) => `[${n + 1}]`)},1]`],
    ['tagged maps', `rich:[${Array.from({ length: DEEP }, (_, n) => `["Map",${n + 1},${n + 1}]`)},1]`],
    [
      'tagged instances',
      `rich:[${Array.from({ length: DEEP }, (_, n) => `["Money",${2 * n + 1}],{"a":${2 * n + 2}}`)},1]`,
    ],
    ['tagged data', `rich:[${Array.from({ length: DEEP }, (_, n) => `["Coin",${2 * n + 1}],[${2 * n + 2}]`)},1]`],
    ['tagged boxes', `rich:[${Array.from({ length: DEEP }, (_, n) => `["Object",${n + 1}]`)},1]`],
    ['an entry', `rich:[${'['.repeat(DEEP)}${']'.repeat(DEEP)}]`],
  ]
  it.each(texts)('of text: %s', (_what, text) => {
    for (const encoding of Object.values(ENCODINGS)) expect(decode(encoding, text)).toBeInstanceOf(DecodingError)
  })

  const wraps: [string, (inner: unknown) => unknown][] = [
    ['lists', inner => [inner]],
    ['objects', inner => ({ inner })],
    ['maps', inner => new Map([[inner, inner]])],
    ['sets', inner => new Set([inner])],
    ['errors', cause => new Error('x', { cause })],
    ['instances', inner => Object.assign(new Money(), { inner })],
    ['data', inner => new Coin(inner)],
    ['shared lists', inner => [inner, inner]],
  ]
  it.each(wraps)('of values: %s', (_what, wrap) => {
    let value: unknown = 1
    for (let level = 0; level < DEEP; level++) value = wrap(value)
    for (const encoding of Object.values(ENCODINGS)) expect(() => encoding.encode(value)).toThrow(EncodingError)
  })

  it("whatever remains of the caller's stack", () => {
    const text = `rich:[${Array.from({ length: 499 }, (_, n) => `[${n + 1}]`)},1]`
    const left = (depth: number): number => {
      try {
        return left(depth + 1)
      } catch {
        return depth
      }
    }
    const deepest = left(0)
    const down = (levels: number): unknown => (levels === 0 ? rich.decode(text) : down(levels - 1))
    expect(down(Math.floor(deepest * 0.8))).toBeInstanceOf(Array)
  })
})

describe('an error contains nothing that is stored', () => {
  const texts = [
    SECRET,
    `"${SECRET}`,
    `{"${SECRET}"`,
    `{"a":"${SECRET}"]`,
    `["${SECRET}",]`,
    `{"${SECRET}":1e999}`,
    `rich:`,
    `rich:${SECRET}`,
    `rich:"${SECRET}"`,
    `rich:["${SECRET}"`,
    `rich:{"${SECRET}":1}`,
    `rich:[["Date","${SECRET}"]]`,
    `rich:[["RegExp","(${SECRET}"]]`,
    `rich:[["RegExp","a","${SECRET}"]]`,
    `rich:[["BigInt","${SECRET}"]]`,
    `rich:[["URL","${SECRET}"]]`,
    `rich:[["ArrayBuffer","${SECRET}!"]]`,
    `rich:[["Uint8Array","${SECRET}"]]`,
    `rich:[["Object","${SECRET}"]]`,
    `rich:[["Temporal.Instant","${SECRET}"]]`,
    `rich:[["null","${SECRET}"]]`,
    `rich:[["Money","${SECRET}"]]`,
    `rich:[["Money",1],"${SECRET}"]`,
    `rich:[["Money",1],{"${SECRET}":"x"}]`,
    `rich:[["Array+",1],[2,2,2],"${SECRET}"]`,
    `rich:[["not a class ${SECRET}",1]]`,
    `rich:[["${SECRET.repeat(6_000_000)}",1]]`,
    `${SECRET.repeat(6_000_000)}`,
  ]
  it.each(texts.map(text => [text.slice(0, 60), text]))('%s', (_start, text) => {
    for (const encoding of Object.values(ENCODINGS)) expect(decode(encoding, text)).toBeInstanceOf(DecodingError)
  })

  it.each([
    ['JSON.parse', (stored: string) => JSON.parse(stored)],
    ['BigInt', (stored: string) => BigInt(stored)],
    ['RegExp', (stored: string) => new RegExp(`(${stored}`)],
    ['URL', (stored: string) => new URL(stored)],
    ['something that is not an error', (stored: string) => fail(stored)],
  ])('unless a custom encoding repeats what %s threw', async (_what, own) => {
    const store = new MemoryStore()
    await (await MemoryDict.open(store, { encoding: { name: 'Raw', encode: String, decode: String } })).set(
      'key',
      SECRET,
    )
    const dict = await MemoryDict.open(store, { encoding: { name: 'Own', encode: String, decode: own } })
    const error = (await dict.get('key').catch((error: Error) => error)) as Error
    expect(error).toBeInstanceOf(DecodingError)
    expect(error.message).toContain('may quote what is stored')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
  })

  it('except what a custom encoding writes into its own message', async () => {
    const store = new MemoryStore()
    await (await MemoryDict.open(store)).set('key', 1)
    const decode = () => {
      throw new RangeError('The mark is missing')
    }
    const dict = await MemoryDict.open(store, { encoding: { name: 'Own', encode: String, decode } })
    await expect(dict.get('key')).rejects.toThrow('cannot be decoded by Own: The mark is missing.')
  })
})

function fail(thrown: string): never {
  throw thrown
}

describe('mutated text', () => {
  const values = [
    { a: [1, { b: 'text', c: null }], d: true },
    {
      at: new Date(0),
      map: new Map<unknown, unknown>([
        ['a', 1n],
        [{}, new Set([1])],
      ]),
      e: new Error('x'),
      m: new Money(),
    },
    Object.assign(new Array(3), { 1: 'x', name: new Coin([1]) }),
    [new Uint8Array([1, 2, 3]), /a(b)/g, -0, Number.NaN, Object(1), new URL('http://a.example/')],
  ]
  const texts = values.map(value => rich.encode(value))
  const piece = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    '"',
    ',',
    ':',
    '-1',
    '0',
    '1',
    '9',
    '1e999',
    'null',
    '\\',
    '\0',
    '"Money"',
    '__proto__',
    'rich:',
  )

  it('decodes to a value or throws a DecodingError, and pollutes no prototype', () => {
    const mutation = fc.tuple(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(200), fc.nat(8), piece), { minLength: 1, maxLength: 3 }),
    )
    let decoded = 0
    fc.assert(
      fc.property(mutation, ([text, cuts]) => {
        const mutated = cuts.reduce(
          (all, [at, length, put]) => all.slice(0, at % all.length) + put + all.slice((at % all.length) + length),
          text,
        )
        for (const encoding of Object.values(ENCODINGS))
          if (!(decode(encoding, mutated) instanceof DecodingError)) decoded++
        expect('polluted' in {}).toBe(false)
        expect(Object.getPrototypeOf(new Money())).toBe(Money.prototype)
      }),
      { numRuns: 1000 },
    )
    expect(decoded).toBeGreaterThan(20)
  })
})
