import type { Scheduler } from 'fast-check'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import type { MemoryStore } from '../../src/backends/memory/memory-store.js'
import type {
  Backend,
  Batch,
  CatchUp,
  Change,
  Committed,
  Listener,
  State,
  Unsubscribe,
  Version,
} from '../../src/contract/backend.js'

/** The subscribers to changes, shared by the backends over one store. */
export type Audience = Set<(change: Change<unknown>) => void>

/**
 * A store behind a network whose order the test decides. Each call travels there, is executed at one moment, and its
 * answer travels back. Pushes may overtake answers, come twice, or get lost.
 */
export class ScheduledBackend implements Backend<unknown> {
  readonly name = 'scheduled'
  readonly valueKind = 'references'
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
  }

  persist(key: string, stored: unknown): Promise<void> {
    return this.#travel('persist', () => this.#inner.persist(key, stored))
  }

  depersist(key: string): Promise<boolean> {
    return this.#travel('depersist', () => this.#inner.depersist(key))
  }

  durables(): Promise<Iterable<readonly [string, unknown]>> {
    return this.#travel('durables', () => this.#inner.durables())
  }

  lastUpdated(): Promise<Version> {
    return this.#travel('lastUpdated', () => this.#inner.lastUpdated())
  }

  load(): Promise<State<unknown>> {
    return this.#travel('load', () => this.#inner.load())
  }

  changesSince(since: Version): Promise<CatchUp<unknown>> {
    return this.#travel('changesSince', () => this.#forget(since, this.#inner.changesSince(since)))
  }

  commit(batch: Batch<unknown>, since: Version): Promise<Committed<unknown>> {
    return this.#travel('commit', () => {
      const before = this.#inner.lastUpdated()
      const { outcomes, catchUp } = this.#inner.commit(batch, since)
      this.#publish(this.#inner.changesSince(before))
      return { outcomes, catchUp: this.#forget(since, catchUp) }
    })
  }

  subscribe(listener: Listener<unknown>): Unsubscribe {
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

  async #travel<V>(label: string, work: () => V): Promise<V> {
    if (this.scheduling) await this.#scheduler.schedule(Promise.resolve(), `${label} travels`)
    const answer = work()
    if (this.scheduling) await this.#scheduler.schedule(Promise.resolve(), `${label} answers`)
    return answer
  }
}
