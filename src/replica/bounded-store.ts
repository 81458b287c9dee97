import { checkCatchUp, checkCommitted, checkHistoryPage, checkRegistry, readRegistration } from '../contract/answers.js'
import type {
  Awaitable,
  Batch,
  CatchUp,
  Committed,
  Freshness,
  Group,
  Listener,
  State,
  Unsubscribe,
  Version,
} from '../contract/backend.js'
import type { HistoryPage, HistoryPolicy, HistoryQuery } from '../contract/history.js'
import { isPromise } from '../contract/is-promise.js'
import type { Presence, Registration, Registry } from '../contract/presence.js'
import { isRefusedBy } from '../contract/refusals.js'
import type { Store } from '../contract/store.js'
import type { Diagnostics } from '../diagnostics/diagnostics.js'
import { Deadlines } from '../time/deadlines.js'
import { late, within } from '../time/within.js'
import { openFault, readFault, writeFault } from './faults.js'

/** The context in which store calls run: never the async context of the caller that causes them. */
export interface Context {
  run<V>(work: () => V): V
}

/** The store, with each call run in its own context and limited in time. Its faults become the library's errors. */
export class BoundedStore {
  readonly name: string
  /** How long one call may take, in ms. */
  readonly timeout: number
  readonly #store: Store
  readonly #reads: Deadlines
  readonly #context: Context
  #readFault = openFault
  readonly #writes = new Deadlines()
  /** Cancels the current commit, and later ones until one is cancelled. Creating a controller costs as much as a commit. */
  #cancelling = new AbortController()

  /** @param reads - limits reads in time. The opening code may end them all while it runs. */
  constructor(store: Store, reads: Deadlines, timeout: number, context: Context) {
    this.#store = store
    this.#reads = reads
    this.#context = context
    this.timeout = timeout
    this.name = store.name
  }

  get diagnostics(): Diagnostics {
    return this.#store.diagnostics
  }

  /** Whether every check is linearizable, whatever freshness it asks for. */
  get linearizable(): boolean {
    return this.#store.supports.linearizable
  }

  /** Whether the failure will last, as far as the backend can tell. */
  isLasting(error: unknown): boolean {
    const { backend } = this.#store
    return backend.refuses === undefined || isRefusedBy(backend, error)
  }

  /** Whether it has a change log, which shows whether a version belongs to the store's history. */
  get hasLog(): boolean {
    return this.#store.supports.changesSince
  }

  get hasHistory(): boolean {
    return this.#store.supports.history
  }

  get hasPresence(): boolean {
    return this.#store.supports.presence
  }

  /** Whether a batch takes several store calls, each of which has the full time. */
  get isStepwise(): boolean {
    return !this.#store.supports.commit
  }

  /** A time at which the version was current, without asking the store. */
  currentAsOf(version: Version): number | undefined {
    return this.#store.backend.currentAsOf?.(version)
  }

  /** Must be called in the async context of the write that created the group. */
  noteCaller(group: Group<unknown>): void {
    this.#store.backend.noteCaller?.(group)
  }

  /** Returns synchronously if the store answers synchronously. Else pass the promise to {@link answer}, which limits its time. */
  catchUp(since: Version, freshness: Freshness): Awaitable<CatchUp<unknown>> {
    this.#reads.throwIfEnded()
    try {
      const answer = this.#context.run(() => this.#store.catchUp(since, freshness))
      return isPromise(answer) ? answer : checkCatchUp(answer)
    } catch (cause) {
      throw this.#readFault(cause, this.name)
    }
  }

  /** Validates an answer after it has arrived. */
  checked(answer: CatchUp<unknown>): CatchUp<unknown> {
    try {
      return checkCatchUp(answer)
    } catch (cause) {
      throw this.#readFault(cause, this.name)
    }
  }

  /**
   * Waits for an answer, at most `ms`.
   *
   * @param fault - the rejection after `ms`.
   */
  answer<V>(answer: Awaitable<V>, ms: number, fault?: Error): Promise<V> {
    // Nobody waits for the answer any more: ignore its rejection.
    if (this.#reads.ended && isPromise(answer)) answer.catch(() => {})
    return this.#read(() => answer, ms, fault)
  }

  /** @param progress - called before each step of a load that takes several. */
  load(progress: () => void = () => {}): Promise<State<unknown>> {
    const load = (renew: () => void) =>
      this.#store.load(() => {
        renew()
        progress()
      })
    return this.diagnostics.load(() => this.#read(load, this.timeout))
  }

  /** From now on, faults are those of an open dictionary, which has a state in memory. */
  opened(): void {
    this.#readFault = readFault
  }

  registerMaxStaleness(ms: number): Promise<void> {
    return this.#read(() => this.#store.registerMaxStaleness(ms), this.timeout)
  }

  changesSince(version: Version): Promise<CatchUp<unknown>> {
    return this.#read(async () => checkCatchUp(await this.#store.catchUp(version, 'confirmed')), this.timeout)
  }

  /** Writes or renews a record of the registry. */
  register(presence: Presence, ttl: number): Promise<Registration> {
    return this.#read(async () => readRegistration(await this.#store.backend.register?.(presence, ttl)), this.timeout)
  }

  /** Has a time limit of its own: a replica must leave the registry above all when its reads were ended. */
  leave(id: string, ms: number): Promise<void> {
    return this.#context.run(() => within(ms, async () => this.#store.backend.leave?.(id)))
  }

  replicas(): Promise<Registry> {
    return this.#read(async () => checkRegistry(await this.#store.backend.replicas?.()), this.timeout)
  }

  acknowledge(id: string, version: Version): Promise<void> {
    return this.#read(async () => this.#store.backend.acknowledge?.(id, version), this.timeout)
  }

  /** Is not limited in time: the signal ends it. */
  async awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#context.run(() => this.#store.backend.awaitAcknowledgements?.(version, ids, acknowledged, signal))
  }

  history(query: HistoryQuery): Promise<HistoryPage<unknown>> {
    return this.#read(async () => checkHistoryPage(await this.#store.backend.history?.(query)), this.timeout)
  }

  setHistoryPolicy(policy: HistoryPolicy): Promise<void> {
    return this.#read(async () => this.#store.backend.setHistoryPolicy?.(policy), this.timeout)
  }

  forgetAuthor(by: string): Promise<number> {
    return this.#read(async () => (await this.#store.backend.forgetAuthor?.(by)) ?? 0, this.timeout)
  }

  /** A subscription that starts after the time limit is ended immediately. */
  subscribe(listener: Listener<unknown>): Promise<Unsubscribe> {
    let wanted = true
    const start = async () => {
      const unsubscribe = (await this.#store.backend.subscribe?.(listener)) ?? (() => {})
      if (!wanted) await unsubscribe()
      return unsubscribe
    }
    return this.#read(start, this.timeout).catch(fault => {
      wanted = false
      throw fault
    })
  }

  commit(batch: Batch<unknown>, since: Version): Promise<Committed<unknown>> {
    const { signal } = this.#cancelling
    const cancel = () => {
      this.#cancelling.abort()
      this.#cancelling = new AbortController()
      return late(this.timeout)
    }
    const commit = async (progress: () => void) =>
      checkCommitted(await this.#store.commit(batch, since, signal, progress), batch.groups.length)
    return this.#context
      .run(() => this.#writes.bound(commit, this.timeout, cancel))
      .catch(cause => Promise.reject(writeFault(cause, this.name)))
  }

  /** Throws the reason if all reads were ended. */
  throwIfEnded(): void {
    this.#reads.throwIfEnded()
  }

  /** Ends pending and later reads immediately. Writes under way end by themselves. */
  endReads(reason: unknown): void {
    this.#reads.endAll(reason)
  }

  #read<V>(start: (progress: () => void) => V | Promise<V>, ms: number, fault?: Error): Promise<V> {
    return this.#context
      .run(() => this.#reads.bound(start, ms, () => fault ?? late(this.timeout)))
      .catch(cause => Promise.reject(this.#readFault(cause, this.name)))
  }
}
