import { checkCatchUp, checkCommitted } from '../contract/answers.js'
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
import { isPromise } from '../contract/is-promise.js'
import type { Store } from '../contract/store.js'
import { Deadlines } from '../time/deadlines.js'
import { late } from '../time/within.js'
import { openFault, readFault, writeFault } from './faults.js'

/** Where calls on the store run: never in the async context of whoever causes them. */
export interface Context {
  run<V>(work: () => V): V
}

/** The store with each call in a context of its own and bounded in time, and its faults as the library's errors. */
export class BoundedStore {
  readonly name: string
  /** The most that one call may take, in ms. */
  readonly timeout: number
  readonly #store: Store
  readonly #reads: Deadlines
  readonly #context: Context
  #readFault = openFault
  readonly #writes = new Deadlines()
  /** Of the commit under way, and of the next ones until one is given up: making one costs as much as a commit. */
  #givingUp = new AbortController()

  /** @param reads - bounds what waits for an answer; ended by who opens, while that is under way. */
  constructor(store: Store, reads: Deadlines, timeout: number, context: Context) {
    this.#store = store
    this.#reads = reads
    this.#context = context
    this.timeout = timeout
    this.name = store.name
  }

  /** Whether every check is linearizable, whatever is asked for. */
  get linearizable(): boolean {
    return this.#store.supports.linearizable
  }

  /** Whether a batch takes several calls on the store, each of which has the full time. */
  get isStepwise(): boolean {
    return !this.#store.supports.commit
  }

  /** As of when the version is known to be the present one, without asking. */
  currentAsOf(version: Version): number | undefined {
    return this.#store.backend.currentAsOf?.(version)
  }

  /** To be called in the context of the call that the group came of. */
  noteCaller(group: Group<unknown>): void {
    this.#store.backend.noteCaller?.(group)
  }

  /** At once where the store answers at once; else the promise is to be bounded by {@link answer}. */
  catchUp(since: Version, freshness: Freshness): Awaitable<CatchUp<unknown>> {
    this.#reads.throwIfEnded()
    try {
      const answer = this.#context.run(() => this.#store.catchUp(since, freshness))
      return isPromise(answer) ? answer : checkCatchUp(answer)
    } catch (cause) {
      throw this.#readFault(cause, this.name)
    }
  }

  /** The same, once it has come. */
  checked(answer: CatchUp<unknown>): CatchUp<unknown> {
    try {
      return checkCatchUp(answer)
    } catch (cause) {
      throw this.#readFault(cause, this.name)
    }
  }

  /**
   * Waits for an answer, `ms` at most.
   *
   * @param fault - what it is given up by.
   */
  answer<V>(answer: Awaitable<V>, ms: number, fault?: Error): Promise<V> {
    // No one is left to hear how it ends.
    if (this.#reads.ended && isPromise(answer)) answer.catch(() => {})
    return this.#read(() => answer, ms, fault)
  }

  /** @param progress - called besides where it takes several steps, before each of them. */
  load(progress: () => void = () => {}): Promise<State<unknown>> {
    const load = (renew: () => void) =>
      this.#store.load(() => {
        renew()
        progress()
      })
    return this.#read(load, this.timeout)
  }

  /** From now on its faults are those of a dictionary that has something in memory. */
  opened(): void {
    this.#readFault = readFault
  }

  registerMaxStaleness(ms: number): Promise<void> {
    return this.#read(() => this.#store.registerMaxStaleness(ms), this.timeout)
  }

  /** A subscription that comes after its time limit is ended again. */
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
    const { signal } = this.#givingUp
    const giveUp = () => {
      this.#givingUp.abort()
      this.#givingUp = new AbortController()
      return late(this.timeout)
    }
    const commit = async (progress: () => void) =>
      checkCommitted(await this.#store.commit(batch, since, signal, progress), batch.groups.length)
    return this.#context
      .run(() => this.#writes.bound(commit, this.timeout, giveUp))
      .catch(cause => Promise.reject(writeFault(cause, this.name)))
  }

  /** Ends what is being read, and each later read at once. Writes under way are left to end by themselves. */
  endReads(reason: unknown): void {
    this.#reads.endAll(reason)
  }

  #read<V>(start: (progress: () => void) => V | Promise<V>, ms: number, fault?: Error): Promise<V> {
    return this.#context
      .run(() => this.#reads.bound(start, ms, () => fault ?? late(this.timeout)))
      .catch(cause => Promise.reject(this.#readFault(cause, this.name)))
  }
}
