import type {
  Batch,
  CatchUp,
  Change,
  Group,
  Listener,
  Operation,
  Outcome,
  State,
  Unsubscribe,
  Version,
} from '../contract/backend.js'
import { isPromise } from '../contract/is-promise.js'
import { sameStored } from '../contract/same-stored.js'
import type { Store } from '../contract/store.js'
import { ClosedError } from '../errors/errors.js'
import { Deadlines } from './deadlines.js'
import type { Decode } from './entries.js'
import { late, notFollowed, readFault, writeFault } from './faults.js'
import { GroupCommit } from './group-commit.js'
import { History, type Observer, type Remainder, type SyncReason } from './history.js'
import type { Memory } from './memory.js'
import { Recent } from './recent.js'
import { SharedCheck } from './shared-check.js'

/** How many own batches are known again when their changes come back by another way. */
const REMEMBERED_BATCHES = 64

/** How often a comparison is tried on a store that changes all the while. */
const RESYNC_ATTEMPTS = 3

/**
 * One process's copy of a dictionary, kept by two rules: memory changes only by what the store acknowledged, and each
 * change is chained to the one before.
 */
export class Replica {
  readonly #store: Store
  readonly #timeout: number
  readonly #history: History
  readonly #reads: Deadlines
  readonly #writes = new Deadlines()
  readonly #checks = new SharedCheck(askedAt => this.#check(askedAt))
  readonly #commits = new GroupCommit(batch => this.#commit(batch))
  readonly #ownBatches = new Recent<string>(REMEMBERED_BATCHES)
  #underWay: Batch<unknown> | undefined
  #loading: Promise<void> | undefined
  #confirmedAt: number
  /** Told whenever memory was confirmed current. */
  onConfirmed: () => void = () => {}

  private constructor(store: Store, history: History, reads: Deadlines, timeout: number, confirmedAt: number) {
    this.#store = store
    this.#history = history
    this.#reads = reads
    this.#timeout = timeout
    this.#confirmedAt = confirmedAt
  }

  /**
   * Loads the dictionary.
   *
   * @param reads - bounds what waits for an answer, this load included.
   * @param timeout - the most that one call on the store may take, in ms.
   */
  static async open(
    store: Store,
    decode: Decode,
    observer: Observer,
    reads: Deadlines,
    timeout: number,
  ): Promise<Replica> {
    const loadedAt = performance.now()
    const state = await reads
      .bound(
        progress => store.load(progress),
        timeout,
        () => late(timeout),
      )
      .catch(cause => Promise.reject(readFault(cause, store.name)))
    return new Replica(store, new History(state, decode, observer), reads, timeout, loadedAt)
  }

  get memory(): Memory {
    return this.#history.memory
  }

  /** When memory was last known to be current: counted from before the check that said so was sent. */
  get confirmedAt(): number {
    return this.#confirmedAt
  }

  /** Brings memory up to the store's state at the time of the call, or later. Calls that overlap share one check. */
  check(): Promise<void> {
    return this.#checks.join()
  }

  /** Executes the group. When it resolves, memory holds what came of it and all that went before. */
  submit(group: Group<unknown>): Promise<Outcome> {
    return this.#commits.submit(group)
  }

  /** Takes a pushed change where it chains; false where there is a gap. */
  push(change: Change<unknown>): boolean {
    return !this.#loading && this.#history.push(change)
  }

  subscribe(listener: Listener<unknown>): Promise<Unsubscribe> {
    const { backend } = this.#store
    return this.#call(() => backend.subscribe?.(listener) ?? (() => {}), this.#timeout)
  }

  /**
   * Whether a change came of a batch of this replica. Where the backend does not keep the batch's id: whether a write to
   * this key is under way.
   */
  isOwn(id: string | undefined, key: string): boolean {
    if (id !== undefined) return this.#ownBatches.has(id)
    return this.#underWay?.groups.some(({ operations }) => operations.some(one => concerns(one, key))) ?? false
  }

  /**
   * Compares memory with everything that is stored, and follows the store where entries were altered without a new
   * version.
   */
  async resync(): Promise<void> {
    for (let attempt = 0; attempt < RESYNC_ATTEMPTS; attempt += 1) {
      await this.check()
      const startedAt = performance.now()
      const state = await this.#load()
      if (!this.#loading && this.#compare(state)) return this.#confirm(startedAt)
    }
  }

  /** Ends what waits: reads at once, writes that were sent when their outcome is known. */
  async close(reason: ClosedError): Promise<void> {
    this.#reads.endAll(reason)
    await this.#commits.drain(reason)
  }

  /** False: memory went past this state meanwhile, which therefore says nothing about the present one. */
  #compare(state: State<unknown>): boolean {
    const { memory } = this
    const entries = new Map(state.entries)
    if (Object.is(state.version, memory.version)) {
      if (!sameEntries(entries, memory.entries.stored)) this.#history.replace({ ...state, entries }, 'diverged')
      return true
    }
    if (this.#history.passed(state.version)) return false
    this.#history.replace({ ...state, entries }, 'loaded')
    return true
  }

  /** At once where the store answers at once that nothing, or little, changed. */
  #check(askedAt: number): void | Promise<void> {
    const startedAt = performance.now()
    const base = this.memory.version
    let answer: ReturnType<Store['catchUp']>
    try {
      answer = this.#store.catchUp(base)
    } catch (cause) {
      throw readFault(cause, this.#store.name)
    }
    if (isPromise(answer) || this.#loading) return this.#pull(base, answer, startedAt, askedAt)
    const remainder = this.#history.follow(base, answer)
    if (remainder === 'none') return this.#confirm(startedAt)
    return this.#finish(remainder, startedAt, askedAt)
  }

  async #pull(base: Version, answer: ReturnType<Store['catchUp']>, startedAt: number, askedAt: number): Promise<void> {
    const left = this.#timeout - (startedAt - askedAt)
    const remainder = this.#follow(base, await this.#call(() => answer, left))
    await this.#finish(remainder, startedAt, askedAt)
  }

  /** Does what is left to do after an answer, until memory is at least at the state of `startedAt`. */
  async #finish(remainder: Remainder, startedAt: number, askedAt: number): Promise<void> {
    if (remainder === 'none') return this.#confirm(startedAt)
    if (this.#loading) {
      // Begun before this check, so that it may miss what the check must see.
      await this.#loading.catch(() => {})
    } else if (remainder !== 'again') {
      return this.#reload(remainder === 'loadDiverged' ? 'diverged' : 'loaded')
    }
    await this.#check(askedAt)
  }

  /** While everything is being loaded, answers are put off: which of the two is newer could not be told. */
  #follow(base: Version, answer: CatchUp<unknown>): Remainder {
    return this.#loading ? 'again' : this.#history.follow(base, answer)
  }

  #reload(reason: SyncReason): Promise<void> {
    const load = async () => {
      const startedAt = performance.now()
      const state = await this.#load()
      this.#history.replace(state, reason)
      this.#confirm(startedAt)
    }
    this.#loading ??= load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  #load(): Promise<State<unknown>> {
    return this.#call(progress => this.#store.load(progress), this.#timeout)
  }

  async #commit(batch: Batch<unknown>): Promise<readonly Outcome[]> {
    this.#ownBatches.add(batch.id)
    this.#underWay = batch
    try {
      return await this.#commitAndFollow(batch)
    } finally {
      this.#underWay = undefined
    }
  }

  async #commitAndFollow(batch: Batch<unknown>): Promise<readonly Outcome[]> {
    const { name } = this.#store
    const sentAt = performance.now()
    const base = this.memory.version
    const { outcomes, catchUp } = await this.#writes
      .bound(
        () => this.#store.commit(batch, base),
        this.#timeout,
        () => late(this.#timeout),
      )
      .catch(cause => Promise.reject(writeFault(cause, name)))
    try {
      await this.#finish(this.#follow(base, catchUp), sentAt, performance.now())
    } catch (cause) {
      // Closed meanwhile: the write is done, and no one reads memory any more.
      if (!(cause instanceof ClosedError)) throw notFollowed(cause, name)
    }
    return outcomes
  }

  #call<V>(start: (progress: () => void) => V | Promise<V>, ms: number): Promise<V> {
    return this.#reads
      .bound(start, ms, () => late(this.#timeout))
      .catch(cause => Promise.reject(readFault(cause, this.#store.name)))
  }

  #confirm(startedAt: number): void {
    if (startedAt <= this.#confirmedAt) return
    this.#confirmedAt = startedAt
    this.onConfirmed()
  }
}

function concerns(operation: Operation<unknown>, key: string): boolean {
  return operation.type === 'clear' || operation.key === key
}

function sameEntries(left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): boolean {
  if (left.size !== right.size) return false
  for (const [key, stored] of left) if (!right.has(key) || !sameStored(stored, right.get(key))) return false
  return true
}
