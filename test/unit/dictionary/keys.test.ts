import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkKey } from '../../../src/dictionary/keys.js'
import { toPairs } from '../../../src/dictionary/pairs.js'
import { InvalidKeyError, MemoryDict } from '../../../src/index.js'

describe('checkKey', () => {
  test('accepts exactly the non-empty well-formed strings of at most 512 bytes in UTF-8', () => {
    const unit = fc.constantFrom('a', 'é', '☃', '🗝', '\ud83d', '\udddd', '\0', ' ')
    const text = fc.oneof(
      fc.array(unit, { maxLength: 8 }).map(units => units.join('')),
      fc.tuple(unit, fc.integer({ min: 120, max: 520 })).map(([one, times]) => one.repeat(times)),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(text, key => {
        const bytes = new TextEncoder().encode(key)
        const good =
          key !== '' && bytes.length <= 512 && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) === key
        if (good) checkKey(key, 'd')
        else expect(() => checkKey(key, 'd')).toThrow(InvalidKeyError)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([undefined, null, 1, 1n, Symbol('s'), {}, ['a'], new String('a'), true])('rejects %o', key => {
    expect(() => checkKey(key, 'd')).toThrow(InvalidKeyError)
  })

  test('names what is wrong with which key of which dictionary', () => {
    const long = 'x'.repeat(600)
    expect(() => checkKey(long, 'settings')).toThrow(/"settings".*600 bytes/)
    expect(() => checkKey('', 'settings')).toThrow(/"settings".*empty/)
    expect(() => checkKey('a\ud800', 'settings')).toThrow(/surrogate/)
    try {
      checkKey(long, 'settings')
    } catch (error) {
      expect(error).toMatchObject({ dictionary: 'settings', key: long, code: 'DURABLEDICT_INVALID_KEY' })
      expect((error as Error).message.length).toBeLessThan(300)
    }
  })

  test('is called by every method that accepts a key', async () => {
    const dict = await MemoryDict.open()
    const bad = '' as never
    for (const call of [
      () => dict.get(bad),
      () => dict.getOrThrow(bad),
      () => dict.has(bad),
      () => dict.set(bad, 1),
      () => dict.delete(bad),
      () => dict.pop(bad),
      () => dict.setDefault(bad, 1),
      () => dict.update([[bad, 1]]),
      () => dict.transact(tx => tx.get(bad)),
      () => dict.transact(tx => tx.has(bad)),
      () => dict.transact(tx => tx.set(bad, 1)),
      () => dict.transact(tx => tx.delete(bad)),
      () => dict.transact(tx => tx.pop(bad)),
      () => dict.transact(tx => tx.setDefault(bad, 1)),
      () => dict.transact(tx => tx.update([[bad, 1]])),
    ]) {
      await expect(call()).rejects.toThrow(InvalidKeyError)
    }
    expect(await dict.size()).toBe(0)
  })
})

describe('toPairs', () => {
  async function* later() {
    yield ['a', 1]
  }

  class Settings {
    a = 1
  }

  test('accepts an object, a Map, or any iterable of pairs', () => {
    function* pairs() {
      yield ['a', 1]
      yield ['b', 2]
    }
    const wanted = [
      ['a', 1],
      ['b', 2],
    ]
    expect(toPairs({ a: 1, b: 2 })).toEqual(wanted)
    expect(toPairs(Object.assign(Object.create(null), { a: 1, b: 2 }))).toEqual(wanted)
    expect(toPairs(new Map(Object.entries({ a: 1, b: 2 })))).toEqual(wanted)
    expect(toPairs(wanted)).toEqual(wanted)
    expect(toPairs(pairs())).toEqual(wanted)
    expect(toPairs(new Settings())).toEqual([['a', 1]])
    expect(toPairs(runInNewContext('({ a: 1, b: 2 })'))).toEqual(wanted)
    expect(toPairs(runInNewContext('({})'))).toEqual([])
    expect(toPairs(JSON.parse('{"__proto__": 1}'))).toEqual([['__proto__', 1]])
  })

  test.each([undefined, null, 1, 'ab', Promise.resolve({}), new WeakMap(), new Date(0), later(), () => {}])(
    'rejects %o',
    entries => {
      expect(() => toPairs(entries)).toThrow(TypeError)
    },
  )

  test.each([[['a']], [['a', 1, 2]], ['ab'], [null], [{ 0: 'a', 1: 1, length: 2 }]])('rejects the pair %o', pair => {
    expect(() => toPairs([['ok', 1], pair])).toThrow(/item 1/)
  })
})
