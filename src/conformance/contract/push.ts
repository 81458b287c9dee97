import assert from 'node:assert/strict'
import type { Backend, Change, Listener } from '../../contract/backend.js'
import { follow, range, sameEntries, stateOf } from '../samples.js'
import { needs, type Topic } from '../suite.js'
import type { World } from '../world.js'

/** A listener that keeps what it is told. */
class Told implements Listener<unknown> {
  readonly changes: (Change<unknown> | undefined)[] = []
  #waiting: (() => void)[] = []

  changed(change?: Change<unknown>): void {
    this.changes.push(change)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  interrupted(): void {}

  /** Resolves when it has been told at least so often. */
  async times(world: World, count: number): Promise<void> {
    while (this.changes.length < count) {
      await world.within(new Promise<void>(resolve => this.#waiting.push(resolve)), 'subscribe() must tell of a change')
    }
  }
}

const subscribe = async (backend: Backend<unknown>, listener: Listener<unknown>) => {
  const unsubscribe = await backend.subscribe?.(listener)
  assert.equal(typeof unsubscribe, 'function', 'subscribe() gives a function that ends it')
  return unsubscribe as () => unknown
}

export const push: Topic = {
  title: 'subscribe() of the backend',
  tests: {
    'it tells of changes by others, and by the backend itself': needs('subscribe', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const told = new Told()
      const unsubscribe = await subscribe(backend, told)
      await other.persist('a', '1')
      await told.times(world, 1)
      const before = told.changes.length
      await backend.depersist('a')
      await told.times(world, before + 1)
      await unsubscribe()
    }),

    'subscribing changes nothing': needs('subscribe', async world => {
      const backend = await world.backend<unknown>()
      const version = await backend.lastUpdated()
      const unsubscribe = await subscribe(backend, new Told())
      await unsubscribe()
      assert.ok(Object.is(await backend.lastUpdated(), version))
    }),

    'changes that it tells are of the chain': needs('subscribe', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const told = new Told()
      const unsubscribe = await subscribe(backend, told)
      const before = await stateOf(backend)
      for (const n of range(5)) await other.persist(`key ${n % 2}`, String(n))
      const present = await stateOf(other)
      const last = () => told.changes.some(change => !change || Object.is(change.version, present.version))
      while (!last()) await told.times(world, told.changes.length + 1)
      await unsubscribe()
      const changes = told.changes.filter(change => change !== undefined)
      if (changes.length < told.changes.length) return
      const { version } = present
      const followed = follow(before, { type: 'changes', version, changes })
      sameEntries(followed?.entries as Map<string, unknown>, present.entries)
    }),

    'who has unsubscribed is told no more, the others are': needs('subscribe', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const [gone, still] = [new Told(), new Told()]
      const [leave, leaveLater] = [await subscribe(backend, gone), await subscribe(backend, still)]
      await leave()
      const before = gone.changes.length
      for (const n of range(3)) {
        const told = still.changes.length
        await other.persist('a', String(n))
        await still.times(world, told + 1)
      }
      assert.equal(gone.changes.length, before)
      await leaveLater()
    }),
  },
}
