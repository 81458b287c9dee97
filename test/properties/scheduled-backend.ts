import type { Scheduler } from 'fast-check'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import type { MemoryStore } from '../../src/backends/memory/memory-store.js'
import { FaultyBackend, type Interceptor } from '../../src/conformance/faulty-backend.js'
import type { Backend, CatchUp, Change, Committed, Listener, Unsubscribe, Version } from '../../src/contract/backend.js'

const METHODS = ['persist', 'depersist', 'durables', 'lastUpdated', 'load'] as const

/** The subscribers to changes, shared by the backends over one store. */
export type Audience = Set<(change: Change<unknown>) => void>

/**
 * A store behind a network whose order the test decides. Each call travels there, is executed at one moment, and its
 * answer travels back. Pushes may overtake answers, come twice, or get lost.
 */
export class ScheduledBackend {
  /** The backend to open the dictionary on. */
  readonly backend: Backend<unknown>
  readonly #inner: MemoryBackend
  readonly #scheduler: Scheduler
  readonly #chance: () => number
  readonly #audience: Audience
  /** Off while the test opens and closes: calls are then answered immediately. */
  scheduling = false

  /** @param chance - the test's dice, 0 to 9: decides about each push, and how far back the change log goes. */
  constructor(store: MemoryStore, scheduler: Scheduler, chance: () => number, audience: Audience) {
    this.#inner = new MemoryBackend(store)
    this.#scheduler = scheduler
    this.#chance = chance
    this.#audience = audience
    const faulty = new FaultyBackend(this.#inner)
    for (const method of METHODS) faulty.intercept(method, this.#travelling(method))
    faulty.intercept('changesSince', this.#travelling('changesSince', this.#changesSince))
    faulty.intercept('commit', this.#travelling('commit', this.#commit))
    faulty.intercept('subscribe', (_proceed, listener) => this.#subscribe(listener as Listener<unknown>))
    this.backend = faulty.backend
  }

  readonly #changesSince: Interceptor = (proceed, since) =>
    this.#forget(since as Version, proceed(since) as CatchUp<unknown>)

  readonly #commit: Interceptor = (proceed, batch, since) => {
    const before = this.#inner.lastUpdated()
    const { outcomes, catchUp } = proceed(batch, since) as Committed<unknown>
    this.#publish(this.#inner.changesSince(before))
    return { outcomes, catchUp: this.#forget(since as Version, catchUp) }
  }

  #subscribe(listener: Listener<unknown>): Unsubscribe {
    const tell = (change: Change<unknown>) => {
      const chance = this.#chance()
      if (chance < 3) return
      listener.changed(chance < 5 ? undefined : change)
      if (chance < 7) listener.changed(change)
    }
    this.#audience.add(tell)
    return () => void this.#audience.delete(tell)
  }

  #publish(since: CatchUp<unknown>): void {
    if (since.type !== 'changes' || !this.scheduling) return
    for (const change of since.changes) {
      for (const tell of this.#audience) {
        const message = this.#scheduler.schedule(Promise.resolve(), 'a message travels')
        void message.then(() => this.#audience.has(tell) && tell(change))
      }
    }
  }

  /** Sometimes the changes are no longer known, or replaced by a whole state. */
  #forget(since: Version, catchUp: CatchUp<unknown>): CatchUp<unknown> {
    const chance = this.#chance()
    if (chance > 2 || this.#inner.lastUpdated() === since) return catchUp
    return chance === 0
      ? { type: 'tooOld', diverged: false }
      : { type: 'state', diverged: false, ...this.#inner.load() }
  }

  #travelling(label: string, work: Interceptor = (proceed, ...args) => proceed(...args)): Interceptor {
    return async (proceed, ...args) => {
      if (this.scheduling) await this.#scheduler.schedule(Promise.resolve(), `${label} travels`)
      const answer = work(proceed, ...args)
      if (this.scheduling) await this.#scheduler.schedule(Promise.resolve(), `${label} answers`)
      return answer
    }
  }
}
