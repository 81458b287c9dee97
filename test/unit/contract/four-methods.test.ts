import { describe, expect, test, vi } from 'vitest'
import type { Backend } from '../../../src/contract/backend.js'
import { executeGroup, type Target } from '../../../src/contract/execute-group.js'
import { sameStored } from '../../../src/contract/same-stored.js'
import { AmbiguousWriteError, DurableDict, StoreUnavailableError } from '../../../src/index.js'

/** The smallest possible backend, on a Map that the test can inspect. */
class FourMethods implements Backend {
  readonly entries = new Map<string, string>()
  version = 0

  persist(key: string, stored: string): void | Promise<void> {
    this.entries.set(key, stored)
    this.version += 1
  }

  depersist(key: string): boolean | Promise<boolean> {
    this.version += 1
    return this.entries.delete(key)
  }

  durables(): Iterable<readonly [string, string]> | AsyncIterable<readonly [string, string]> {
    return [...this.entries]
  }

  lastUpdated(): number {
    return this.version
  }
}

describe('a backend with four methods', () => {
  test('is a correct dictionary', async () => {
    const backend = new FourMethods()
    const dict = await DurableDict.open(backend)
    await dict.update({ a: 1, b: 2, c: 3 })
    expect(await dict.setDefault('a', 9)).toBe(1)
    expect(await dict.setDefault('d', 4)).toBe(4)
    expect(await dict.pop('b')).toBe(2)
    expect(await dict.pop('b', null)).toBe(null)
    expect(await dict.delete('c')).toBe(true)
    expect(await dict.delete('c')).toBe(false)
    expect(new Map(await dict.entries())).toEqual(new Map(Object.entries({ a: 1, d: 4 })))
    await dict.clear()
    expect(await dict.size()).toBe(0)
    expect(backend.entries.size).toBe(0)
  })

  test('setDefault of an existing key changes nothing, not even the version', async () => {
    const backend = new FourMethods()
    const dict = await DurableDict.open(backend)
    await dict.set('a', 1)
    const { version } = dict
    await dict.setDefault('a', 2)
    expect(dict.version).toBe(version)
  })

  test('a load returns one state: it is repeated if the version changes meanwhile', async () => {
    const backend = new FourMethods()
    backend.entries.set('a', '[1]')
    let disturbances = 3
    backend.durables = async function* () {
      const entries = [...backend.entries]
      if (disturbances > 0) {
        disturbances -= 1
        backend.persist('a', `[${10 + disturbances}]`)
      }
      yield* entries
    }
    const json = { name: 'json', encode: JSON.stringify, decode: JSON.parse }
    const dict = await DurableDict.open(backend, { encoding: json, autosync: false })
    expect(dict.local.get('a')).toEqual([10])
    expect(dict.version).toBe(3)
  })

  test('a load whose version keeps changing rejects and names the remedy', async () => {
    const backend = new FourMethods()
    backend.lastUpdated = () => ++backend.version
    await expect(DurableDict.open(backend)).rejects.toThrow(/load\(\)/)
    await expect(DurableDict.open(backend)).rejects.toThrow(StoreUnavailableError)
  })

  test('a failure in the middle of an update reports how many keys were written', async () => {
    const backend = new FourMethods()
    const dict = await DurableDict.open(backend)
    const cause = new Error('full')
    const { persist } = backend
    vi.spyOn(backend, 'persist').mockImplementation((key, stored) => {
      if (key === 'c') throw cause
      return persist.call(backend, key, stored)
    })
    const update = dict.update({ a: 1, b: 2, c: 3, d: 4 })
    await expect(update).rejects.toMatchObject({ constructor: AmbiguousWriteError, cause })
    await expect(update).rejects.toThrow(/after 2 of 4/)
    // Memory equals what is stored.
    expect([...dict.local.keys()]).toEqual(['a', 'b'])
  })

  test('one failing write in a batch leaves the others unaffected', async () => {
    const backend = new FourMethods()
    const dict = await DurableDict.open(backend)
    const { persist } = backend
    vi.spyOn(backend, 'persist').mockImplementation((key, stored) => {
      if (key === 'bad') throw new Error('refused')
      return persist.call(backend, key, stored)
    })
    const [one, bad, two] = await Promise.allSettled([dict.set('one', 1), dict.set('bad', 1), dict.set('two', 2)])
    expect([one?.status, bad?.status, two?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(new Map(dict.local)).toEqual(new Map(Object.entries({ one: 1, two: 2 })))
  })

  test('the time limit applies to each call, not to all calls of a write together', async () => {
    const backend = new FourMethods()
    const { persist } = backend
    backend.persist = async (key, stored) => {
      await new Promise(resolve => setTimeout(resolve, 40))
      return persist.call(backend, key, stored)
    }
    const dict = await DurableDict.open(backend, { timeout: 400 })
    await dict.update(Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`k${index}`, index])))
    expect(await dict.size()).toBe(15)
  })

  test('a timed-out write stops after the current call', async () => {
    const backend = new FourMethods()
    const { persist } = backend
    let go = () => {}
    backend.persist = async (key, stored) => {
      if (key === 'b') await new Promise<void>(resolve => (go = resolve))
      return persist.call(backend, key, stored)
    }
    const dict = await DurableDict.open(backend, { timeout: 30 })
    await expect(dict.update({ a: 1, b: 2, c: 3 })).rejects.toThrow(AmbiguousWriteError)
    go()
    await dict.set('d', 4)
    expect(await dict.keys()).not.toContain('c')
  })
})

describe('executeGroup', () => {
  function target(entries: Map<string, string>, changed: readonly string[] = []): Target<string> {
    return {
      get: key => entries.get(key),
      set: (key, stored) => void entries.set(key, stored),
      delete: key => void entries.delete(key),
      clear: () => {
        const any = entries.size > 0
        entries.clear()
        return any
      },
      changedSince: (_since, key) => changed.includes(key),
    }
  }
  const set = { type: 'set', key: 'a', stored: 'x' } as const

  test('operations without effect return no effect', () => {
    const effects: never[] = []
    const operations = [
      { type: 'clear' },
      { type: 'delete', key: 'a' },
      { type: 'pop', key: 'a' },
      { type: 'setDefault', key: 'there', stored: 'y' },
    ] as const
    const entries = new Map<string, string>()
    const one = { ...target(entries), get: (key: string) => (key === 'there' ? 'z' : undefined) }
    const outcome = executeGroup({ conditions: [], operations }, one, 1, effects)
    expect(outcome).toEqual({ status: 'done', results: [undefined, false, undefined, 'z'] })
    expect(effects).toEqual([])
  })

  test.each([
    [{ type: 'version', version: 1 }, 1, [], 'done'],
    [{ type: 'version', version: 1 }, 2, [], 'conflict'],
    [{ type: 'version', version: 1 }, undefined, [], 'conflict'],
    [{ type: 'unchanged', key: 'a', since: 1 }, 1, [], 'done'],
    [{ type: 'unchanged', key: 'a', since: 1 }, 1, ['a'], 'conflict'],
    [{ type: 'unchanged', key: 'a', since: 1 }, 1, ['b'], 'done'],
  ] as const)('condition %o on version %o with %o changed: %s', (condition, version, changed, status) => {
    const entries = new Map<string, string>()
    const outcome = executeGroup({ conditions: [condition], operations: [set] }, target(entries, changed), version, [])
    expect(outcome.status).toBe(status)
    expect(entries.size).toBe(status === 'done' ? 1 : 0)
  })

  test('a change by an earlier group of the same batch counts', () => {
    const entries = new Map<string, string>()
    const group = { conditions: [{ type: 'unchanged', key: 'a', since: 1 } as const], operations: [set] }
    for (const effect of [set, { type: 'clear' } as const]) {
      expect(executeGroup(group, target(entries), undefined, [effect]).status).toBe('conflict')
    }
    expect(executeGroup(group, target(entries), undefined, [{ type: 'delete', key: 'b' }]).status).toBe('done')
  })
})

describe('sameStored', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'b', false],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
    [new Uint8Array([1, 2]), new Uint8Array([1, 3]), false],
    [{}, {}, false],
    [Number.NaN, Number.NaN, true],
    [undefined, 'a', false],
  ])('%o and %o: %s', (left, right, same) => {
    expect(sameStored(left, right)).toBe(same)
  })
})
