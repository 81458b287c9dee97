import { expect, it } from 'vitest'
import type { VersionCache } from '../../src/backends/model/versions/version-cache.js'

let count = 0

/** A key that no other test has used. */
export const newKey = () => `key-${++count}`

const PRINTABLE = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join('')

/** What every version cache must do. @param caches - two of them, on one store, through two clients. */
export function cacheSuite(caches: () => { one: VersionCache; other: VersionCache }): void {
  it('creates and returns a version if none exists', async () => {
    const { one, other } = caches()
    const key = newKey()
    expect(await one.get(key)).toBeUndefined()
    expect(await one.add(key, '4503599627370496')).toBe(true)
    expect(await other.get(key)).toBe('4503599627370496')
    expect(await other.add(key, '7')).toBe(false)
    expect(await one.get(key)).toBe('4503599627370496')
  })

  it('increments a version and never creates one', async () => {
    const { one, other } = caches()
    const key = newKey()
    expect(await one.incr(key)).toBeUndefined()
    expect(await one.get(key)).toBeUndefined()
    await one.add(key, '0')
    expect(await one.incr(key)).toBe('1')
    expect(await other.incr(key)).toBe('2')
    expect(await one.get(key)).toBe('2')
  })

  it.each([
    ['255', '256'],
    ['999', '1000'],
    ['4294967295', '4294967296'],
    ['1099511627775', '1099511627776'],
    ['4503599627370495', '4503599627370496'],
    ['8888888888888888', '8888888888888889'],
    ['9007199254740990', '9007199254740991'],
  ])('counts exactly: %s is followed by %s', async (token, next) => {
    const { one } = caches()
    const key = newKey()
    await one.add(key, token)
    expect(await one.get(key)).toBe(token)
    expect(await one.incr(key)).toBe(next)
    expect(await one.get(key)).toBe(next)
  })

  it.each([PRINTABLE, 'k'.repeat(250), '{slot}:version', 'prototype', 'END'])('accepts the key %s', async key => {
    const { one } = caches()
    expect(await one.add(key, '12')).toBe(true)
    expect(await one.incr(key)).toBe('13')
    expect(await one.get(key)).toBe('13')
  })

  it.each(['', '__proto__', 'k'.repeat(251), 'a b', 'a\r\nflush_all', 'a\t', 'é', '\u007f'])(
    'rejects the key %j',
    async key => {
      const { one } = caches()
      for (const call of [() => one.get(key), () => one.incr(key), () => one.add(key, '1')])
        await expect(call()).rejects.toThrow(TypeError)
    },
  )

  it.each(['', '-1', '+1', '1.5', '1e3', '01', ' 1', 'abc', '9007199254740992', '10000000000000000'])(
    'rejects the version %j',
    async token => {
      const { one } = caches()
      const key = newKey()
      await expect(one.add(key, token)).rejects.toThrow(/integer below 2\^53/)
      expect(await one.get(key)).toBeUndefined()
    },
  )

  it('counts concurrent increments of two clients', async () => {
    const { one, other } = caches()
    const key = newKey()
    await one.add(key, '1000')
    const calls = Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? one : other).incr(key))
    const given = await Promise.all(calls)
    expect(new Set(given).size).toBe(400)
    expect(await one.get(key)).toBe('1400')
  })

  it('lets exactly one of several concurrent creations succeed', async () => {
    const { one, other } = caches()
    const key = newKey()
    const calls = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).add(key, `${100 + index}`))
    const founded = (await Promise.all(calls)).flatMap((was, index) => (was ? [`${100 + index}`] : []))
    expect(founded).toEqual([await other.get(key)])
  })
}
