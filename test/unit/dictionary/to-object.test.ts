import { describe, expect, test } from 'vitest'
import { DecodingError, JSONEncoding, MemoryDict, MemoryStore, StaleError } from '../../../src/index.js'
import { collectGarbage } from '../../garbage.js'

const defaults = { theme: 'light', perPage: 20 }

describe('toObject()', () => {
  test('contains all entries, and the defaults of all other keys', async () => {
    const dict = await MemoryDict.open<Record<string, unknown>>(undefined, {
      defaults: { theme: 'light', perPage: 20 },
    })
    await dict.update({ theme: 'dark', tags: ['a'], none: null })
    const wanted = { theme: 'dark', perPage: 20, tags: ['a'], none: null }
    for (const view of [dict.local, dict.current(), await dict.snapshot()])
      expect(view.toObject()).toStrictEqual(wanted)
  })

  test('supports destructuring', async () => {
    const dict = await MemoryDict.open(undefined, { defaults })
    const { theme, perPage } = dict.current().toObject()
    expect([theme, perPage]).toEqual(['light', 20])
  })

  test('is frozen', async () => {
    const dict = await MemoryDict.open(undefined, { defaults })
    expect(Object.isFrozen(dict.local.toObject())).toBe(true)
  })

  test('returns the same object for each state to every caller', async () => {
    const dict = await MemoryDict.open(undefined, { defaults, maxStaleness: 60_000 })
    const snapshot = await dict.snapshot()
    const first = dict.local.toObject()
    for (const view of [dict.local, dict.fresh, dict.current(), await dict.snapshot(), snapshot]) {
      expect(view.toObject()).toBe(first)
    }
    await dict.set('theme', 'dark')
    const second = dict.local.toObject()
    expect(second).not.toBe(first)
    expect(second.theme).toBe('dark')
    expect(dict.current().toObject()).toBe(second)
    expect(snapshot.toObject()).toBe(first)
    expect(first.theme).toBe('light')
  })

  test('returns the same object for each state even after a garbage collection', async () => {
    const dict = await MemoryDict.open(undefined, { defaults })
    const first = new WeakRef(dict.local.toObject())
    await new Promise(resolve => setImmediate(resolve))
    collectGarbage()
    expect(first.deref()).toBe(dict.local.toObject())
    await dict.set('theme', 'dark')
    await new Promise(resolve => setImmediate(resolve))
    collectGarbage()
    expect(first.deref()).toBeUndefined()
  })

  test('treats keys that are names in Object.prototype like any others', async () => {
    const dict = await MemoryDict.open()
    await dict.update(
      new Map([
        ['__proto__', 1],
        ['constructor', 2],
        ['toString', 3],
      ]),
    )
    const object = dict.local.toObject()
    expect(Object.entries(object)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
      ['toString', 3],
    ])
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
  })

  test('prevents a reader from altering what another one reads', async () => {
    const dict = await MemoryDict.open<{ since: Date }>(undefined, { defaults: { since: new Date(0) } })
    const object = dict.local.toObject()
    object.since.setTime(1)
    expect(object.since.getTime()).toBe(0)
    await dict.set('since', new Date(5))
    dict.local.toObject().since.setTime(1)
    expect(dict.local.toObject()).toStrictEqual({ since: new Date(5) })
  })

  test('throws DecodingError, naming the key, when a value cannot be decoded', async () => {
    const store = new MemoryStore()
    const rich = await MemoryDict.open(store)
    const json = await MemoryDict.open(store, { encoding: new JSONEncoding() })
    await rich.update({ fine: 1, broken: new Map() })
    await json.sync()
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(() => json.local.toObject()).toThrow(expect.objectContaining({ key: 'broken', dictionary: json.name }))
      expect(() => json.local.toObject()).toThrow(DecodingError)
    }
    await rich.delete('broken')
    await json.sync()
    expect(json.local.toObject()).toStrictEqual({ fine: 1 })
  })

  test('throws StaleError from fresh if memory was not confirmed within the bound', async () => {
    const dict = await MemoryDict.open(undefined, { defaults, maxStaleness: 1 })
    while (dict.staleness <= 1);
    expect(() => dict.fresh.toObject()).toThrow(StaleError)
    expect(dict.local.toObject()).toStrictEqual(defaults)
  })

  test('keeps serving from local after close', async () => {
    const dict = await MemoryDict.open(undefined, { defaults })
    await dict.close()
    expect(dict.local.toObject()).toStrictEqual(defaults)
  })
})
