import type { Awaitable, Group, Outcome } from '../contract/backend.js'
import type { Attribution } from '../contract/history.js'
import { writeFault } from '../replica/faults.js'
import type { Core } from './core.js'
import { type AttributionOptions, withFallback } from './history/attribution.js'
import { toPairs, type Updates } from './pairs.js'
import type { Read } from './views.js'

/** The entries inside a transaction of the application, which commits or rolls back what is written here. */
export interface InTransaction<T extends object, D extends keyof T & string = never, I extends object = T> {
  /** Returns the value as the transaction sees it, with its own writes, else its default. */
  get<K extends keyof T & string>(key: K): Promise<Read<T, D, K>>
  /** Stores a value. Memory follows when the transaction has committed. */
  set<K extends keyof T & keyof I & string>(key: K, value: Required<I>[K], options?: AttributionOptions): Promise<void>
  /** Removes a key. Returns whether it was stored. */
  delete(key: keyof T & string, options?: AttributionOptions): Promise<boolean>
  /** Stores several values. */
  update(entries: Updates<I>, options?: AttributionOptions): Promise<void>
}

/** What a backend does inside a transaction of the application. Memory is not involved. */
export interface TransactionStore {
  find(key: string): Awaitable<unknown>
  execute(group: Group<unknown>): Awaitable<Outcome>
}

/** Writes inside a transaction of the application. They are checked and encoded like all others. */
export class WritesInTransaction implements InTransaction<Record<string, unknown>> {
  readonly #core: Core
  readonly #store: TransactionStore
  readonly #attribution: AttributionOptions

  /** @param attribution - who makes the writes, unless they say it themselves. */
  constructor(core: Core, store: TransactionStore, attribution: AttributionOptions = {}) {
    this.#core = core
    this.#store = store
    this.#attribution = attribution
  }

  async get(key: string): Promise<unknown> {
    const { keys, codec, defaults } = this.#core.internals
    this.#core.gate.assertOpen()
    const stored = await this.#store.find(keys.check(key))
    return stored === undefined ? defaults.of(key) : codec.decode(key, stored).value
  }

  async set(key: string, value: unknown, options?: AttributionOptions): Promise<void> {
    await this.update([[key, value]], options)
  }

  async delete(key: string, options?: AttributionOptions): Promise<boolean> {
    const attribution = this.#check(options)
    const operation = { type: 'delete', key: this.#core.internals.keys.check(key) } as const
    const outcome = await this.#execute({ conditions: [], operations: [operation] }, attribution)
    return outcome.status === 'done' && outcome.results[0] === true
  }

  async update(entries: unknown, options?: AttributionOptions): Promise<void> {
    const attribution = this.#check(options)
    const { keys, codec } = this.#core.internals
    const stored = new Map<string, unknown>()
    for (const [key, value] of toPairs(entries)) {
      const checked = keys.check(key)
      stored.set(checked, codec.encode(checked, value))
    }
    const operations = Array.from(stored, ([key, stored]) => ({ type: 'set', key, stored }) as const)
    if (operations.length > 0) await this.#execute({ conditions: [], operations }, attribution)
  }

  /** @throws ClosedError, TypeError, UnsupportedError */
  #check(options: AttributionOptions | undefined): Attribution | undefined {
    const { everywhere, ...terms } = this.#core.writes.checkOptions(options)
    if (everywhere) throw new TypeError('Option "everywhere" cannot be used in a transaction of the application.')
    return this.#core.writes.attributed(withFallback(terms, this.#attribution))
  }

  async #execute(group: Group<unknown>, attribution: Attribution | undefined): Promise<Outcome> {
    const outcome = await this.#store.execute(attribution ? { ...group, attribution } : group)
    if (outcome.status === 'refused') throw writeFault(outcome.error, this.#core.internals.name)
    return outcome
  }
}
