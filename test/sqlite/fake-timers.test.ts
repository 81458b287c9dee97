import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryDict, MemoryStore, SqliteDict, StoreUnavailableError } from '../../src/index.js'
import { rawHandle } from './backend.js'
import { folders } from './folder.js'

const fileIn = folders()

/** What test runners replace: by default, and at most. */
const FAKED = {
  'the defaults of Vitest': undefined,
  'everything that Vitest can replace': [
    'Date',
    'hrtime',
    'performance',
    'queueMicrotask',
    'setImmediate',
    'clearImmediate',
    'setInterval',
    'clearInterval',
    'setTimeout',
    'clearTimeout',
  ],
} as const

const OPENERS = {
  SqliteDict: async (options?: object) => SqliteDict.open('d', await fileIn(), options),
  MemoryDict: async (options?: object) => MemoryDict.open(new MemoryStore(), options),
}

/** Captured before it is replaced. */
const { setImmediate: afterTurn } = globalThis

/** Resolves when live memory was confirmed again, without a call: its age has decreased. */
async function checkedByItself(dict: MemoryDict | SqliteDict): Promise<void> {
  for (let before = -1, age = dict.staleness; age >= before; age = dict.staleness) {
    before = age
    await new Promise(resolve => afterTurn(resolve))
  }
}

describe.each(Object.entries(FAKED))('With fake timers by %s', (_, toFake) => {
  beforeEach(() => {
    // The fake clock never advances.
    vi.useFakeTimers(toFake && { toFake: [...toFake] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it.each(Object.entries(OPENERS))('%s works', async (__, open) => {
    const dict = await open()
    for (let n = 0; n < 3; n += 1) await dict.set('n', n)
    expect(await dict.get('n')).toBe(2)
    await dict.update({ a: 1, b: 2 })
    expect(await dict.pop('b')).toBe(2)
    expect(await dict.setDefault('c', 3)).toBe(3)
    await dict.transact(tx => tx.set('n', (tx.get('n') as number) + 1))
    await dict.delete('a')
    await dict.sync()
    expect((await dict.snapshot()).size).toBe(2)
    await dict.clear()
    await dict.close()
  })

  it.each(Object.entries(OPENERS))('%s updates live memory and keeps its bound', async (__, open) => {
    const dict = await open({ live: true, maxStaleness: 50, resyncEvery: 20 })
    const changed = new Promise(resolve => dict.on('change', resolve))
    await dict.set('a', 1, { everywhere: true })
    await changed
    await checkedByItself(dict)
    // More than the bound may pass between two checks on a busy machine, but not always.
    await expect.poll(() => dict.fresh.get('a')).toBe(1)
    await dict.close()
  })
})

describe('With fake timers', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('a dictionary works if it is imported after they were installed', async () => {
    vi.useFakeTimers()
    vi.resetModules()
    const { SqliteDict } = await import('../../src/index.js')
    const dict = await SqliteDict.open('d', await fileIn(), { live: true, maxStaleness: 20 })
    for (let n = 0; n < 3; n += 1) await dict.set('n', n, { everywhere: true })
    expect(await dict.get('n')).toBe(2)
    await dict.close()
  })

  it('SqliteDict waits for a lock and times out', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file, { timeout: 200 })
    const other = await rawHandle(file)
    vi.useFakeTimers()
    other.exec('BEGIN IMMEDIATE')
    await expect(dict.set('a', 1)).rejects.toThrow(StoreUnavailableError)
    const writing = dict.set('a', 2)
    other.exec('COMMIT')
    await writing
    await dict.close()
    other.close()
  })
})
