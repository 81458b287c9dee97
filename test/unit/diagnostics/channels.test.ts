import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../../src/conformance/faulty-backend.js'
import { DurableDict, MemoryDict, MemoryStore } from '../../../src/memory.js'
import { finished, listen, PLAIN, TRACED, trace } from './listen.js'

/** A dictionary on a store that can fail. */
async function openFaulty(options = {}) {
  const store = new MemoryStore()
  const faulty = new FaultyBackend(new MemoryBackend(store, 'settings'))
  const dict = await DurableDict.open(faulty.backend, options)
  onTestFinished(() => dict.close())
  return { store, faulty, dict }
}

describe('the channels publish', () => {
  test('the opening of a dictionary, with its load inside', async () => {
    const [opened, loads] = [trace('open'), finished('load')]
    await openFaulty()
    expect(opened.map(([event]) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    const [, message] = opened.at(-1) ?? []
    expect(message).toEqual({ name: 'settings', store: 'memory', outcome: 'ok', duration: expect.any(Number) })
    expect(loads).toEqual([
      { name: 'settings', store: 'memory', outcome: 'ok', duration: expect.any(Number), entries: 0 },
    ])
  })

  test('an opening that fails, with the codes of its error', async () => {
    const opened = trace('open')
    const faulty = new FaultyBackend(new MemoryBackend(new MemoryStore(), 'settings'))
    faulty.failBefore('load', Object.assign(new Error('refused 10.0.0.1'), { code: 'ECONNREFUSED' }))
    await expect(DurableDict.open(faulty.backend)).rejects.toThrow()
    expect(opened.map(([event]) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    const error = { name: 'StoreUnavailableError', code: 'DURABLEDICT_STORE_UNAVAILABLE', cause: 'ECONNREFUSED' }
    expect(opened.at(-1)?.[1]).toMatchObject({ outcome: 'DURABLEDICT_STORE_UNAVAILABLE', error })
  })

  test('one check for reads that overlap', async () => {
    const { dict } = await openFaulty()
    const checks = finished('check')
    await Promise.all([dict.get('a'), dict.get('b'), dict.size()])
    expect(checks).toEqual([
      { name: 'settings', store: 'memory', awaited: true, outcome: 'ok', duration: expect.any(Number) },
    ])
  })

  test('a synchronous check without asynchronous events', async () => {
    const { dict } = await openFaulty()
    const checks = trace('check')
    await dict.get('a')
    expect(checks.map(([event]) => event)).toEqual(['start', 'end'])
  })

  test('a check that fails', async () => {
    const { dict, faulty } = await openFaulty()
    const checks = finished('check')
    faulty.failBefore('changesSince')
    await expect(dict.get('a')).rejects.toThrow()
    expect(checks).toMatchObject([
      { outcome: 'DURABLEDICT_STORE_UNAVAILABLE', error: { name: 'StoreUnavailableError' } },
    ])
  })

  test('that nobody waits for a check of the background', async () => {
    const checks = finished('check')
    const { dict } = await openFaulty({ live: true, autosync: false })
    await dict.get('a')
    expect(checks.map(({ awaited }) => awaited)).toEqual([false])
    await dict.sync()
    expect(checks.map(({ awaited }) => awaited)).toEqual([false, true])
  })

  test('each write of a caller, also those that share a round trip', async () => {
    const { dict } = await openFaulty()
    const commits = finished('commit')
    await Promise.all([dict.set('a', 1), dict.update({ b: 2, c: 3 })])
    expect(commits.map(({ operations, outcome }) => [operations, outcome])).toEqual([
      [1, 'ok'],
      [2, 'ok'],
    ])
  })

  test('a write with an unknown outcome', async () => {
    const { dict, faulty } = await openFaulty()
    const commits = finished('commit')
    faulty.failAfter('commit')
    await expect(dict.set('a', 1)).rejects.toThrow()
    expect(commits).toMatchObject([{ outcome: 'DURABLEDICT_AMBIGUOUS_WRITE' }])
  })

  test('a write that the store refuses for its content', async () => {
    const { dict, faulty } = await openFaulty()
    const commits = trace('commit')
    faulty.intercept('commit', async (proceed, ...args) => {
      const { outcomes: _, ...rest } = (await proceed(...args)) as { outcomes: unknown }
      return { ...rest, outcomes: [{ status: 'refused', error: new RangeError('too large') }] }
    })
    await expect(dict.set('a', 1)).rejects.toThrow()
    expect(commits.map(([event]) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(commits.at(-1)?.[1]).toMatchObject({ outcome: 'error', error: { name: 'Error' } })
  })

  test('each attempt of a transaction that conflicts', async () => {
    const { dict, store } = await openFaulty()
    const other = await MemoryDict.open(store)
    const [conflicts, commits] = [listen('durabledict:conflict'), finished('commit')]
    let attempts = 0
    await dict.transact(async tx => {
      const before = Number(tx.get('a') ?? 0)
      attempts += 1
      if (attempts <= 2) await other.set('a', attempts)
      tx.set('a', before + 10)
    })
    expect(conflicts).toEqual([
      { name: 'settings', store: 'memory' },
      { name: 'settings', store: 'memory' },
    ])
    expect(commits.map(({ outcome }) => outcome)).toEqual(['ok', 'conflict', 'ok', 'conflict', 'ok'])
  })

  test('how many changes of entries memory applied', async () => {
    const { dict, store } = await openFaulty()
    const other = await MemoryDict.open(store)
    await other.update({ a: 1, b: 2 })
    await other.delete('a')
    const syncs = listen('durabledict:sync')
    await dict.sync()
    expect(syncs).toEqual([{ name: 'settings', store: 'memory', reason: 'changes', changes: 3 }])
  })

  test('a divergence', async () => {
    const { dict, faulty } = await openFaulty()
    const syncs = listen('durabledict:sync')
    faulty.intercept('changesSince', () => ({ type: 'tooOld', diverged: true }))
    await dict.sync()
    expect(syncs).toEqual([{ name: 'settings', store: 'memory', reason: 'diverged', changes: 0 }])
  })

  test('the beginning and the end of an outage, with its cause', async () => {
    const { dict, faulty } = await openFaulty({ live: true, maxStaleness: 100 })
    const [stale, fresh] = [listen('durabledict:stale'), listen('durabledict:fresh')]
    const [wentStale, isFresh] = [event(dict, 'stale'), event(dict, 'fresh')]
    faulty.failBefore('changesSince', Object.assign(new Error('lost'), { code: 'ECONNRESET' }))
    await wentStale
    expect(stale).toMatchObject([{ name: 'settings', store: 'memory', cause: { cause: 'ECONNRESET' } }])
    faulty.heal()
    await isFresh
    expect(fresh).toEqual([{ name: 'settings', store: 'memory', staleness: expect.any(Number) }])
  })

  test('the kind of store as "custom" for a backend that names none, or no usable name', async () => {
    const opened = finished('open')
    for (const storeKind of [undefined, '', 'x'.repeat(41), new Map()] as never[]) {
      const { backend } = new FaultyBackend(new MemoryBackend(new MemoryStore()))
      await DurableDict.open({ ...backend, storeKind })
    }
    expect(opened.map(({ store }) => store)).toEqual(['custom', 'custom', 'custom', 'custom'])
  })
})

describe('the channels never publish', () => {
  test('reads from memory', async () => {
    const { dict } = await openFaulty({ maxStaleness: 60_000 })
    await dict.set('a', 1)
    const heard = [...TRACED.map(finished), ...PLAIN.map(name => listen(`durabledict:${name}`))]
    await dict.get('a')
    dict.local.get('a')
    dict.fresh.get('a')
    dict.current().get('a')
    expect(heard.flat()).toEqual([])
  })

  test('a key or a value, whatever fails', async () => {
    const traces = TRACED.map(trace)
    const plain = PLAIN.map(name => listen(`durabledict:${name}`))
    const { dict, faulty, store } = await openFaulty({ live: true, maxStaleness: 100 })
    const other = await MemoryDict.open(store)
    await dict.update({ SECRETKEY: 'SECRETVALUE', other: 1 })
    await dict
      .transact(
        async tx => {
          await other.set('SECRETKEY', { SECRETVALUE: tx.get('SECRETKEY') })
          tx.set('SECRETKEY', 'SECRETVALUE')
        },
        { retries: 0 },
      )
      .catch(() => {})
    const [last] = await dict.history({ limit: 1 }).toArray()
    await dict.revert(last?.id ?? '')
    const wentStale = event(dict, 'stale')
    const cause = Object.assign(new Error('insert SECRETKEY'), { code: 'SECRETKEY SECRETVALUE', cause: 'SECRETVALUE' })
    faulty.failBefore(['changesSince', 'commit', 'load'], cause)
    await expect(dict.sync()).rejects.toThrow()
    await expect(dict.set('SECRETKEY', 'SECRETVALUE')).rejects.toThrow()
    await wentStale
    const heard = inspect([traces, plain], { depth: Number.POSITIVE_INFINITY, showHidden: true })
    expect(heard).toContain('DURABLEDICT_AMBIGUOUS_WRITE')
    expect(heard).not.toMatch(/SECRET/)
  })
})

describe('subscribers', () => {
  test('that bind a store to the start have it in everything that the operation starts', async () => {
    const { dict, faulty } = await openFaulty()
    const storage = new AsyncLocalStorage<string>()
    const { start } = tracingChannel('durabledict:check')
    start.bindStore(storage, () => 'in the check')
    onTestFinished(() => void start.unbindStore(storage))
    const loadsIn: unknown[] = []
    const load = tracingChannel('durabledict:load').start
    const listener = () => void loadsIn.push(storage.getStore())
    load.subscribe(listener)
    onTestFinished(() => void load.unsubscribe(listener))
    faulty.intercept('changesSince', () => ({ type: 'tooOld', diverged: false }))
    await dict.sync()
    expect(loadsIn).toEqual(['in the check'])
    expect(storage.getStore()).toBeUndefined()
  })

  test('get the messages of every copy of the library in the process', async () => {
    const opened = finished('open')
    vi.resetModules()
    const copy = await import('../../../src/memory.js')
    expect(copy.MemoryDict).not.toBe(MemoryDict)
    await Promise.all([copy.MemoryDict.open(), MemoryDict.open()])
    expect(opened).toHaveLength(2)
  })
})

function event(dict: DurableDict, name: 'stale' | 'fresh'): Promise<unknown> {
  return new Promise(resolve => void dict.on(name, resolve))
}
