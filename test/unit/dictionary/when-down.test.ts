import { expect, onTestFinished, test } from 'vitest'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../../src/conformance/faulty-backend.js'
import { ClosedError, DurableDict, MemoryStore, StaleError, StoreUnavailableError } from '../../../src/index.js'

const WRITES = ['commit', 'persist', 'depersist', 'pop', 'setDefault'] as const

/** An open dictionary that serves while its store is down, and a writer that is not affected. */
async function serving(options: object = {}) {
  const store = new MemoryStore()
  const faulty = new FaultyBackend(new MemoryBackend(store))
  const dict = await DurableDict.open(faulty.backend, { whenDown: 'serve', replicas: false, ...options })
  const writer = await DurableDict.open(new MemoryBackend(store), { replicas: false })
  onTestFinished(async () => {
    faulty.heal()
    await Promise.all([dict.close(), writer.close()])
  })
  await writer.set('theme', 'light')
  await dict.sync()
  const events: string[] = []
  dict.on('stale', ({ cause }) => events.push(`stale ${(cause as Error).name}`))
  dict.on('fresh', () => events.push('fresh'))
  return { dict, faulty, writer, events }
}

test('with whenDown "serve", every awaited read returns memory while the store fails', async () => {
  const { dict, faulty } = await serving()
  faulty.failBefore('changesSince')
  expect(await dict.get('theme')).toBe('light')
  expect(await dict.getOrThrow('theme')).toBe('light')
  expect(await dict.has('theme')).toBe(true)
  expect(await dict.size()).toBe(1)
  expect(await dict.entries()).toEqual([['theme', 'light']])
  expect((await dict.snapshot()).get('theme')).toBe('light')
})

test('an outage is one event "stale", and its end one event "fresh"', async () => {
  const { dict, faulty, writer, events } = await serving()
  faulty.failBefore('changesSince')
  for (let read = 0; read < 5; read += 1) await dict.get('theme')
  expect(events).toEqual(['stale StoreUnavailableError'])
  expect(dict.health()).toMatchObject({ status: 'degraded', reachable: false })
  faulty.heal()
  await writer.set('theme', 'dark')
  await expect.poll(() => dict.get('theme'), { timeout: 10_000 }).toBe('dark')
  expect(events).toEqual(['stale StoreUnavailableError', 'fresh'])
})

test('while the store hangs, only reads of the first check wait, and all of them until its time limit', async () => {
  const { dict, faulty, events } = await serving({ timeout: 200 })
  faulty.hang('changesSince')
  const first = dict.get('theme')
  await faulty.called('changesSince')
  // These would wait for the next check, which would hang as well.
  const later = [dict.get('theme'), dict.size()]
  expect(await first).toBe('light')
  expect(await Promise.all(later)).toEqual(['light', 1])
  const calls = faulty.count('changesSince')
  for (let read = 0; read < 1_000; read += 1) expect(await dict.get('theme')).toBe('light')
  expect(faulty.count('changesSince') - calls).toBeLessThanOrEqual(1)
  expect(events).toEqual(['stale StoreUnavailableError'])
})

test('writes, transactions, sync() and fresh reject during an outage', async () => {
  const { dict, faulty } = await serving({ maxStaleness: 1, timeout: 200 })
  faulty.failBefore(['changesSince', 'load', ...WRITES])
  expect(await dict.get('theme')).toBe('light')
  await expect(dict.sync()).rejects.toThrow(StoreUnavailableError)
  await expect(dict.set('theme', 'dark')).rejects.toThrow()
  await expect(dict.transact(tx => tx.get('theme'))).rejects.toThrow(StoreUnavailableError)
  expect(() => dict.fresh.get('theme')).toThrow(StaleError)
})

test('reads of a closed dictionary reject', async () => {
  const { dict, faulty } = await serving()
  faulty.failBefore('changesSince')
  await dict.get('theme')
  await dict.close()
  await expect(dict.get('theme')).rejects.toThrow(ClosedError)
})

test('by default, reads reject during an outage', async () => {
  const { dict, faulty } = await serving({ whenDown: undefined })
  faulty.failBefore('changesSince')
  await expect(dict.get('theme')).rejects.toThrow(StoreUnavailableError)
})

test('while the store answers, reads are linearizable', async () => {
  const { dict, writer } = await serving()
  for (let value = 0; value < 100; value += 1) {
    await writer.set('n', value)
    expect(await dict.get('n')).toBe(value)
  }
})
