import { announcements } from '../contract/announcements.js'
import { isChange, readBound } from '../contract/answers.js'
import type {
  Batch,
  CatchUp,
  Change,
  Freshness,
  Group,
  Listener,
  Operation,
  Outcome,
  State,
  Unsubscribe,
  Version,
} from '../contract/backend.js'
import type { HistoryPolicy } from '../contract/history.js'
import { isPromise } from '../contract/is-promise.js'
import { sameStored } from '../contract/same-stored.js'
import { ClosedError } from '../errors/errors.js'
import { delay, now } from '../time/clock.js'
import { EventLoopTurns } from '../time/event-loop-turns.js'
import { late } from '../time/within.js'
import type { BoundedStore } from './bounded-store.js'
import { DamageReports, damageDiverges } from './damage.js'
import type { Decode } from './entries.js'
import { loadingLate, notFollowed, notSent, writeFault } from './faults.js'
import { GroupCommit } from './group-commit.js'
import { History, type Observer, type Remainder, type SyncReason } from './history.js'
import type { Memory } from './memory.js'
import { Recent } from './recent.js'
import { SharedCheck } from './shared-check.js'

/** How many of its own batches a replica recognizes when their changes come back another way. */
const REMEMBERED_BATCHES = 64

/**
 * The interval over which the processes of a fleet spread their full loads if no caller waits for them, in ms. All processes learn of
 * a flushed store at the same moment.
 */
const LOAD_JITTER = 100

/** How often a comparison is tried on a store that keeps changing. */
const RESYNC_ATTEMPTS = 3

/** The guarantees for the readers of a dictionary. */
export interface Promises {
  /** How long after a check they rely on memory, in ms. Default: not at all. */
  readonly maxStaleness?: number | undefined
  /** The guarantee of checks. Default: the strongest that costs nothing extra. */
  readonly consistency?: 'linearizable' | 'sequential' | undefined
  /** How much history its opener asked for. Default: what is recorded. */
  readonly history?: HistoryPolicy | undefined
  /** Whether nothing may be written. Default `false`. */
  readonly readOnly?: boolean | undefined
}

/**
 * One process's copy of a dictionary. It keeps two rules: memory changes only by what the store acknowledged, and each
 * change is chained to the previous one.
 */
export class Replica {
  readonly #store: BoundedStore
  readonly #history: History
  #bound: number | undefined
  /** Whether every check is linearizable, even without a bound. */
  readonly #isLinearizable: boolean
  /** Whether changes by external writers are recorded. */
  readonly #announces: boolean
  readonly #policy: HistoryPolicy | undefined
  readonly #syncs: SharedCheck
  readonly #checks: SharedCheck
  readonly #refreshes: SharedCheck
  readonly #turns = new EventLoopTurns()
  readonly #commits: GroupCommit
  readonly #ownBatches = new Recent<string>(REMEMBERED_BATCHES)
  #underWay: Batch<unknown> | undefined
  #loading: Promise<void> | undefined
  #confirmedAt: number
  /** Whether a caller waits for a check or a write, rather than only the background. */
  #awaited = false
  #recordedBound: number | undefined = 0
  readonly #damage: DamageReports
  /** Called whenever memory was confirmed current. */
  onConfirmed: () => void = () => {}

  private constructor(store: BoundedStore, history: History, promises: Promises, confirmedAt: number) {
    this.#store = store
    this.#syncs = this.#shared('linearizable')
    this.#checks = this.#shared('sequential')
    this.#refreshes = this.#shared('confirmed')
    this.#commits = new GroupCommit(batch => this.#commit(batch), {
      timeout: store.timeout,
      needsTimer: group => store.isStepwise && isSingle(group),
      unsent: () => notSent(store.timeout, store.name),
      unanswered: () => writeFault(late(store.timeout), store.name),
    })
    this.#damage = new DamageReports(store.name)
    this.#history = history
    this.#bound = promises.maxStaleness
    this.#policy = store.hasHistory ? promises.history : undefined
    this.#announces = store.hasHistory && promises.readOnly !== true
    this.#isLinearizable = store.linearizable || promises.consistency === 'linearizable'
    this.#confirmedAt = confirmedAt
  }

  /**
   * Loads the dictionary.
   *
   * @param promises - the guarantees for its readers.
   * @param progress - called before each step of the load.
   */
  static async open(
    store: BoundedStore,
    decode: Decode,
    observer: Observer,
    promises: Promises,
    progress?: () => void,
  ): Promise<Replica> {
    // Recorded before the first check that a reader relies on: a writer that does not see the bound yet comes before that check.
    const { maxStaleness } = promises
    if (maxStaleness !== undefined) await store.registerMaxStaleness(maxStaleness)
    const loadedAt = now()
    const state = await store.load(progress)
    return new Replica(store, new History(state, decode, observer), promises, loadedAt)
  }

  get memory(): Memory {
    return this.#history.memory
  }

  /** When memory was last known to be current: the time before that check was sent. */
  get confirmedAt(): number {
    return this.#confirmedAt
  }

  /**
   * The largest bound that any replica relies on, in ms, as recorded when the latest write was executed; `undefined` if the record is
   * damaged.
   */
  get recordedBound(): number | undefined {
    return this.#recordedBound
  }

  /**
   * Makes memory as current as a read requires: linearizable, unless the backend declares that its checks are not (see
   * `Supports.linearizable`) and neither `consistency` nor a bound requires it. Overlapping calls share one check.
   */
  check(): Promise<void> {
    this.#awaited = true
    return (this.#exact ? this.#syncs : this.#checks).join()
  }

  /** As `check`, for a reader. Returns `undefined` if memory is already known to be current enough. */
  checkUnlessKnown(): Promise<void> | undefined {
    return this.#isKnown() ? this.#turns.giveWay() : this.check()
  }

  /** Brings memory up to date with the store at the time of the call or later. */
  sync(): Promise<void> {
    this.#awaited = true
    return this.#syncs.join()
  }

  /**
   * Confirms memory in the background. No caller waits for it, so a full load may wait for its turn among the
   * processes.
   */
  refresh(): Promise<void> {
    return (this.#exact ? this.#syncs : this.#refreshes).join(false)
  }

  /**
   * Records a bound for readers that came after `open`, in ms. They may rely on the bound for confirmations after this has
   * resolved.
   */
  async registerMaxStaleness(bound: number): Promise<void> {
    this.#bound = Math.max(this.#bound ?? 0, bound)
    await this.#store.registerMaxStaleness(this.#bound)
  }

  /**
   * Executes the group. When it resolves, memory contains its result and everything before it.
   *
   * @param limit - how long it may take in total, in ms. Default: the timeout.
   */
  submit(group: Group<unknown>, limit?: number): Promise<Outcome> {
    this.#store.noteCaller(group)
    return this.#commits.submit(group, limit)
  }

  /** Applies a pushed change if it chains. Returns false if there is a gap. */
  push(change: Change<unknown>): boolean {
    return !this.#loading && isChange(change) && this.#history.push(change)
  }

  subscribe(listener: Listener<unknown>): Promise<Unsubscribe> {
    return this.#store.subscribe(listener)
  }

  /**
   * Whether a batch of this replica made the change. If the backend does not record batch ids: whether a write to this key is under
   * way.
   */
  isOwn(id: string | undefined, key: string): boolean {
    if (id !== undefined) return this.#ownBatches.has(id)
    return this.#underWay?.groups.some(({ operations }) => operations.some(one => concerns(one, key))) ?? false
  }

  /**
   * Compares memory with everything that is stored, and follows the store if entries were changed without a new
   * version.
   */
  async resync(): Promise<void> {
    for (let attempt = 0; attempt < RESYNC_ATTEMPTS; attempt += 1) {
      const state = await this.#store.load()
      // If memory is behind, only the changes show which of two states is newer.
      await this.check()
      if (Object.is(state.version, this.memory.version)) return await this.#compare(state)
    }
  }

  /** Ends pending calls: reads immediately, and writes that were sent as soon as their outcome is known. */
  async close(reason: ClosedError): Promise<void> {
    this.#store.endReads(reason)
    await this.#commits.drain(reason)
  }

  async #compare(state: State<unknown>): Promise<void> {
    const entries = new Map(state.entries)
    const before = this.memory.entries.stored
    if (sameEntries(entries, before)) return
    this.#history.replace({ ...state, entries }, 'diverged')
    if (this.#announces) await this.#announce(state.version, before, entries)
  }

  /**
   * Makes what external writers did a change like any other: it is recorded in the history, and reaches every process. If another
   * process was faster, this has no effect.
   */
  async #announce(version: Version, before: Stored, after: Stored): Promise<void> {
    const operations = announcements(before, after)
    if (operations.length === 0) return
    const conditions = [{ type: 'version', version }] as const
    await this.submit({ conditions, operations, attribution: { via: 'outside' } })
  }

  /** A bound is also a guarantee to writers: reads that rely on it must not miss acknowledged writes. */
  get #exact(): boolean {
    return this.#isLinearizable || this.#bound !== undefined
  }

  /** What the store has reported is only sequentially consistent. During a full load, answers are deferred. */
  #isKnown(): boolean {
    if (this.#exact || this.#loading) return false
    const asOf = this.#store.currentAsOf(this.memory.version)
    if (asOf === undefined) return false
    this.#confirm(asOf)
    return true
  }

  #shared(freshness: Freshness): SharedCheck {
    const { timeout } = this.#store
    const limit = (check: Promise<void>) => this.#store.answer(check, timeout)
    const check = () => this.#check(freshness, now() + timeout)
    return new SharedCheck(awaited => this.#store.diagnostics.check(awaited, check), { timeout, limit })
  }

  /**
   * Returns synchronously if the store answers synchronously that nothing, or little, changed.
   *
   * @param until - when the check times out, on the monotonic clock.
   */
  #check(freshness: Freshness, until: number): void | Promise<void> {
    const startedAt = now()
    const base = this.memory.version
    const answer = this.#store.catchUp(base, freshness)
    if (isPromise(answer)) return this.#pull(base, answer, freshness, startedAt, until)
    const remainder = this.#follow(base, answer)
    if (remainder === 'none') return this.#confirm(answer.asOf ?? startedAt)
    return this.#finish(remainder, freshness, answer.asOf ?? startedAt, until)
  }

  async #pull(
    base: Version,
    pending: Promise<CatchUp<unknown>>,
    freshness: Freshness,
    startedAt: number,
    until: number,
  ): Promise<void> {
    const answer = this.#store.checked(await this.#store.answer(pending, until - now()))
    await this.#finish(this.#follow(base, answer), freshness, answer.asOf ?? startedAt, until)
  }

  /** Completes an answer, until memory is at its state or a later one. */
  async #finish(remainder: Remainder, freshness: Freshness, asOf: number, until: number): Promise<void> {
    if (remainder === 'none') return this.#confirm(asOf)
    if (!this.#loading && remainder !== 'again') {
      return this.#loaded(this.#reload(remainder === 'loadDiverged' ? 'diverged' : 'loaded'), until)
    }
    // The load under way may miss what this check must see.
    if (this.#loading)
      await this.#loaded(
        this.#loading.catch(() => {}),
        until,
      )
    await this.#check(freshness, until)
  }

  /** A load continues while it progresses, and updates memory even if no caller waits any more. */
  #loaded(loading: Promise<void>, until: number): Promise<void> {
    return this.#store.answer(loading, until - now(), loadingLate(this.#store.timeout))
  }

  /** Defers answers during a full load, because it is unknown which of the two is newer. */
  #follow(base: Version, received: CatchUp<unknown>): Remainder {
    if (this.#loading) return 'again'
    const answer = damageDiverges(received)
    if (answer.type !== 'changes') this.#damage.report(base, answer.damage)
    // With a bound, everything is loaded: a store that lost its history may have lost the recorded bound too.
    if (answer.type === 'state' && answer.diverged && this.#hasRecorded) return 'loadDiverged'
    return this.#history.follow(base, answer)
  }

  #reload(reason: SyncReason): Promise<void> {
    this.#loading ??= this.#loadEverything(reason).finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #loadEverything(reason: SyncReason): Promise<void> {
    if (!this.#awaited) await delay(Math.random() * LOAD_JITTER, undefined, { ref: false })
    if (reason === 'diverged') await this.#recordAgain()
    const startedAt = now()
    this.#history.replace(await this.#store.load(), reason)
    this.#confirm(startedAt)
  }

  /** Whether the dictionary has recorded something besides entries. */
  get #hasRecorded(): boolean {
    return this.#bound !== undefined || this.#policy !== undefined
  }

  /** A store that lost its data may have lost what this dictionary recorded in it. */
  async #recordAgain(): Promise<void> {
    if (this.#bound !== undefined) await this.#store.registerMaxStaleness(this.#bound)
    if (this.#policy !== undefined) await this.#store.setHistoryPolicy(this.#policy)
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
    this.#awaited = true
    const sentAt = now()
    const base = this.memory.version
    const held = (key: string) =>
      Object.is(this.memory.version, base) ? this.memory.entries.stored.get(key) : undefined
    const { outcomes, catchUp, bound } = await this.#store.commit({ ...batch, held }, base)
    this.#recordedBound = bound === undefined ? 0 : readBound(bound)
    try {
      const until = (this.#store.isStepwise ? now() : sentAt) + this.#store.timeout
      await this.#finish(this.#follow(base, catchUp), 'linearizable', catchUp.asOf ?? sentAt, until)
    } catch (cause) {
      // Closed meanwhile: the write took effect, and nobody reads memory any more.
      if (!(cause instanceof ClosedError)) return outcomes.map(outcome => this.#unfollowed(outcome, cause))
    }
    return outcomes
  }

  /** The outcome when memory could not catch up with a write. */
  #unfollowed(outcome: Outcome, cause: unknown): Outcome {
    if (outcome.status === 'refused') return outcome
    const error = outcome.status === 'done' ? notFollowed(cause, this.#store.name) : cause
    return { status: 'refused', error }
  }

  #confirm(asOf: number): void {
    this.#awaited = false
    if (asOf <= this.#confirmedAt) return
    // A backend whose clock is ahead must not make memory count as current for longer.
    this.#confirmedAt = Math.min(asOf, now())
    this.onConfirmed()
  }
}

/** Whether it concerns one key: it then takes few store calls, even if each operation takes its own. */
function isSingle({ operations }: Group<unknown>): boolean {
  return operations.length === 1 && operations[0]?.type !== 'clear'
}

function concerns(operation: Operation<unknown>, key: string): boolean {
  return operation.type === 'clear' || operation.key === key
}

function sameEntries(left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): boolean {
  if (left.size !== right.size) return false
  for (const [key, stored] of left) if (!right.has(key) || !sameStored(stored, right.get(key))) return false
  return true
}

type Stored = ReadonlyMap<string, unknown>
