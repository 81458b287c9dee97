import { describe, expect, test, vi } from 'vitest'
import { ClosedError, DurableDict, type DurableDictError, StoreUnavailableError } from '../../../src/index.js'
import { GatedBackend, settle, stateOf } from '../replica/gated-backend.js'
import { writeBehind } from '../replica/helpers.js'

describe('close() during', () => {
  test('a read: it rejects at once with ClosedError, even if the store never responds', async () => {
    const backend = new GatedBackend().gate('changesSince')
    const dict = await DurableDict.open(backend)
    const read = dict.get('a')
    await backend.held('changesSince')
    const closing = dict.close()
    await expect(read).rejects.toThrow(ClosedError)
    await closing
  })

  test('a write: it is waited for and resolves, and the backend is closed after it', async () => {
    const backend = new GatedBackend().gate('commit')
    const dict = await DurableDict.open(backend)
    const write = dict.set('a', 1)
    const held = await backend.held('commit')
    const closing = dict.close()
    expect(await stateOf(closing)).toBe('pending')
    expect(backend.calls).not.toContain('close')
    held.release()
    await expect(write).resolves.toBeUndefined()
    await closing
    expect(backend.calls.at(-1)).toBe('close')
  })

  test("a transaction's function: it rejects with ClosedError, and nothing is written", async () => {
    const backend = new GatedBackend()
    const dict = await DurableDict.open(backend)
    const transaction = dict.transact(async tx => {
      tx.set('a', 1)
      await dict.close()
    })
    await expect(transaction).rejects.toThrow(ClosedError)
    expect([...backend.store.load().entries]).toEqual([])
  })

  test('an iteration over changes: earlier changes are still delivered, then it ends', async () => {
    const dict = await DurableDict.open(new GatedBackend())
    const changes = dict.watch()
    await dict.set('a', 1)
    await dict.close()
    expect((await changes.next()).value).toMatchObject({ key: 'a', value: 1 })
    expect(await changes.next()).toEqual({ done: true, value: undefined })
  })

  test('a wait for the next change', async () => {
    const dict = await DurableDict.open(new GatedBackend())
    const next = dict.watch().next()
    await dict.close()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('reencode: it stops writing', async () => {
    const backend = new GatedBackend()
    const old = { name: 'old', encode: (value: unknown) => `old ${value}`, decode: (stored: string) => stored.slice(4) }
    const encoding = {
      name: 'new',
      encode: (value: unknown) => `new ${value}`,
      decode: (stored: string) => {
        if (!stored.startsWith('new ')) throw new Error('not mine')
        return stored.slice(4)
      },
    }
    writeBehind(backend, 'a', 'old 1')
    const dict = await DurableDict.open(backend, { encoding, oldEncoding: old, autosync: false })
    const closing = dict.close()
    const commits = backend.count('commit')
    // Read from memory after the close: the value would be written back.
    expect(dict.local.get('a')).toBe('1')
    await closing
    await settle()
    expect(backend.count('commit')).toBe(commits)
    await expect(dict.reencode()).rejects.toThrow(ClosedError)
  })

  test('close(): both calls return the same promise', async () => {
    const backend = new GatedBackend()
    const dict = await DurableDict.open(backend)
    await Promise.all([dict.close(), dict.close(), dict[Symbol.asyncDispose]()])
    await dict.close()
    expect(backend.count('close')).toBe(1)
  })
})

describe('close() when the store does not respond', () => {
  test('an unsubscription that fails leaves no watcher waiting and the backend closed', async () => {
    const backend = new GatedBackend().gate('unsubscribe')
    const dict = await DurableDict.open(backend, { live: true })
    const next = dict.watch().next()
    const closing = dict.close()
    const cause = new Error('lost')
    ;(await backend.held('unsubscribe')).fail(cause)
    await expect(closing).rejects.toMatchObject({ constructor: StoreUnavailableError, cause })
    expect(await next).toEqual({ done: true, value: undefined })
    expect(backend.calls.at(-1)).toBe('close')
  })

  test.each(['unsubscribe', 'close'] as const)('%s that hangs ends at the time limit', async method => {
    const backend = new GatedBackend().gate(method)
    const dict = await DurableDict.open(backend, { live: true, timeout: 500 })
    const closed = vi.fn()
    dict.on('close', closed)
    await expect(dict.close()).rejects.toThrow(/500 ms/)
    expect(closed).toHaveBeenCalledOnce()
  })
})

describe('after close()', () => {
  test('every call rejects with ClosedError, and local still serves reads', async () => {
    const dict = await DurableDict.open(new GatedBackend())
    await dict.set('a', 1)
    await dict.close()
    const calls: Record<string, () => Promise<unknown>> = {
      get: () => dict.get('a'),
      getOrThrow: () => dict.getOrThrow('a'),
      has: () => dict.has('a'),
      size: () => dict.size(),
      keys: () => dict.keys(),
      values: () => dict.values(),
      entries: () => dict.entries(),
      iterate: () => dict[Symbol.asyncIterator]().next(),
      snapshot: () => dict.snapshot(),
      set: () => dict.set('a', 1),
      delete: () => dict.delete('a'),
      clear: () => dict.clear(),
      update: () => dict.update({ a: 1 }),
      'empty update': () => dict.update({}),
      pop: () => dict.pop('a'),
      setDefault: () => dict.setDefault('a', 1),
      transact: () => dict.transact(() => {}),
      sync: () => dict.sync(),
      reencode: () => dict.reencode(),
      watch: () => dict.watch().next(),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await call().then(
        () => undefined,
        (error: DurableDictError) => error,
      )
      expect(error, name).toBeInstanceOf(ClosedError)
      expect(error?.dictionary, name).toBe('gated')
    }
    expect(dict.local.get('a')).toBe(1)
  })

  test('a signal that outlives the dictionary keeps none of its listeners', async () => {
    const controller = new AbortController()
    const add = vi.spyOn(controller.signal, 'addEventListener')
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const dict = await DurableDict.open(new GatedBackend(), { signal: controller.signal })
    const watching = dict.watch({ signal: controller.signal })
    await dict.close()
    await watching.next()
    expect(add.mock.calls.map(call => call[1])).toEqual(expect.arrayContaining(remove.mock.calls.map(call => call[1])))
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length)
  })
})

describe('the option signal', () => {
  test('aborted before: open() rejects with its reason and closes the backend', async () => {
    const backend = new GatedBackend()
    const reason = new Error('no longer wanted')
    await expect(DurableDict.open(backend, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(backend.calls).toEqual(['close'])
  })

  test('aborted while it loads: open() rejects at once with its reason and closes the backend', async () => {
    const backend = new GatedBackend().gate('load')
    const controller = new AbortController()
    const opening = DurableDict.open(backend, { signal: controller.signal })
    await backend.held('load')
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    await expect(opening).rejects.toBe(reason)
    expect(backend.calls).toEqual(['load', 'close'])
  })

  test('aborted while it subscribes: the resulting subscription is ended', async () => {
    const backend = new GatedBackend().gate('subscribe')
    const controller = new AbortController()
    const opening = DurableDict.open(backend, { signal: controller.signal, live: true })
    const held = await backend.held('subscribe')
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    await expect(opening).rejects.toBe(reason)
    held.release()
    await settle()
    expect(backend.listeners.size).toBe(0)
  })

  test('aborted later: the dictionary closes', async () => {
    const backend = new GatedBackend()
    const controller = new AbortController()
    const dict = await DurableDict.open(backend, { signal: controller.signal })
    const closed = new Promise(resolve => dict.on('close', resolve))
    controller.abort()
    await closed
    await expect(dict.get('a')).rejects.toThrow(ClosedError)
  })
})
