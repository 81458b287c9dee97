import { isDeepStrictEqual, types } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RichEncoding, type RichEncodingOptions } from '../../../src/encodings/rich-encoding.js'
import { DecodingError, EncodingError } from '../../../src/errors/errors.js'

class Money {
  static built = 0
  declare self: unknown
  declare list: unknown
  declare other: unknown
  declare money: unknown
  amount: number
  currency = 'EUR'
  constructor(amount: number) {
    Money.built++
    this.amount = amount
  }
  set trap(_value: unknown) {
    throw new Error('a setter ran')
  }
}
class Dollars extends Money {
  override currency = 'USD'
}

class Temperature {
  readonly #kelvin: number
  private constructor(kelvin: number) {
    this.#kelvin = kelvin
  }
  static of(kelvin: number) {
    return new Temperature(kelvin)
  }
  get kelvin() {
    return this.#kelvin
  }
}
const temperature = {
  class: Temperature,
  encode: (it: Temperature) => it.kelvin,
  decode: (kelvin: number) => {
    if (typeof kelvin !== 'number' || kelvin < 0) throw new RangeError('below absolute zero')
    return Temperature.of(kelvin)
  },
}

class HttpError extends Error {
  override name = 'HttpError'
  status: number
  constructor(status: number, options?: ErrorOptions) {
    super(`status ${status}`, options)
    this.status = status
  }
}

class Wrapper {
  readonly inner: unknown
  constructor(inner: unknown) {
    this.inner = inner
  }
}
const wrapper = { class: Wrapper, encode: (it: Wrapper) => it.inner, decode: (inner: unknown) => new Wrapper(inner) }

const encoding = new RichEncoding({
  types: { Money, Dollars, Temperature: temperature, HttpError, Wrapper: wrapper },
})

function roundTrip<T>(value: T): T {
  return encoding.decode(encoding.encode(value)) as T
}

describe('classes kept by their properties', () => {
  test('keep their prototype and own enumerable properties without a constructor call', () => {
    const value = { list: [new Money(5), new Dollars(7)], map: new Map([[new Money(0), new Set([new Money(1)])]]) }
    const built = Money.built
    const read = roundTrip(value)
    expect(isDeepStrictEqual(read, value)).toBe(true)
    expect(Object.getPrototypeOf(read.list[0])).toBe(Money.prototype)
    expect(Object.getPrototypeOf(read.list[1])).toBe(Dollars.prototype)
    expect(Money.built).toBe(built)
  })

  test('may be the value itself', () => {
    expect(encoding.encode(new Money(5))).toBe('rich:[["Money",1],{"amount":2,"currency":3},5,"EUR"]')
    expect(roundTrip(new Money(5))).toStrictEqual(new Money(5))
  })

  test('keep shared and cyclic references', () => {
    const money = new Money(1)
    Object.assign(money, { self: money, list: [{ money }], other: Object.assign(new Money(2), { money }) })
    const read = roundTrip({ a: money, b: money })
    expect(read.a).toBe(read.b)
    expect(read.a.self).toBe(read.a)
    expect((read.a.list as { money: Money }[])[0]?.money).toBe(read.a)
    expect((read.a.other as Money).money).toBe(read.a)
    expect((read.a.other as Money).amount).toBe(2)
  })

  test('are decoded without calling setters or `__proto__`', () => {
    const money = new Money(1)
    for (const key of ['trap', '__proto__', 'constructor']) {
      Object.defineProperty(money, key, {
        value: { polluted: 1 },
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
    const read = roundTrip([money, { money }])
    expect(isDeepStrictEqual(read, [money, { money }])).toBe(true)
    expect(Object.getPrototypeOf(read[0])).toBe(Money.prototype)
    expect(Object.getOwnPropertyDescriptor(read[0], '__proto__')?.value).toEqual({ polluted: 1 })
    const hostile = 'rich:[["Money",1],{"trap":2},{"polluted":3},1]'
    expect(Object.hasOwn(encoding.decode(hostile) as object, 'trap')).toBe(true)
  })

  test('that are errors become real errors again', () => {
    const error = new HttpError(404, { cause: new Money(1) })
    const read = roundTrip({ error }).error
    expect(Object.getPrototypeOf(read)).toBe(HttpError.prototype)
    expect(types.isNativeError(read)).toBe(true)
    const { name, message, stack, status } = error
    expect({ name: read.name, message: read.message, stack: read.stack, status: read.status }).toEqual({
      name,
      message,
      stack,
      status,
    })
    expect(read.cause).toStrictEqual(new Money(1))
    expect(Object.keys(read).sort()).toEqual(['name', 'status'])
  })

  test('with symbol keys are rejected', () => {
    expect(() => encoding.encode({ a: Object.assign(new Money(1), { [Symbol('s')]: 1 }) })).toThrow(
      '.a has the symbol key',
    )
  })

  test('with unsupported contents are rejected with the path', () => {
    expect(() => encoding.encode({ a: [Object.assign(new Money(1), { f: () => 1 })] })).toThrow('.a[0].f is a function')
  })

  test('from another process have only what text can express', () => {
    const read = new RichEncoding({ types: { Money } }).decode(encoding.encode(new Money(3)))
    expect(read).toStrictEqual(new Money(3))
  })
})

describe('classes kept by encode and decode', () => {
  test('keep private state', () => {
    const shared = Temperature.of(273.15)
    const read = roundTrip({ a: shared, list: [shared, Temperature.of(0), Temperature.of(-0)] })
    expect(read.a).toBeInstanceOf(Temperature)
    expect(read.a.kelvin).toBe(273.15)
    expect(read.list[0]).toBe(read.a)
    expect(read.list.map(each => each.kelvin)).toEqual([273.15, 0, -0])
  })

  test('may have data of any kind, which is complete when decode is called', () => {
    class Box {
      readonly content: unknown
      constructor(content: unknown) {
        this.content = content
      }
    }
    const seen: unknown[] = []
    const boxes = new RichEncoding({
      types: {
        Money,
        Box: {
          class: Box,
          encode: (box: Box) => box.content,
          decode: (content: unknown) => {
            seen.push(structuredClone(content))
            return new Box(content)
          },
        },
      },
    })
    const data = { shared: [1] }
    const value = [undefined, 0, null, '', Number.NaN, new Money(1), data, data, new Box(new Box([data]))].map(
      each => new Box(each),
    )
    const read = boxes.decode(boxes.encode(value)) as Box[]
    expect(isDeepStrictEqual(read, value)).toBe(true)
    expect(read[6]?.content).toBe(read[7]?.content)
    expect(seen[5]).toEqual({ ...new Money(1) })
    expect(seen).toHaveLength(11)
  })

  test('reject a cycle through an instance, wherever it is entered', () => {
    class Node {
      next: unknown
    }
    const nodes = new RichEncoding({
      types: {
        Money,
        Node: {
          class: Node,
          encode: (node: Node) => ({ next: node.next }),
          decode: (data: { next: unknown }) => Object.assign(new Node(), data),
        },
      },
    })
    const node = new Node()
    const plain = { node }
    node.next = plain
    for (const value of [node, plain, new Map([[1, plain]]), [[], { plain }]]) {
      expect(() => nodes.encode(value)).toThrow(EncodingError)
      expect(() => nodes.encode(value)).toThrow('closes a cycle')
    }
    node.next = [new Money(1), { other: new Node() }]
    expect(isDeepStrictEqual(nodes.decode(nodes.encode(plain)), plain)).toBe(true)
  })

  test('reject the value if encode throws or returns an unsupported value', () => {
    const cause = new Error('no')
    const failing = new RichEncoding({
      types: {
        Money: {
          class: Money,
          encode: (it: Money) => {
            if (it.amount) throw cause
            return { a: [() => 1] }
          },
          decode: () => new Money(1),
        },
      },
    })
    expect(() => failing.encode([new Money(1)])).toThrow(expect.objectContaining({ name: 'EncodingError', cause }))
    expect(() => failing.encode([new Money(0)])).toThrow('[0].encode().a[0] is a function')
  })

  test('throw DecodingError if decode throws or returns nothing', () => {
    expect(() => encoding.decode('rich:[["Temperature",1],[2],-5]')).toThrow(DecodingError)
    expect(() => encoding.decode('rich:[["Temperature",1],[2],-5]')).toThrow('below absolute zero')
    const decodings = [() => undefined, () => ({}), () => new Dollars(1), async () => new Money(1)]
    for (const decode of decodings as (() => object)[]) {
      const types = { Money: { class: Money, encode: () => 1, decode } }
      expect(() => new RichEncoding({ types }).decode('rich:[["Money",1],[2],1]')).toThrow(/did not return an instance/)
    }
  })

  test('end if encode always returns new instances', () => {
    const types = { Money: { class: Money, encode: () => new Money(1), decode: () => new Money(1) } }
    expect(() => new RichEncoding({ types }).encode(new Money(1))).toThrow(/500 levels/)
  })
})

/** The deepest nesting in `make(make(…))`, and how deep it is. */
function deepest(make: (inner: unknown) => unknown): { text: string; depth: number } {
  let value: unknown
  let text = ''
  for (let depth = 0; ; depth++) {
    value = make(value)
    try {
      text = encoding.encode(value)
    } catch (error) {
      expect((error as Error).message).toContain('500 levels')
      return { text, depth }
    }
  }
}

test('chains as deep as encode allows can be decoded, and each instance counts its levels in the text', () => {
  const chains: [(inner: unknown) => unknown, number][] = [
    [inner => ({ inner }), 500],
    [inner => new Map([[1, inner]]), 500],
    [inner => Object.assign(new Money(1), { money: inner }), 250],
    [cause => new HttpError(1, { cause }), 250],
    [inner => new Wrapper(inner), 167],
  ]
  for (const [make, expected] of chains) {
    const { text, depth } = deepest(make)
    expect(depth).toBe(expected)
    expect(encoding.encode(encoding.decode(text))).toBe(text)
  }
})

/** Objects of every kind that has members, each with a function that adds one. */
const kinds: (() => { it: object; add: (member: unknown) => void })[] = [
  () => named({}),
  () => named(Object.create(null)),
  () => named([0]),
  () => named(new Money(1)),
  () => named(new Error('x')),
  () => named(new HttpError(1)),
  () => named(JSON.parse('{"__proto__":1}')),
  () => withAdd(new Map(), (it, member) => it.set(it.size, member).set(member, it.size)),
  () => withAdd(new Set(), (it, member) => it.add(member)),
  () => withAdd([] as unknown[], (it, member) => it.push(member)),
  () => withAdd(new Holder(), (it, member) => it.held.push(member)),
]

class Holder {
  held: unknown[] = []
}

function withAdd<T extends object>(it: T, add: (it: T, member: unknown) => unknown) {
  return { it, add: (member: unknown) => void add(it, member) }
}

function named(it: object) {
  let members = 0
  return withAdd(it, (_, member) => Object.assign(it, { [`m${members++}`]: member }))
}

test('any graph of objects is read back the same, or rejected for a cycle through `decode`', () => {
  const holder = {
    class: Holder,
    encode: (it: Holder) => ({ held: it.held }),
    decode: (data: { held: unknown[] }) => Object.assign(new Holder(), data),
  }
  const graphs = new RichEncoding({ types: { Money, HttpError, Holder: holder } })
  const node = fc.nat(kinds.length - 1)
  const graph = fc.tuple(fc.array(node, { minLength: 1, maxLength: 6 }), fc.array(fc.tuple(fc.nat(5), fc.nat(5))))
  const counts = { kept: 0, refused: 0 }
  fc.assert(
    fc.property(graph, ([nodes, edges]) => {
      const made = nodes.map(kind => (kinds[kind] as (typeof kinds)[number])())
      for (const [from, to] of edges) made[from % made.length]?.add(made[to % made.length]?.it)
      const value = made[0]?.it
      let text: string
      try {
        text = graphs.encode(value)
      } catch (error) {
        expect((error as Error).message).toContain('closes a cycle')
        expect(nodes).toContain(kinds.length - 1)
        counts.refused++
        return
      }
      counts.kept++
      expect(graphs.encode(graphs.decode(text))).toBe(text)
    }),
    { numRuns: 5000 },
  )
  expect(Math.min(counts.kept, counts.refused)).toBeGreaterThan(200)
})

describe('a type that is not registered', () => {
  test('is named by the error', () => {
    const text = encoding.encode([new Money(1)])
    expect(() => new RichEncoding().decode(text)).toThrow(DecodingError)
    expect(() => new RichEncoding().decode(text)).toThrow(
      '"Money", which is not registered: use new RichEncoding({ types: { Money } })',
    )
  })
})

describe('the option types', () => {
  class Index extends Map<string, number> {}
  class List extends Array {}
  class SubIndex extends Index {}
  const arrow = () => 1
  const codec = { encode: () => 1, decode: () => ({}) }
  test.each<[string, unknown]>([
    ['no object', 5],
    ['null', null],
    ['a list', [Money]],
    ['no class', { Money: 5 }],
    ['undefined', { Money: undefined }],
    ['an instance', { Money: new Money(1) }],
    ['an arrow function', { arrow }],
    ['no decode', { Money: { class: Money, encode: () => 1 } }],
    ['no encode', { Money: { class: Money, decode: () => new Money(1) } }],
    ['a codec without a class', { Money: codec }],
    ['a codec without a valid class', { Money: { ...codec, class: 'Money' } }],
    ['one class twice', { Money, Cash: Money }],
    ['one class twice, in both forms', { Money, Cash: { ...codec, class: Money } }],
    ['the name Date', { Date: Money }],
    ['the name Error', { Error: HttpError }],
    ['the name Uint8Array', { Uint8Array: Money }],
    ['the name null', { null: Money }],
    ['the name Object', { Object: Money }],
    ['the name Temporal.Instant', { 'Temporal.Instant': Money }],
    ['the name __proto__', JSON.parse('{"__proto__":1}', () => ({ ['__proto__']: Money }))],
    ['a name with quotes', { 'a"': Money }],
    ['a name with a plus', { 'Array+': Money }],
    ['an empty name', { '': Money }],
    ['a built-in class', { When: Date }],
    ['Object', { Thing: Object }],
    ['Error', { Failure: Error }],
    ['a class based on Map', { Index }],
    ['a class based on a class based on Map', { SubIndex }],
    ['a class based on Array', { List }],
  ])('throws TypeError for %s', (_what, types) => {
    expect(() => new RichEncoding({ types } as RichEncodingOptions)).toThrow(TypeError)
  })

  test('is spelled exactly: a misspelled one throws TypeError', () => {
    expect(() => new RichEncoding({ type: { Money } } as RichEncodingOptions)).toThrow(TypeError)
  })

  test('accepts a class based on Map with encode and decode', () => {
    const maps = new RichEncoding({
      types: {
        Index: { class: Index, encode: (it: Index) => [...it], decode: (data: [string, number][]) => new Index(data) },
      },
    })
    const value = [new Index([['a', 1]]), new Map([['b', 2]])]
    const read = maps.decode(maps.encode(value))
    expect(isDeepStrictEqual(read, value)).toBe(true)
  })

  test('may be undefined or missing', () => {
    expect(new RichEncoding({ types: undefined }).encode(1n)).toBe('rich:[["BigInt","1"]]')
    expect(new RichEncoding({}).name).toBe('RichEncoding')
  })
})
