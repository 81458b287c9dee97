import { onTestFinished } from 'vitest'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../../src/conformance/faulty-backend.js'
import { DurableDict, MemoryStore } from '../../../src/memory.js'

/** Opens a dictionary of that name on a store that can fail. */
export async function openNamed(name: string, options = {}) {
  const store = new MemoryStore()
  const faulty = new FaultyBackend(new MemoryBackend(store, name))
  const dict = await DurableDict.open(faulty.backend, options)
  const other = await DurableDict.open(new MemoryBackend(store, 'another process'))
  onTestFinished(async () => {
    await Promise.all([dict.close(), other.close()])
  })
  return { dict, faulty, other }
}

/** Fails a check, loads everything twice, the second time after a divergence, and makes a transaction conflict. */
export async function haveTrouble({ dict, faulty, other }: Awaited<ReturnType<typeof openNamed>>): Promise<void> {
  faulty.failBefore('changesSince')
  await dict.sync().catch(() => {})
  faulty.heal()
  for (const diverged of [false, true]) {
    faulty.intercept('changesSince', () => ({ type: 'tooOld', diverged }))
    await dict.sync()
  }
  faulty.heal()
  const interrupted = dict.transact(
    async tx => {
      await other.set('SECRETKEY', `${tx.get('SECRETKEY')} SECRETVALUE`)
      tx.set('SECRETKEY', 'SECRETVALUE')
    },
    { retries: 0 },
  )
  await interrupted.catch(() => {})
}
