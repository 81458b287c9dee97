import { describe, expect, test, vi } from 'vitest'
import type { CatchUp, Version } from '../../../src/contract/backend.js'
import { AmbiguousWriteError, ClosedError, StoreUnavailableError } from '../../../src/errors/errors.js'
import { GatedBackend, settle, stateOf } from './gated-backend.js'
import { contentOf, openReplica, SILENT, setting, writeBehind } from './helpers.js'

/** Fails the test on a rejection that no one handles. */
async function withoutUnhandled(work: () => Promise<void>): Promise<void> {
  const seen: unknown[] = []
  const note = (reason: unknown) => void seen.push(reason)
  process.on('unhandledRejection', note)
  try {
    await work()
    await settle()
  } finally {
    process.off('unhandledRejection', note)
  }
  expect(seen).toEqual([])
}

const closed = () => new ClosedError('closed')

describe('a check', () => {
  test('brings memory up to everything acknowledged before it', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend)
    writeBehind(backend, 'a', '1')
    expect(contentOf(replica)).toEqual({})
    await replica.check()
    expect(contentOf(replica)).toEqual({ a: '1' })
  })

  test('counts staleness from before it was sent', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend)
    backend.gate('changesSince')
    const before = performance.now()
    const check = replica.check()
    const held = await backend.held('changesSince')
    const sent = performance.now()
    await settle()
    held.release()
    await check
    expect(replica.confirmedAt).toBeGreaterThanOrEqual(before)
    expect(replica.confirmedAt).toBeLessThanOrEqual(sent)
  })

  test('whose answer is older than memory does not take memory back', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend)
    backend.gate('changesSince')
    const check = replica.check()
    const held = await backend.held('changesSince')
    writeBehind(backend, 'a', '1')
    held.execute()
    await replica.submit(setting('a', '2'))
    held.release()
    await check
    expect(contentOf(replica)).toEqual({ a: '2' })
  })

  test('that fails rejects with StoreUnavailableError and its cause, and the next one is unaffected', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend)
    backend.gate('changesSince')
    const first = replica.check()
    const held = await backend.held('changesSince')
    const second = replica.check()
    backend.ungate('changesSince')
    const cause = new Error('down')
    held.fail(cause)
    await expect(first).rejects.toMatchObject({ constructor: StoreUnavailableError, cause, dictionary: 'gated' })
    await expect(second).resolves.toBeUndefined()
  })

  test('that hangs ends at the time limit, and its late answer is dropped without harm', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend, 20)
    backend.gate('changesSince')
    await withoutUnhandled(async () => {
      const check = replica.check()
      const held = await backend.held('changesSince')
      await expect(check).rejects.toThrow(/20 ms/)
      backend.ungate('changesSince')
      writeBehind(backend, 'a', '1')
      await replica.check()
      held.fail(new Error('late'))
    })
    expect(contentOf(replica)).toEqual({ a: '1' })
  })
})

describe('a full load', () => {
  /** The change log does not go back far enough. */
  function forgetful(diverged = false, latency = 0): GatedBackend {
    const backend = new GatedBackend()
    const tooOld = async (since: Version): Promise<CatchUp<unknown>> => {
      if (latency > 0) await new Promise(resolve => setTimeout(resolve, latency))
      if (since !== backend.store.version) return { type: 'tooOld', diverged }
      return { type: 'changes', version: since, changes: [] }
    }
    vi.spyOn(backend, 'changesSince').mockImplementation(tooOld)
    return backend
  }

  test('is shared by all that need it, and contains what each of them must see', async () => {
    const backend = forgetful()
    const replica = await openReplica(backend)
    writeBehind(backend, 'a', '1')
    backend.gate('load')
    const first = replica.check()
    const held = await backend.held('load')
    held.execute()
    // Present writes are not in the load in progress.
    writeBehind(backend, 'b', '2')
    const second = replica.check()
    await settle()
    expect(backend.count('load')).toBe(2)
    backend.ungate('load')
    held.release()
    await first
    await second
    expect(contentOf(replica)).toEqual({ a: '1', b: '2' })
  })

  test('that makes progress may exceed the time limit, while its callers time out', async () => {
    const backend = forgetful(false, 10)
    const replica = await openReplica(backend, 300)
    writeBehind(backend, 'a', '1')
    const load = backend.load.bind(backend)
    let loading = true
    vi.spyOn(backend, 'load').mockImplementation((async (progress: () => void) => {
      while (loading) {
        await new Promise(resolve => setTimeout(resolve, 5))
        progress()
      }
      return load()
    }) as () => ReturnType<typeof load>)
    const first = replica.check()
    await settle()
    const second = replica.check()
    await Promise.all([first, second].map(check => expect(check).rejects.toThrow(/300 ms/)))
    expect(contentOf(replica)).toEqual({})
    const later = replica.check()
    loading = false
    await later
    expect(contentOf(replica)).toEqual({ a: '1' })
    expect(backend.load).toHaveBeenCalledOnce()
  })

  test('after a divergence makes memory report it', async () => {
    const backend = forgetful(true)
    const synced = vi.fn()
    const replica = await openReplica(backend, 5_000, { ...SILENT, synced })
    writeBehind(backend, 'a', '1')
    await replica.check()
    expect(synced).toHaveBeenCalledExactlyOnceWith('diverged', backend.store.version, expect.any(String), 0)
  })

  test('reports a divergence if the store loses its data during the load', async () => {
    const backend = new GatedBackend()
    let diverged = false
    vi.spyOn(backend, 'changesSince').mockImplementation(async () => ({ type: 'tooOld', diverged }))
    const reasons: string[] = []
    const replica = await openReplica(backend, 5_000, { ...SILENT, synced: reason => void reasons.push(reason) })
    backend.gate('load')
    const check = replica.check()
    const held = await backend.held('load')
    backend.ungate('load')
    diverged = true
    held.release()
    await check
    expect(reasons).toEqual(['diverged'])
  })

  test('contains a commit acknowledged during it when the commit resolves', async () => {
    const backend = forgetful()
    const replica = await openReplica(backend)
    writeBehind(backend, 'a', '1')
    backend.gate('load')
    const check = replica.check()
    const held = await backend.held('load')
    held.execute()
    const write = replica.submit(setting('b', '2'))
    await settle()
    backend.ungate('load')
    held.release()
    await Promise.all([check, write])
    expect(contentOf(replica)).toEqual({ a: '1', b: '2' })
  })
})

describe('resync', () => {
  test('finds what was altered without a new version', async () => {
    const backend = new GatedBackend()
    const synced = vi.fn()
    const replica = await openReplica(backend, 5_000, { ...SILENT, synced })
    const load = backend.load.bind(backend)
    vi.spyOn(backend, 'load').mockImplementation(async () => ({ ...(await load()), entries: [['ghost', 'x']] }))
    await replica.resync()
    expect(contentOf(replica)).toEqual({ ghost: 'x' })
    expect(synced).toHaveBeenCalledExactlyOnceWith('diverged', backend.store.version, backend.store.version, 0)
  })

  test('does not take memory back, however far it advanced during the load', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend)
    backend.gate('load')
    const resync = replica.resync()
    const held = await backend.held('load')
    held.execute()
    for (let n = 1; n <= 300; n += 1) await replica.submit(setting('n', String(n)))
    const seen: unknown[] = []
    const replace = vi.spyOn(replica.memory, 'replace').mockImplementation(state => void seen.push(state.version))
    backend.ungate('load')
    held.release()
    await resync
    expect(seen).toEqual([])
    expect(contentOf(replica)).toEqual({ n: '300' })
    replace.mockRestore()
  })

  test('does not replace everything because a load shows a newer state', async () => {
    const backend = new GatedBackend()
    const synced = vi.fn()
    const replica = await openReplica(backend, 5_000, { ...SILENT, synced })
    backend.gate('load')
    const resync = replica.resync()
    const held = await backend.held('load')
    writeBehind(backend, 'a', '1')
    held.release()
    await resync
    expect(contentOf(replica)).toEqual({ a: '1' })
    expect(synced).toHaveBeenCalledExactlyOnceWith('changes', backend.store.version, expect.any(String), 1)
  })
})

describe('a commit', () => {
  test('with an unknown outcome rejects with AmbiguousWriteError, and the next one is unaffected', async () => {
    const backend = new GatedBackend().gate('commit')
    const replica = await openReplica(backend)
    const write = replica.submit(setting('a', '1'))
    const held = await backend.held('commit')
    held.execute()
    const cause = new Error('connection lost')
    held.fail(cause)
    await expect(write).rejects.toMatchObject({ constructor: AmbiguousWriteError, cause })
    backend.ungate('commit')
    await replica.submit(setting('b', '2'))
    expect(contentOf(replica)).toEqual({ a: '1', b: '2' })
  })

  test("rejects with the backend's own error if the backend knows the outcome", async () => {
    const backend = new GatedBackend().gate('commit')
    const replica = await openReplica(backend)
    const write = replica.submit(setting('a', '1'))
    const error = new StoreUnavailableError('not even sent')
    ;(await backend.held('commit')).fail(error)
    await expect(write).rejects.toBe(error)
  })

  test('is not delayed by a slow check', async () => {
    const backend = new GatedBackend().gate('changesSince')
    const replica = await openReplica(backend)
    const check = replica.check()
    await replica.submit(setting('a', '1'))
    expect(contentOf(replica)).toEqual({ a: '1' })
    ;(await backend.held('changesSince')).release()
    await check
  })
})

describe('close', () => {
  test('during a check ends it at once, and its later answer does no harm', async () => {
    const backend = new GatedBackend().gate('changesSince')
    const replica = await openReplica(backend)
    await withoutUnhandled(async () => {
      const first = replica.check()
      const second = replica.check()
      const waiting = replica.check()
      const held = await backend.held('changesSince')
      const third = replica.check()
      const outcomes = Promise.allSettled([first, second, waiting, third])
      await replica.close(closed())
      for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: expect.any(ClosedError) })
      held.fail(new Error('connection closed'))
      await settle()
      expect(backend.count('changesSince')).toBe(1)
    })
  })

  test('drops a check that was to follow, so that its failure cannot be unhandled', async () => {
    const backend = new GatedBackend().gate('changesSince')
    const replica = await openReplica(backend)
    await withoutUnhandled(async () => {
      const first = replica.check()
      await backend.held('changesSince')
      const next = replica.check()
      backend.ungate('changesSince')
      vi.spyOn(backend, 'changesSince').mockImplementation(async () => {
        throw new Error('the connection is closed')
      })
      await Promise.allSettled([replica.close(closed()), first, next])
      await expect(next).rejects.toThrow(ClosedError)
    })
    expect(backend.changesSince).not.toHaveBeenCalled()
  })

  test('during a commit waits for it, and unsent writes reject', async () => {
    const backend = new GatedBackend().gate('commit')
    const replica = await openReplica(backend)
    const sent = replica.submit(setting('a', '1'))
    const held = await backend.held('commit')
    const unsent = replica.submit(setting('b', '2'))
    const closing = replica.close(closed())
    await expect(unsent).rejects.toThrow(ClosedError)
    expect(await stateOf(closing)).toBe('pending')
    held.release()
    await expect(sent).resolves.toMatchObject({ status: 'done' })
    await closing
    expect([...backend.store.load().entries]).toEqual([['a', '1']])
  })

  test('during a full load rejects at once for all that wait for it', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend)
    writeBehind(backend, 'a', '1')
    vi.spyOn(backend, 'changesSince').mockResolvedValue({ type: 'tooOld', diverged: false })
    backend.gate('load')
    await withoutUnhandled(async () => {
      const check = replica.check()
      const held = await backend.held('load')
      const closing = replica.close(closed())
      await expect(check).rejects.toThrow(ClosedError)
      await closing
      held.fail(new Error('late'))
    })
  })

  test('afterwards, nothing is sent to the store', async () => {
    const backend = new GatedBackend()
    const replica = await openReplica(backend)
    await replica.close(closed())
    const calls = backend.calls.length
    await expect(replica.check()).rejects.toThrow(ClosedError)
    await expect(replica.submit(setting('a', '1'))).rejects.toThrow(ClosedError)
    expect(backend.calls).toHaveLength(calls)
  })
})

describe('subscribe', () => {
  test('a subscription that arrives too late is ended again', async () => {
    const backend = new GatedBackend().gate('subscribe')
    const replica = await openReplica(backend, 20)
    const listener = { changed: () => {}, interrupted: () => {} }
    const subscribing = replica.subscribe(listener)
    const held = await backend.held('subscribe')
    await expect(subscribing).rejects.toThrow(StoreUnavailableError)
    held.release()
    await settle()
    expect(backend.listeners.size).toBe(0)
    expect(backend.calls).toContain('unsubscribe')
  })
})

describe('isOwn', () => {
  test('recognizes its own batches by their id, or without one by what is being written', async () => {
    const backend = new GatedBackend().gate('commit')
    const replica = await openReplica(backend)
    const write = replica.submit(setting('a', '1'))
    const held = await backend.held('commit')
    expect(replica.isOwn(undefined, 'a')).toBe(true)
    expect(replica.isOwn(undefined, 'b')).toBe(false)
    expect(replica.isOwn('someone', 'a')).toBe(false)
    held.release()
    await write
    expect(replica.isOwn(undefined, 'a')).toBe(false)
    const own = backend.store.changesSince(undefined)
    expect(own.type).toBe('tooOld')
  })
})
