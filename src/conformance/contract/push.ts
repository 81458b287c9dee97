import assert from 'node:assert/strict'
import type { Backend, Change, Listener } from '../../contract/backend.js'
import { follow, range, sameEntries, stateOf } from '../samples.js'
import { needs, type Topic } from '../suite.js'
import type { World } from '../world.js'

/** A listener that records its calls. */
class Recorder implements Listener<unknown> {
  readonly changes: (Change<unknown> | undefined)[] = []
  #waiting: (() => void)[] = []

  changed(change?: Change<unknown>): void {
    this.changes.push(change)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  interrupted(): void {}

  /** Resolves after at least that many calls. */
  async times(world: World, count: number): Promise<void> {
    while (this.changes.length < count) {
      await world.within(new Promise<void>(resolve => this.#waiting.push(resolve)), 'subscribe() must report a change')
    }
  }
}

const subscribe = async (backend: Backend<unknown>, listener: Listener<unknown>) => {
  const unsubscribe = await backend.subscribe?.(listener)
  assert.equal(typeof unsubscribe, 'function', 'subscribe() must return a function that ends the subscription')
  return unsubscribe as () => unknown
}

export const push: Topic = {
  title: 'subscribe() of the backend',
  tests: {
    'subscribe() reports changes by others and by the backend itself': needs('subscribe', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const recorder = new Recorder()
      const unsubscribe = await subscribe(backend, recorder)
      await other.persist('a', '1')
      await recorder.times(world, 1)
      const before = recorder.changes.length
      await backend.depersist('a')
      await recorder.times(world, before + 1)
      await unsubscribe()
    }),

    'subscribing does not change the state': needs('subscribe', async world => {
      const backend = await world.backend<unknown>()
      const version = await backend.lastUpdated()
      const unsubscribe = await subscribe(backend, new Recorder())
      await unsubscribe()
      assert.ok(Object.is(await backend.lastUpdated(), version))
    }),

    'subscribe() reports only changes of the chain': needs('subscribe', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const recorder = new Recorder()
      const unsubscribe = await subscribe(backend, recorder)
      const before = await stateOf(backend)
      for (const n of range(5)) await other.persist(`key ${n % 2}`, String(n))
      const present = await stateOf(other)
      const last = () => recorder.changes.some(change => !change || Object.is(change.version, present.version))
      while (!last()) await recorder.times(world, recorder.changes.length + 1)
      await unsubscribe()
      const changes = recorder.changes.filter(change => change !== undefined)
      if (changes.length < recorder.changes.length) return
      const { version } = present
      const followed = follow(before, { type: 'changes', version, changes })
      sameEntries(followed?.entries as Map<string, unknown>, present.entries)
    }),

    'a listener is not notified after it unsubscribes, while others still are': needs('subscribe', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const [gone, still] = [new Recorder(), new Recorder()]
      const [leave, leaveLater] = [await subscribe(backend, gone), await subscribe(backend, still)]
      await leave()
      const before = gone.changes.length
      for (const n of range(3)) {
        const before = still.changes.length
        await other.persist('a', String(n))
        await still.times(world, before + 1)
      }
      assert.equal(gone.changes.length, before)
      await leaveLater()
    }),
  },
}
