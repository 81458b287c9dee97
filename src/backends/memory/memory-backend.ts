import type {
  Backend,
  Batch,
  CatchUp,
  Committed,
  Listener,
  State,
  Unsubscribe,
  Version,
} from '../../contract/backend.js'
import type { HistoryPage, HistoryPolicy, HistoryQuery } from '../../contract/history.js'
import type { Presence, Registration, Registry } from '../../contract/presence.js'
import type { MemoryStore } from './memory-store.js'

/** The reference backend: supports every capability, on a store inside this process. */
export class MemoryBackend implements Backend<unknown> {
  readonly storeKind = 'memory'
  readonly name: string
  readonly valueKind = 'references'
  readonly #store: MemoryStore

  constructor(store: MemoryStore, name = 'memory') {
    this.#store = store
    this.name = name
  }

  persist(key: string, stored: unknown): void {
    this.#run({ type: 'set', key, stored })
  }

  depersist(key: string): boolean {
    return this.#run({ type: 'delete', key }) as boolean
  }

  pop(key: string): unknown {
    return this.#run({ type: 'pop', key })
  }

  setDefault(key: string, stored: unknown): unknown {
    return this.#run({ type: 'setDefault', key, stored })
  }

  durables(): Iterable<readonly [string, unknown]> {
    return this.#store.load().entries
  }

  lastUpdated(): Version {
    return this.#store.version
  }

  load(): State<unknown> {
    return this.#store.load()
  }

  changesSince(since: Version): CatchUp<unknown> {
    return this.#store.changesSince(since)
  }

  commit(batch: Batch<unknown>, since: Version): Committed<unknown> {
    return this.#store.commit(batch, since)
  }

  history(query: HistoryQuery): HistoryPage<unknown> {
    return this.#store.history.page(this.name, query)
  }

  setHistoryPolicy(policy: HistoryPolicy): void {
    this.#store.history.setPolicy(policy)
  }

  forgetAuthor(by: string): number {
    return this.#store.forgetAuthor(by)
  }

  subscribe(listener: Listener<unknown>): Unsubscribe {
    return this.#store.subscribe(listener)
  }

  registerMaxStaleness(ms: number): void {
    this.#store.registry.registerMaxStaleness(ms)
  }

  register(presence: Presence, ttl: number): Registration {
    return { ...this.#store.registry.register(presence, ttl), version: this.#store.version }
  }

  leave(id: string): void {
    this.#store.registry.leave(id)
  }

  replicas(): Registry {
    return this.#store.registry.read()
  }

  acknowledge(id: string, version: Version): void {
    this.#store.registry.acknowledge(id, version)
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#store.registry.await(version, ids, acknowledged, signal)
  }

  #run(operation: Batch<unknown>['groups'][number]['operations'][number]): unknown {
    const group = { conditions: [], operations: [operation] }
    const [outcome] = this.#store.commit({ groups: [group] }, this.#store.version).outcomes
    return outcome?.status === 'done' ? outcome.results[0] : undefined
  }
}
