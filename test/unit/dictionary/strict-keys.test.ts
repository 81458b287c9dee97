import { describe, expect, test } from 'vitest'
import { type DurableDict, InvalidKeyError, MemoryDict, MemoryStore } from '../../../src/index.js'

const defaults = { theme: 'light' }
const number = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
  },
} as const

/** Without its types, as in JavaScript. */
const untyped = (dict: object) => dict as DurableDict

const CALLS: Record<string, (dict: DurableDict) => unknown> = {
  get: dict => dict.get('tehme'),
  getOrThrow: dict => dict.getOrThrow('tehme'),
  has: dict => dict.has('tehme'),
  set: dict => dict.set('tehme', 1),
  delete: dict => dict.delete('tehme'),
  pop: dict => dict.pop('tehme', undefined),
  setDefault: dict => dict.setDefault('tehme', 1),
  update: dict => dict.update({ theme: 'dark', tehme: 1 }),
  'transact, reading': dict => dict.transact(tx => tx.get('tehme')),
  'transact, writing': dict => dict.transact(tx => tx.set('tehme', 1)),
  'transact, updating': dict => dict.transact(tx => tx.update({ tehme: 1 })),
  watch: dict => dict.watch({ key: 'tehme' }),
  'local.get': dict => dict.local.get('tehme'),
  'local.has': dict => dict.local.has('tehme'),
  'fresh.get': dict => dict.fresh.get('tehme'),
  'fresh.has': dict => dict.fresh.has('tehme'),
  'current().get': dict => dict.current().get('tehme'),
  'snapshot().has': async dict => (await dict.snapshot()).has('tehme'),
  derive: dict => dict.derive(() => 1, { keys: ['tehme'] }),
}

describe('with strictKeys', () => {
  test.each(Object.entries(CALLS))('%s rejects a key that is not declared, even if it is stored', async (_, call) => {
    const store = new MemoryStore()
    await (await MemoryDict.open(store)).set('tehme', 'stored')
    const dict = untyped(await MemoryDict.open(store, { defaults, strictKeys: true, maxStaleness: 60_000 }))
    const refused = (async () => call(dict))()
    await expect(refused).rejects.toThrow(InvalidKeyError)
    await expect(refused).rejects.toMatchObject({ key: 'tehme', dictionary: dict.name })
    expect([...dict.local.keys()]).toEqual(['tehme'])
  })

  test('accepts the keys of the defaults or of an object of schemas', async () => {
    const dict = untyped(
      await MemoryDict.open(undefined, {
        schema: { perPage: number, size: number },
        defaults: { size: 1 },
        strictKeys: true,
      }),
    )
    await dict.set('perPage', 10)
    expect([await dict.get('perPage'), dict.local.get('size')]).toEqual([10, 1])
    await expect(dict.get('theme')).rejects.toThrow(InvalidKeyError)
  })

  test('accepts the keys of the defaults if one schema applies to every value', async () => {
    const dict = untyped(await MemoryDict.open(undefined, { schema: number, defaults: { size: 1 }, strictKeys: true }))
    await dict.set('size', 10)
    await expect(dict.set('other', 10)).rejects.toThrow(InvalidKeyError)
  })

  test('lists other keys of the store and does not change them', async () => {
    const store = new MemoryStore()
    const other = await MemoryDict.open(store)
    await other.set('tehme', 1)
    const dict = untyped(await MemoryDict.open(store, { defaults, strictKeys: true }))
    expect(await dict.keys()).toEqual(['tehme'])
    expect(dict.local.toObject()).toEqual({ theme: 'light', tehme: 1 })
  })

  test('open() rejects if no key is declared', async () => {
    for (const options of [{}, { defaults: {} }, { schema: number }]) {
      await expect(MemoryDict.open(undefined, { ...options, strictKeys: true } as object)).rejects.toThrow(TypeError)
    }
  })
})

test('without strictKeys, keys missing from the defaults are accepted at run time', async () => {
  for (const strictKeys of [false, undefined]) {
    const dict = untyped(await MemoryDict.open(undefined, { defaults, strictKeys }))
    await dict.set('tehme', 1)
    expect([await dict.get('tehme'), dict.local.get('tehme')]).toEqual([1, 1])
  }
})
