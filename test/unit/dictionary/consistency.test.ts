import { expect, test } from 'vitest'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { DurableDict, type Freshness, MemoryStore, UnsupportedError, type Version } from '../../../src/index.js'

/** Its checks are sequentially consistent by default. */
class Lagging extends MemoryBackend {
  readonly supports = { linearizable: false }
  readonly asked: Freshness[] = []

  override changesSince(since: Version, freshness: Freshness = 'linearizable') {
    this.asked.push(freshness)
    return super.changesSince(since)
  }
}

test.each([
  ['sequential', undefined, 'sequential'],
  ['sequential', 'sequential', 'sequential'],
  ['linearizable', 'linearizable', 'linearizable'],
] as const)('a read checks with freshness %s when consistency is %s', async (_, consistency, freshness) => {
  const backend = new Lagging(new MemoryStore())
  await using dict = await DurableDict.open(backend, { consistency })
  await dict.get('a')
  expect(backend.asked).toEqual([freshness])
})

test('sync() is linearizable, whatever consistency is', async () => {
  const backend = new Lagging(new MemoryStore())
  await using dict = await DurableDict.open(backend, { consistency: 'sequential' })
  await dict.sync()
  expect(backend.asked).toEqual(['linearizable'])
})

test('rejects with UnsupportedError when the backend has no linearizable check', async () => {
  const store = new MemoryBackend(new MemoryStore())
  const backend = {
    supports: { linearizable: false },
    persist: store.persist.bind(store),
    depersist: store.depersist.bind(store),
    durables: store.durables.bind(store),
    lastUpdated: store.lastUpdated.bind(store),
  }
  await expect(DurableDict.open(backend, { consistency: 'linearizable' })).rejects.toThrow(UnsupportedError)
})

test('rejects with TypeError when consistency is neither of the two', async () => {
  const open = DurableDict.open(new MemoryBackend(new MemoryStore()), { consistency: 'strong' as 'linearizable' })
  await expect(open).rejects.toThrow('Option "consistency" must be "linearizable" or "sequential"; got "strong".')
})
