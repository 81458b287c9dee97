import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deepFreeze } from '../../../src/encodings/freeze.js'

class Money {
  amount = { cents: 1 }
}

/** Every plain object and array that can be reached through plain ones. */
function plainParts(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null || found.has(value)) return found
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype && prototype !== Array.prototype) return found
  found.add(value)
  for (const key of Reflect.ownKeys(value)) plainParts((value as Record<PropertyKey, unknown>)[key], found)
  return found
}

describe('deepFreeze', () => {
  test.each([0, '', 'text', true, null, undefined, 1n, Symbol('s')])('%s needs no freezing', value => {
    expect(deepFreeze(value)).toBe(true)
  })

  test('freezes plain objects and arrays at any depth', () => {
    const value = { list: [{ a: 1 }, [2]], bare: Object.assign(Object.create(null), { inner: {} }) }
    expect(deepFreeze(value)).toBe(true)
    for (const part of [value, value.list, value.list[0], value.list[1], value.bare, value.bare.inner]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  const foreign: [string, () => object][] = [
    ['Date', () => new Date(0)],
    ['Map', () => new Map([['a', {}]])],
    ['Set', () => new Set()],
    ['typed array', () => new Uint8Array(2)],
    ['ArrayBuffer', () => new ArrayBuffer(2)],
    ['class instance', () => new Money()],
    ['function', () => () => 1],
    ['error', () => new Error('x')],
    ['array of a subclass', () => new (class Stack extends Array {})()],
    ['RegExp', () => /x/],
  ]
  test.each(foreign)('a %s cannot be shared and stays as it is, and the rest is frozen', (_name, make) => {
    const it = make()
    const value = { before: [{}], it, after: [{}] }
    expect(deepFreeze(value)).toBe(false)
    expect(deepFreeze(make())).toBe(false)
    expect([value, value.before, value.before[0], value.after, value.after[0]].every(Object.isFrozen)).toBe(true)
    expect(Object.isFrozen(it)).toBe(false)
  })

  test('leaves the contents of a class instance alone', () => {
    const money = new Money()
    deepFreeze([money])
    expect(Object.isFrozen(money.amount)).toBe(false)
  })

  test('finds a value under a symbol key', () => {
    expect(deepFreeze({ [Symbol('s')]: new Map() })).toBe(false)
  })

  test('handles cycles, and returns false if a cycle contains something else', () => {
    const plain: Record<string, unknown> = { list: [] }
    plain.self = plain
    ;(plain.list as unknown[]).push(plain)
    expect(deepFreeze(plain)).toBe(true)
    expect(Object.isFrozen(plain.list)).toBe(true)
    const mixed: Record<string, unknown> = { date: new Date(0) }
    mixed.self = mixed
    expect(deepFreeze(mixed)).toBe(false)
  })

  test('looks inside objects that were already frozen', () => {
    const value = Object.freeze({ inner: { deep: {} }, date: Object.freeze([new Date(0)]) })
    expect(deepFreeze(value)).toBe(false)
    expect(Object.isFrozen(value.inner.deep)).toBe(true)
    expect(deepFreeze(value)).toBe(false)
  })

  test('handles a million levels', () => {
    let value: object = {}
    const innermost = value
    for (let level = 0; level < 1_000_000; level++) value = level % 2 ? [value] : { value }
    expect(deepFreeze(value)).toBe(true)
    expect(Object.isFrozen(innermost)).toBe(true)
  })

  test('takes no time proportional to the length of a sparse array', () => {
    const value: unknown[] = []
    value[4_000_000_000] = {}
    const start = performance.now()
    expect(deepFreeze(value)).toBe(true)
    expect(performance.now() - start).toBeLessThan(1000)
    expect(Object.isFrozen(value[4_000_000_000])).toBe(true)
  })

  test('freezes exactly the plain parts of any value', () => {
    const anything = fc.anything({ withDate: true, withMap: true, withSet: true, withNullPrototype: true })
    fc.assert(
      fc.property(anything, value => {
        deepFreeze(value)
        for (const part of plainParts(value)) expect(Object.isFrozen(part)).toBe(true)
      }),
    )
    fc.assert(fc.property(fc.jsonValue(), value => deepFreeze(value)))
  })
})
