import { describe, expect, test } from 'vitest'
import { DurableDict, JSONEncoding, MemoryDict, MemoryStore, RichEncoding } from '../../../src/index.js'

const open = (options: unknown) => MemoryDict.open(new MemoryStore(), options as Record<string, never>)

const BAD: Readonly<Record<string, readonly unknown[]>> = {
  autosync: [null, 0, 1, 'true', {}],
  live: [null, 'yes', 1],
  readOnly: [null, 0, 'no'],
  strictKeys: [null, 1, 'yes'],
  timeout: [null, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5000', {}],
  maxStaleness: [null, 0, -1, Number.NaN, '10', true],
  resyncEvery: [null, 0, Number.NaN, Number.POSITIVE_INFINITY, '10', true],
  lastKnown: [
    null,
    '',
    1,
    'a\0b',
    {},
    [],
    { file: '' },
    { file: 'a', seed: 'a' },
    { file: 'a', maxAge: 0 },
    { file: 'a', other: 1 },
  ],
  whenDown: [null, 'fail', true, 0],
  signal: [null, {}, new AbortController(), 'abort'],
  encoding: [null, {}, 'json', JSON, () => {}, { name: 'half', encode: () => '' }, { encode() {}, decode() {} }],
  oldEncoding: [null, {}, 'json', () => {}],
  defaults: [null, 'a', 1, [], new Map([['a', 1]]), new Date(0)],
  schema: [null, 'a', 1, [], new Map(), { a: {} }, { a: null }],
}

describe('options', () => {
  for (const [name, values] of Object.entries(BAD)) {
    test.each(values.map(value => [value]))(`${name}: %o is a TypeError that names it`, async value => {
      const error = await open({ [name]: value }).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(TypeError)
      expect((error as Error).message).toContain(`"${name}"`)
    })
  }

  test('undefined selects the default of every option', async () => {
    const names = [...Object.keys(BAD)]
    const dict = await open(Object.fromEntries(names.map(name => [name, undefined])))
    await dict.set('a', 1, { everywhere: undefined })
    await dict.transact(() => {}, { retries: undefined, timeout: undefined, everywhere: undefined })
    await dict.watch({ key: undefined, signal: undefined }).return?.()
    expect(await dict.get('a')).toBe(1)
  })

  test('numbers that are not valid are shown literally', async () => {
    await expect(open({ timeout: Number.NaN })).rejects.toThrow(/got NaN/)
  })

  test('an unknown option is named, with the known ones', async () => {
    await expect(open({ autoSync: true })).rejects.toThrow(/"autoSync".*autosync/)
  })

  test.each([null, 1, 'live'])('%o instead of the options', async options => {
    await expect(open(options)).rejects.toThrow(TypeError)
  })

  test('a default that the schema or the encoding rejects, or that is undefined, is reported with its key', async () => {
    await expect(open({ defaults: { a: undefined } })).rejects.toThrow(/"a"/)
    await expect(open({ defaults: { a: () => {} } })).rejects.toThrow(/"a"/)
    await expect(open({ defaults: { '': 1 } })).rejects.toThrow(/empty/)
  })

  test('an encoding as an object or as its class', async () => {
    for (const encoding of [JSONEncoding, new JSONEncoding(), RichEncoding, new RichEncoding()]) {
      const dict = await open({ encoding })
      await dict.set('a', [1])
      expect(await dict.get('a')).toEqual([1])
      await dict.close()
    }
  })

  test('anything else instead of the store or the backend', async () => {
    for (const store of [null, {}, 'memory']) {
      await expect(MemoryDict.open(store as never)).rejects.toThrow(TypeError)
    }
    for (const backend of [undefined, null, 1, {}, { persist() {}, depersist() {}, durables() {} }]) {
      await expect(DurableDict.open(backend as never)).rejects.toThrow(TypeError)
    }
  })

  test('a declared capability without its method', async () => {
    const four = { persist() {}, depersist: () => false, durables: () => [], lastUpdated: () => 0 }
    await expect(DurableDict.open({ ...four, supports: { commit: true } })).rejects.toThrow(/supports\.commit/)
  })
})

describe('options of calls', () => {
  test('writes', async () => {
    const dict = await open({})
    const bad = { everyWhere: true } as never
    for (const call of [
      () => dict.set('a', 1, bad),
      () => dict.delete('a', bad),
      () => dict.clear(bad),
      () => dict.update({}, bad),
      () => dict.pop('a', 1, bad),
      () => dict.setDefault('a', 1, bad),
      () => dict.transact(() => {}, bad),
    ]) {
      await expect(call()).rejects.toThrow(/everyWhere/)
    }
    await expect(dict.set('a', 1, { everywhere: 1 } as never)).rejects.toThrow(/"everywhere"/)
    await expect(dict.set('a', 1, null as never)).rejects.toThrow(TypeError)
    expect(await dict.size()).toBe(0)
  })

  test.each([-1, 1.5, Number.NaN, '3', null])('transact: %o retries', async retries => {
    const dict = await open({})
    const call = dict.transact(() => {}, { retries: retries as never })
    await (retries === null ? expect(call).resolves.toBeUndefined() : expect(call).rejects.toThrow(/"retries"/))
  })

  test('transact: anything else instead of the function', async () => {
    const dict = await open({})
    for (const fn of [undefined, null, {}, 'fn']) await expect(dict.transact(fn as never)).rejects.toThrow(TypeError)
  })

  test('watch', async () => {
    const dict = await open({})
    expect(() => dict.watch({ keys: 'a' } as never)).toThrow(/keys/)
    expect(() => dict.watch({ key: '' })).toThrow(/empty/)
    expect(() => dict.watch({ signal: 5 } as never)).toThrow(/"signal"/)
    expect(() => dict.watch(null as never)).toThrow(TypeError)
  })

  test('on and off', async () => {
    const dict = await open({})
    expect(() => dict.on('changed' as never, () => {})).toThrow(/changed.*change/)
    expect(() => dict.off('changed' as never, () => {})).toThrow(/changed/)
    expect(() => dict.on('change', null as never)).toThrow(/function/)
  })
})
