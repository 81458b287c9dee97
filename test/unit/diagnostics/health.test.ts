import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../../src/conformance/faulty-backend.js'
import { openDictionaries } from '../../../src/diagnostics/open-dictionaries.js'
import { type CommonOptions, DurableDict, MemoryDict, MemoryStore, type Schema } from '../../../src/index.js'
import { collectGarbage } from '../../garbage.js'

async function open(options: CommonOptions & { readonly schema?: Schema } = {}) {
  const store = new MemoryStore()
  const faulty = new FaultyBackend(new MemoryBackend(store, 'settings'))
  const dict = await DurableDict.open(faulty.backend, options)
  onTestFinished(() => dict.close())
  return { store, faulty, dict }
}

describe('health()', () => {
  test('is ok after open', async () => {
    const { dict } = await open()
    const staleness = expect.any(Number)
    const health = { ready: true, status: 'ok', reason: undefined, staleness, reachable: true, origin: 'store' }
    expect(dict.health()).toEqual(health)
  })

  test.each([
    ['check', 'changesSince', (dict: DurableDict) => dict.get('a')],
    ['write', 'commit', (dict: DurableDict) => dict.set('a', 1)],
  ] as const)(
    'is degraded after a %s that the store did not answer, until it answers again',
    async (_what, method, call) => {
      const { dict, faulty } = await open()
      faulty.failBefore(method, Object.assign(new Error('a secret'), { code: 'ECONNREFUSED' }))
      await expect(call(dict)).rejects.toThrow()
      const reason = expect.stringMatching(
        /^The store did not answer the latest call, \d+\.\d s ago \(DURABLEDICT_\w+, ECONNREFUSED\)\.$/,
      )
      expect(dict.health()).toMatchObject({ ready: true, status: 'degraded', reachable: false, reason })
      faulty.heal()
      await dict.get('a')
      expect(dict.health()).toMatchObject({ status: 'ok', reachable: true, reason: undefined })
    },
  )

  test('stays ok after a write that the schema refuses', async () => {
    const { dict } = await open({
      schema: { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) } },
    })
    await expect(dict.set('a', 1)).rejects.toThrow()
    expect(dict.health().status).toBe('ok')
  })

  test('is degraded while live memory is older than its bound, although the store never answered with an error', async () => {
    const { dict, faulty } = await open({ live: true, maxStaleness: 100, timeout: 60_000 })
    const stale = new Promise(resolve => void dict.on('stale', resolve))
    const fresh = new Promise(resolve => void dict.on('fresh', resolve))
    faulty.hang('changesSince')
    await stale
    const reason = expect.stringMatching(/^Memory was last confirmed current \d+\.\d s ago; its bound is 0\.1 s\.$/)
    expect(dict.health()).toMatchObject({ ready: true, status: 'degraded', reachable: true, reason })
    faulty.heal()
    await fresh
    expect(dict.health().status).toBe('ok')
  })

  test('is closed after close, and does not throw', async () => {
    const { dict } = await open()
    await dict.close()
    const reason = 'The dictionary is closed.'
    expect(dict.health()).toMatchObject({ ready: false, status: 'closed', reason })
  })
})

describe('stats()', () => {
  test('counts what happened since open', async () => {
    const { dict, faulty, store } = await open()
    const other = await MemoryDict.open(store)
    await other.update({ a: 1, b: 2 })
    await Promise.all([dict.get('a'), dict.get('b')])
    await dict.set('c', 3)
    dict.local.get('a')
    await expect(
      dict.transact(
        async tx => {
          await other.set('a', Number(tx.get('a')) + 1)
          tx.set('a', 0)
        },
        { retries: 0 },
      ),
    ).rejects.toThrow()
    faulty.intercept('changesSince', () => ({ type: 'tooOld', diverged: true }))
    await dict.sync()
    faulty.failBefore(['changesSince', 'commit'])
    await expect(dict.get('a')).rejects.toThrow()
    await expect(dict.set('a', 1)).rejects.toThrow()
    expect(dict.stats()).toEqual({
      checks: 4,
      failedChecks: 1,
      loads: 2,
      failedLoads: 0,
      commits: 1,
      failedCommits: 1,
      conflicts: 1,
      changes: 4,
      divergences: 1,
      outages: 0,
    })
  })

  test('is the same for each view of a dictionary, and does not change afterwards', async () => {
    const { dict } = await open()
    const before = dict.stats()
    const view = dict.as({ by: 'ada' })
    await view.set('a', 1)
    expect(view.stats()).toEqual(dict.stats())
    expect(before.commits).toBe(0)
  })
})

describe('the list of open dictionaries', () => {
  const names = () => openDictionaries().map(({ name }) => name)

  test('contains those of every copy of the library, until they are closed', async () => {
    vi.resetModules()
    const copy = await import('../../../src/index.js')
    const backend = new MemoryBackend(new MemoryStore(), 'of a copy')
    const [one, other] = [await copy.DurableDict.open(backend), await open()]
    expect(names()).toEqual(expect.arrayContaining(['of a copy', 'settings']))
    await Promise.all([one.close(), other.dict.close()])
    expect(names()).not.toContain('of a copy')
  })

  test('does not keep a dictionary alive', async () => {
    await DurableDict.open(new MemoryBackend(new MemoryStore(), 'dropped'))
    expect(names()).toContain('dropped')
    await vi.waitFor(() => {
      collectGarbage()
      expect(names()).not.toContain('dropped')
    })
  })
})
