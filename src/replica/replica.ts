import { isChange, readBound, readRegistry } from '../contract/answers.js'
import type {
  Batch,
  CatchUp,
  Change,
  Committed,
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
import type { Registry } from '../contract/presence.js'
import { ClosedError } from '../errors/errors.js'
import { delay, now } from '../time/clock.js'
import { EventLoopTurns } from '../time/event-loop-turns.js'
import { late } from '../time/within.js'
import type { BoundedStore } from './bounded-store.js'
import { Comparison } from './comparison.js'
import { DamageReports, damageDiverges } from './damage.js'
import type { Decode } from './entries.js'
import { loadingLate, notFollowed, notSent, writeFault } from './faults.js'
import { GroupCommit } from './group-commit.js'
import { History, type Observer, type Remainder, type SyncReason } from './history.js'
import { KnownBounds } from './known-bounds.js'
import { Membership, type MembershipOptions } from './membership.js'
import type { Memory } from './memory.js'
import { Recent } from './recent.js'
import { Reliance } from './reliance.js'
import { SharedCheck } from './shared-check.js'

/** How many of its own batches a replica recognizes when their changes come back another way. */
const REMEMBERED_BATCHES = 64

/**
 * The interval over which the processes of a fleet spread their full loads if no caller waits for them, in ms. All processes learn of
 * a flushed store at the same moment.
 */
const LOAD_JITTER = 100

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
  /** What its record in the registry says. Default: it has none. */
  readonly membership?: MembershipOptions | undefined
  /** What its readers had before the store first answered. It is never compared with the store: everything is loaded. */
  readonly earlier?: Memory | undefined
}

/** What a dictionary needs from its copy of the entries, whether or not the store has answered yet. */
export type Copy = Pick<
  Replica,
  | 'memory'
  | 'reliance'
  | 'confirmedAt'
  | 'id'
  | 'check'
  | 'checkUnlessKnown'
  | 'sync'
  | 'registerMaxStaleness'
  | 'submit'
  | 'resync'
  | 'close'
>

/** What a writer must wait for, so that no process reads an older value. */
export interface Receipt {
  /** The state after the write. */
  readonly version: Version
  /** When the answer of the store arrived, on the monotonic clock. */
  readonly at: number
  /** The largest recorded bound, in ms; `undefined` if the record is damaged. */
  readonly bound: number | undefined
  /** Who may rely on memory; `undefined` if that is not known. */
  readonly registry: Registry | undefined
  /** Until when the write must wait in any case, on the monotonic clock. */
  readonly owedUntil: number
  /** Whether replicas that follow this version acknowledge it. They do not if the write had no effect: another change led to it. */
  readonly isAsked: boolean
}

/** The outcome of a group. */
export type Executed = Outcome & { readonly receipt?: Receipt | undefined }

/**
 * One process's copy of a dictionary. It keeps two rules: memory changes only by what the store acknowledged, and each
 * change is chained to the previous one.
 */
export class Replica {
  readonly #store: BoundedStore
  readonly #history: History
  /** Until when readers may rely on memory. */
  readonly reliance: Reliance
  readonly #membership: Membership | undefined
  readonly #knownBounds = new KnownBounds()
  readonly #comparison: Comparison
  /** What memory contained before external writers changed it, and the version at which it has followed them. */
  #edits: { readonly version: Version; readonly before: ReadonlyMap<string, unknown> } | undefined
  #bound: number | undefined
  /** Whether every check is linearizable, even without a bound. */
  readonly #isLinearizable: boolean
  readonly #policy: HistoryPolicy | undefined
  readonly #syncs: SharedCheck
  readonly #checks: SharedCheck
  readonly #refreshes: SharedCheck
  readonly #turns = new EventLoopTurns()
  readonly #commits: GroupCommit<Executed>
  readonly #ownBatches = new Recent<string>(REMEMBERED_BATCHES)
  #underWay: Batch<unknown> | undefined
  #loading: Promise<void> | undefined
  /** Whether a caller waits for a check or a write, rather than only the background. */
  #awaited = false
  readonly #damage: DamageReports
  /** Called whenever memory was confirmed current. */
  onConfirmed: () => void = () => {}

  private constructor(store: BoundedStore, decode: Decode, observer: Observer, promises: Promises, loaded: Loaded) {
    this.#store = store
    this.#syncs = this.#shared('linearizable')
    this.#checks = this.#shared('sequential')
    this.#refreshes = this.#shared('confirmed')
    this.#commits = new GroupCommit((batch, everywhere) => this.#commit(batch, everywhere), {
      timeout: store.timeout,
      needsTimer: group => store.isStepwise && isSingle(group),
      unsent: () => notSent(store.timeout, store.name),
      unanswered: () => writeFault(late(store.timeout), store.name),
    })
    this.#damage = new DamageReports(store.name)
    const asked = (change: Change<unknown> | undefined) => this.#acknowledge(change)
    this.#history = new History(loaded.state, decode, observer, asked, promises.earlier)
    this.#bound = promises.maxStaleness
    this.#policy = store.hasHistory ? promises.history : undefined
    this.#isLinearizable = store.linearizable || promises.consistency === 'linearizable'
    this.reliance = loaded.reliance
    this.#membership = loaded.membership
    this.#comparison = new Comparison(store, {
      history: this.#history,
      announces: store.hasHistory && promises.readOnly !== true,
      check: () => this.check(),
      submit: group => this.submit(group),
    })
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
    const { maxStaleness, membership: options } = promises
    const reliance = new Reliance(maxStaleness, options !== undefined)
    const membership = options && new Membership(store, reliance, options, maxStaleness)
    try {
      // Recorded before the first check that a reader relies on: a writer that does not see the bound yet comes before that check.
      if (maxStaleness !== undefined) await (membership ? membership.join() : store.registerMaxStaleness(maxStaleness))
      const loadedAt = now()
      const state = await store.load(progress)
      const replica = new Replica(store, decode, observer, promises, { state, reliance, membership })
      reliance.confirmed(loadedAt)
      await replica.#introduce()
      // That is best effort. But if the opening was ended meanwhile, so is every later read.
      store.throwIfEnded()
      return replica
    } catch (error) {
      await membership?.abandon()
      throw error
    }
  }

  /** Leaves the registry if the dictionary cannot be opened after all. */
  async abandon(): Promise<void> {
    await this.#membership?.abandon()
  }

  get memory(): Memory {
    return this.#history.memory
  }

  /** When memory was last known to be current: the time before that check was sent. */
  get confirmedAt(): number {
    return this.reliance.confirmedAt
  }

  /** Its id in the registry, if it has a record there. */
  get id(): string | undefined {
    return this.#membership?.id
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
    await this.#record(this.#bound)
  }

  /**
   * Executes the group. When it resolves, memory contains its result and everything before it.
   *
   * @param limit - how long it may take in total, in ms. Default: the timeout.
   * @param everywhere - whether the outcome must say what to wait for.
   */
  submit(group: Group<unknown>, limit?: number, everywhere?: boolean): Promise<Executed> {
    this.#store.noteCaller(group)
    return this.#commits.submit(group, limit, everywhere)
  }

  /** Applies a pushed change if it chains. Returns false if there is a gap. */
  push(change: Change<unknown>): boolean {
    return !this.#loading && isChange(change) && this.#history.push(change)
  }

  subscribe(listener: Listener<unknown>): Promise<Unsubscribe> {
    return this.#store.subscribe(listener)
  }

  /** Until when memory counts as current for this bound, in ms, on the monotonic clock. */
  currentUntil(bound: number): number {
    return this.#bound === undefined ? this.reliance.confirmedAt + bound : this.reliance.within(bound)
  }

  /** A lost connection may mean another server, which may not have the record of this replica. */
  interrupted(): void {
    this.reliance.lost()
    void this.#membership?.rejoin()
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
  resync(): Promise<void> {
    return this.#comparison.run()
  }

  /** Ends pending calls: reads immediately, and writes that were sent as soon as their outcome is known. */
  async close(reason: ClosedError): Promise<void> {
    this.#membership?.stop()
    this.#store.endReads(reason)
    await this.#commits.drain(reason)
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
    if (answer.type !== 'changes' && answer.diverged) this.#diverged()
    // With a bound, everything is loaded: a store that lost its history may have lost the recorded bound too.
    const edited = answer.type === 'changes' || !Object.is(this.memory.version, base) ? undefined : answer.edited
    this.#edits = edited === undefined ? undefined : { version: edited, before: this.memory.entries.stored }
    if (answer.type === 'state' && answer.diverged && this.#hasRecorded) return 'loadDiverged'
    const remainder = this.#history.follow(base, answer)
    if (remainder === 'none') this.#announceEdits()
    return remainder
  }

  /** Makes what external writers did a change, once memory has followed them. Best effort. */
  #announceEdits(): void {
    const edits = this.#edits
    this.#edits = undefined
    if (edits && Object.is(edits.version, this.memory.version))
      this.#comparison.found(edits.before, edits.version).catch(() => {})
  }

  /** A store with another history may have lost its registry, or have an older one. */
  #diverged(): void {
    this.#knownBounds.diverged()
    this.reliance.lost()
    if (this.#bound === undefined) void this.#membership?.rejoin()
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
    const state = await this.#store.load()
    if (reason === 'loaded' && (await this.#hasDiverged())) return this.#loadEverything('diverged')
    this.#history.replace(state, reason)
    this.#announceEdits()
    this.#confirm(startedAt)
  }

  /** A store that loses its data while it is loaded has another history than memory. Only the log knows. */
  async #hasDiverged(): Promise<boolean> {
    if (!this.#store.hasLog) return false
    const answer = damageDiverges(await this.#store.changesSince(this.memory.version))
    if (answer.type === 'changes' || !answer.diverged) return false
    this.#diverged()
    return true
  }

  /** Whether the dictionary has recorded something besides entries. */
  get #hasRecorded(): boolean {
    return this.#bound !== undefined || this.#policy !== undefined
  }

  /** A store that lost its data may have lost what this dictionary recorded in it. */
  async #recordAgain(): Promise<void> {
    if (this.#bound !== undefined) await this.#record(this.#bound)
    if (this.#policy !== undefined) await this.#store.setHistoryPolicy(this.#policy)
  }

  async #record(bound: number): Promise<void> {
    await (this.#membership ? this.#membership.raise(bound) : this.#store.registerMaxStaleness(bound))
  }

  /** Best effort, except that a bound was recorded before. */
  async #introduce(): Promise<void> {
    this.#knownBounds.note(this.#bound ?? 0)
    await this.#membership?.start({
      version: () => this.memory.version,
      refresh: () => this.refresh(),
      bounded: bound => this.#knownBounds.note(bound),
    })
  }

  /** Writers do not wait for their own replica. */
  #acknowledge(change: Change<unknown> | undefined): void {
    if (change?.id === undefined || !this.#ownBatches.has(change.id)) this.#membership?.acknowledge()
  }

  async #commit(batch: Batch<unknown>, everywhere: boolean): Promise<readonly Executed[]> {
    this.#ownBatches.add(batch.id)
    this.#underWay = batch
    try {
      return await this.#commitAndFollow(batch, everywhere)
    } finally {
      this.#underWay = undefined
    }
  }

  async #commitAndFollow(batch: Batch<unknown>, everywhere: boolean): Promise<readonly Executed[]> {
    this.#awaited = true
    const sentAt = now()
    const base = this.memory.version
    const held = (key: string) =>
      Object.is(this.memory.version, base) ? this.memory.entries.stored.get(key) : undefined
    const asked = everywhere && this.#store.hasPresence
    const { id, groups } = batch
    const committed = await this.#store.commit(
      asked ? { id, groups, held, acknowledge: true } : { id, groups, held },
      base,
    )
    const { outcomes, catchUp } = committed
    const at = now()
    try {
      const until = (this.#store.isStepwise ? at : sentAt) + this.#store.timeout
      await this.#finish(this.#follow(base, catchUp), 'linearizable', catchUp.asOf ?? sentAt, until)
    } catch (cause) {
      // Closed meanwhile: the write took effect, and nobody reads memory any more.
      if (!(cause instanceof ClosedError)) return outcomes.map(outcome => this.#unfollowed(outcome, cause))
    }
    const bound = committed.bound === undefined ? 0 : readBound(committed.bound)
    if (bound !== undefined) this.#knownBounds.note(bound)
    return everywhere ? this.#withReceipt(committed, bound, at) : outcomes
  }

  /** A damaged record may be that of any replica: only the recorded bound covers it. */
  #withReceipt({ outcomes, catchUp, registry }: Committed<unknown>, bound: number | undefined, at: number): Executed[] {
    const version = catchUp.type === 'tooOld' ? this.memory.version : catchUp.version
    const known = readRegistry(registry)
    const receipt = {
      version,
      at,
      bound,
      registry: known?.damage === undefined ? known : undefined,
      owedUntil: this.#knownBounds.owedUntil,
      isAsked: asksForAcknowledgement(catchUp),
    }
    return outcomes.map(outcome => ({ ...outcome, receipt }))
  }

  /** The outcome when memory could not catch up with a write. */
  #unfollowed(outcome: Outcome, cause: unknown): Outcome {
    if (outcome.status === 'refused') return outcome
    const error = outcome.status === 'done' ? notFollowed(cause, this.#store.name) : cause
    return { status: 'refused', error }
  }

  #confirm(asOf: number): void {
    this.#awaited = false
    if (asOf <= this.confirmedAt) return
    // A backend whose clock is ahead must not make memory count as current for longer.
    this.reliance.confirmed(Math.min(asOf, now()))
    if (this.#bound !== undefined && this.reliance.isLapsed) void this.#membership?.rejoin()
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

/** Whether the latest change asks. Whatever is loaded as a whole is acknowledged. */
function asksForAcknowledgement(catchUp: CatchUp<unknown>): boolean {
  return catchUp.type === 'changes' ? catchUp.changes.at(-1)?.acknowledge === true : catchUp.type === 'state'
}

/** What `open` found and began. */
interface Loaded {
  readonly state: State<unknown>
  readonly reliance: Reliance
  readonly membership: Membership | undefined
}
