import { describe, expect, test } from 'vitest'
import {
  AmbiguousWriteError,
  type Backend,
  DurableDict,
  EncodingError,
  InvalidValueError,
  MemoryDict,
  SqliteDict,
  StoreUnavailableError,
} from '../../../src/index.js'

/** Four methods, some of which the test breaks. */
function backend(spoilt: Partial<Record<keyof Backend, () => unknown>> = {}): Backend {
  const entries = new Map<string, string>()
  let version = 0
  const good: Backend = {
    name: 'own',
    persist: (key, stored) => {
      entries.set(key, stored)
      version += 1
    },
    depersist: key => {
      version += 1
      return entries.delete(key)
    },
    durables: () => [...entries],
    lastUpdated: () => version,
  }
  return Object.assign(good, spoilt)
}

const down = () => {
  throw new Error('the line is down')
}

describe("errors of the store name the caller's key", () => {
  test('after a write', async () => {
    const dict = await DurableDict.open(backend({ persist: down }))
    const error = await dict.set('theme', 1).catch(error => error)
    expect(error).toBeInstanceOf(AmbiguousWriteError)
    expect(error).toMatchObject({ dictionary: 'own', key: 'theme', cause: { message: 'the line is down' } })
    expect(error.message).toMatch(/"theme".*"own".*the line is down\. Read the key again/)
  })

  test('after a read', async () => {
    const own = backend()
    const dict = await DurableDict.open(own)
    Object.assign(own, { lastUpdated: down })
    const [a, b] = await Promise.all(
      ['a', 'b'].map(key =>
        dict.get(key).then(
          () => expect.fail(),
          error => error,
        ),
      ),
    )
    expect(a).toBeInstanceOf(StoreUnavailableError)
    expect([a.key, b.key]).toEqual(['a', 'b'])
    expect(a).toMatchObject({ dictionary: 'own', cause: { message: 'the line is down' } })
  })
})

describe('a backend that violates the contract is rejected at open', () => {
  test.each([
    ['lastUpdated', undefined, 'undefined'],
    ['lastUpdated', null, 'null'],
    ['lastUpdated', Number.NaN, 'NaN'],
    ['lastUpdated', new Date(), 'object'],
    ['durables', 5, 'number'],
    ['durables', { a: 'x' }, 'object'],
    ['durables', [[5, 'x']], 'number'],
    ['durables', [['k']], 'undefined'],
    ['durables', ['ab'], 'undefined'],
  ] as const)('%s() returning %o', async (method, given, shown) => {
    const opening = DurableDict.open(backend({ [method]: () => given }))
    await expect(opening).rejects.toThrow(new RegExp(`${method}\\(\\) of the backend must return .*got .*${shown}`))
  })

  test('an encoding that returns a promise', async () => {
    const encoding = { name: 'Later', encode: async () => 'x', decode: () => 1 }
    const dict = await MemoryDict.open(undefined, { encoding: encoding as never })
    await expect(dict.set('a', 1)).rejects.toThrow(EncodingError)
    expect(await dict.size()).toBe(0)
  })
})

describe('an invalid default', () => {
  test('is reported as a default', async () => {
    const validate = () => ({ issues: [{ message: 'no' }] })
    const schema = { a: { '~standard': { version: 1 as const, vendor: 'test', validate } } }
    const opening = MemoryDict.open(undefined, { schema, defaults: { a: 1 } as never })
    await expect(opening).rejects.toThrow(InvalidValueError)
    await expect(opening).rejects.toThrow(/^Option "defaults": .*"a"/)
  })
})

test('instanceof distinguishes the dictionaries of each store', async () => {
  const dict = await MemoryDict.open()
  expect(dict instanceof MemoryDict).toBe(true)
  expect(dict instanceof DurableDict).toBe(true)
  expect(dict instanceof SqliteDict).toBe(false)
  expect((null as unknown) instanceof MemoryDict).toBe(false)
})
