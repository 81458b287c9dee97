import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RichEncoding } from '../../../src/encodings/rich-encoding.js'
import { DecodingError } from '../../../src/errors/errors.js'

class Money {
  amount = 1
}
class Coin {
  readonly data: unknown
  constructor(data: unknown) {
    this.data = data
  }
}
const coin = { class: Coin, encode: (it: Coin) => it.data, decode: (data: unknown) => new Coin(data) }
const encoding = new RichEncoding({ types: { Money, Coin: coin } })

/** Members that a new object must not have, whatever was decoded. */
function expectUnpolluted(): void {
  for (const fresh of [{}, [], () => 1, new Money()]) expect('polluted' in fresh).toBe(false)
}

describe('rejects', () => {
  test.each([
    '',
    'dark',
    'Rich:[1]',
    ' rich:[1]',
    "'a'",
    '{a:1}',
    '[1,]',
    'undefined',
    'NaN',
    'True',
    '01',
    '.5',
    '{"a":1}x',
  ])('text that is neither JSON nor its own, and names the remedy: %s', text => {
    expect(() => encoding.decode(text)).toThrow(DecodingError)
    expect(() => encoding.decode(text)).toThrow('text in double quotes, "like this"')
  })

  test.each([null, undefined, 1, {}, Buffer.from('rich:[1]')])('what is not text: %s', stored => {
    expect(() => encoding.decode(stored as unknown as string)).toThrow(DecodingError)
  })

  test.each([
    '',
    '[',
    '[]',
    '{}',
    'null',
    'true',
    '"x"',
    '0',
    '5',
    '-2',
    '-7',
    '-8',
    '0.5',
    '[[1]]',
    '[{"a":5}]',
    '[{"a":"x"}]',
    '[{"a":null}]',
    '[{"a":{}}]',
    '[["Nope",1],1]',
    '[["Date"',
    '[["Map",1],1]',
    '[["Set",9]]',
    '[["BigInt","x"]]',
    '[["RegExp","("]]',
    '[["RegExp","a","zz"]]',
    '[["Object",0]]',
    '[["Object",1],{}]',
    '[["Uint8Array",0]]',
    '[["Uint8Array",1],["Array+",2],[3],5]',
    '[["Uint8Array",1],1000000000]',
    '[["Uint8Array",1,0,99],["ArrayBuffer","AAAA"]]',
    '[["ArrayBuffer",5]]',
    '[["null",5,1]]',
    '[[-7,-1]]',
    '[[-7,4294967296]]',
    '[[-7,2,5,1],1]',
    '[["URL","nope"]]',
    '[["constructor",1],{}]',
    '[["__proto__",1],{}]',
    '[["toString",1],{}]',
    '[["hasOwnProperty",1],{}]',
  ])('a broken payload: %s', payload => {
    expect(() => encoding.decode(`rich:${payload}`)).toThrow(DecodingError)
  })

  test.each([
    '[["Money"]]',
    '[["Money",0]]',
    '[["Money",1],5]',
    '[["Money",1],["Date","x"]]',
    '[["Money",1],["Map"]]',
    '[["Money",1],null]',
    '[["Money",-1]]',
    '[["Money","x"]]',
    '[["Money",9]]',
    '[["Money",1],[2,3],5,6]',
    '[["Error",1],7]',
    '[["Object+",1],"x"]',
    '[["Coin",1],{}]',
    '[["Coin",1],[]]',
    '[["Coin",1],[0]]',
    '[["Coin",1],[2],{"a":0}]',
    '[["Coin",0]]',
    '[["Coin",1],5]',
    '[["Array+",1],[]]',
    '[["Array+",1],[2],"x"]',
    '[["Array+",1],[2],-1]',
    '[["Array+",1],[2],4294967296]',
    '[["Array+",1],[2,3,2],5,"length"]',
    '[["Array+",1],{}]',
  ])('a malformed built-in or registered type: %s', payload => {
    expect(() => encoding.decode(`rich:${payload}`)).toThrow(DecodingError)
  })

  test('the marker of undefined', () => {
    expect(() => encoding.decode('rich:-1')).toThrow(DecodingError)
    expect(encoding.decode('rich:-4')).toBe(Number.POSITIVE_INFINITY)
    expect(encoding.decode('rich:[[-1]]')).toEqual([undefined])
  })

  test('nesting that would overflow the stack', () => {
    const levels = Array.from({ length: 200_000 }, (_, level) => `[${level + 1}]`).join()
    expect(() => encoding.decode(`rich:[${levels},1]`)).toThrow(DecodingError)
    const instances = Array.from({ length: 100_000 }, (_, n) => `["Money",${2 * n + 1}],{"a":${2 * n + 2}}`).join()
    expect(() => encoding.decode(`rich:[${instances},1]`)).toThrow(DecodingError)
    const brackets = '['.repeat(200_000) + ']'.repeat(200_000)
    for (const inner of [brackets, `["BigInt",${brackets}]`, `["Date",${brackets}]`, `["Money",${brackets}]`]) {
      expect(() => encoding.decode(`rich:[${inner}]`)).toThrow(DecodingError)
    }
  })
})

describe('never sets a prototype by `__proto__`', () => {
  const payloads = [
    '[{"__proto__":1},{"polluted":2},1]',
    '[{"a":1},{"__proto__":2},{"polluted":3},1]',
    '[["null","__proto__",1],{"polluted":2},1]',
    '[["Map",1,2],"__proto__",{"polluted":3},1]',
    '[["Money",1],{"__proto__":2},{"polluted":3},1]',
    '[["Money",1],[2,3],"__proto__",{"polluted":4},1]',
    '[["Object+",1],[2,3],"__proto__",{"polluted":4},1]',
    '[["null+",1],[2,3],"__proto__",{"polluted":4},1]',
    '[["Array+",1],[2,3,4],0,"__proto__",{"polluted":5},1]',
    '[["Error",1],[2,3],"__proto__",{"polluted":4},1]',
    '[{"constructor":1},{"prototype":2},{"polluted":3},1]',
    '[["Money",1],{"constructor":2},{"prototype":3},{"polluted":4},1]',
    '[[-7,5,"__proto__",1],{"polluted":2},1]',
  ]
  test.each(payloads)('%s', payload => {
    let read: unknown
    try {
      read = encoding.decode(`rich:${payload}`)
    } catch (error) {
      expect(error).toBeInstanceOf(DecodingError)
    }
    expectUnpolluted()
    if (typeof read === 'object' && read !== null) expect('polluted' in read).toBe(false)
  })

  test('treats a type named like an inherited property as unknown', () => {
    expect(() => new RichEncoding().decode('rich:[["valueOf",1],{}]')).toThrow('"valueOf", which is not registered')
  })
})

test('allocates nothing for a length that is only claimed', () => {
  const before = process.memoryUsage().rss
  const claims = [
    '[[-7,4294967295]]',
    '[[-7,100000000]]',
    '[["Array+",1],[2],4294967295]',
    '[["Array+",1],[2],30000000]',
  ]
  const read = claims.map(payload => encoding.decode(`rich:${payload}`) as unknown[])
  expect(read.map(each => each.length)).toEqual([4294967295, 100000000, 4294967295, 30000000])
  expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
})

test('any text decodes to a value or throws a DecodingError', () => {
  const index = fc.integer({ min: -8, max: 8 })
  const names = [
    'Map',
    'Set',
    'Date',
    'Object',
    'null',
    'Error',
    'Money',
    'Coin',
    'Array+',
    'Object+',
    'null+',
    'BigInt',
  ]
  const views = [
    'Uint8Array',
    'ArrayBuffer',
    'DataView',
    'RegExp',
    'URL',
    'AggregateError',
    'Temporal.Instant',
    'Float16Array',
  ]
  const member = fc.oneof(index, index, index, fc.constantFrom('__proto__', 'a', '', 'AAAA'))
  const entry = fc.oneof(
    fc
      .tuple(fc.constantFrom(...names, ...views), fc.array(member, { maxLength: 4 }))
      .map(([name, rest]) => [name, ...rest]),
    fc.array(index, { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor', 'then', 'stack'), index, { maxKeys: 3 }),
    fc.oneof(fc.constantFrom('a', '__proto__', 'length', null, true), fc.integer(), fc.double()),
  )
  let decoded = 0
  fc.assert(
    fc.property(fc.oneof(fc.array(entry, { minLength: 1, maxLength: 8 }), fc.jsonValue()), flat => {
      try {
        expect(encoding.decode(`rich:${JSON.stringify(flat)}`)).not.toBeUndefined()
        decoded++
      } catch (error) {
        if (!(error instanceof DecodingError)) throw error
      }
      expectUnpolluted()
    }),
    { numRuns: 5000 },
  )
  expect(decoded).toBeGreaterThan(200)
})
