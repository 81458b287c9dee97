/**
 * A token for one state of a store. Opaque: compared for equality only, by `Object.is`; a smaller one is a change too.
 * It must never recur for another state: make it from something random besides a number, so that a store that was
 * restored or flushed is noticed.
 */
export type Version = string | number | bigint

/** What one write does, as a wish: what comes of it is decided by the store, see {@link Effect}. */
export type Operation<S = string> =
  | { readonly type: 'set'; readonly key: string; readonly stored: S }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'clear' }
  /** Removes and gives what was there. */
  | { readonly type: 'pop'; readonly key: string }
  /** Inserts where the key is missing, and gives what is stored then. */
  | { readonly type: 'setDefault'; readonly key: string; readonly stored: S }

/**
 * What must hold for a group to be executed. A backend that cannot tell, say because its change log does not reach back,
 * takes it for not holding; it may always take `unchanged` as strictly as `version`.
 */
export type Condition =
  /** The whole state is still this one. */
  | { readonly type: 'version'; readonly version: Version }
  /** No change since this version has touched the key, not even one that left it as it was. */
  | { readonly type: 'unchanged'; readonly key: string; readonly since: Version }

/** Operations that take effect together, and only where every condition holds: all or nothing. */
export interface Group<S = string> {
  readonly conditions: readonly Condition[]
  readonly operations: readonly Operation<S>[]
}

/** Groups of one dictionary that travel to the store together, executed one after the other (group commit). */
export interface Batch<S = string> {
  /** Random, never used twice: it marks the changes that came of this batch, so that their author knows them again. */
  readonly id: string
  readonly groups: readonly Group<S>[]
}

/** What came of one group. */
export type Outcome =
  /**
   * Executed. One result an operation: `delete` gives whether the key was there, `pop` what was there or `undefined`,
   * `setDefault` what is stored now; the others give `undefined`.
   */
  | { readonly status: 'done'; readonly results: readonly unknown[] }
  /** A condition did not hold. Nothing of the group was executed. */
  | { readonly status: 'conflict' }
  /** The store refused this group for what it holds (say, a value that is too large). The others are not affected. */
  | { readonly status: 'refused'; readonly error: unknown }

/** What a change did to one entry: physical, so that replaying it needs no conditions. */
export type Effect<S = string> =
  | { readonly type: 'set'; readonly key: string; readonly stored: S }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'clear' }

/** One step of the store's history. Chained: it leads from exactly one state to exactly one other. */
export interface Change<S = string> {
  readonly previous: Version
  readonly version: Version
  readonly effects: readonly Effect<S>[]
  /** The {@link Batch.id} that it came of, where the backend keeps it. */
  readonly id?: string | undefined
}

/** Why the changes since a version cannot be had. */
export interface Gap {
  /** True where the version is not of the store's history at all: the store was restored, flushed or failed over. */
  readonly diverged: boolean
  /**
   * Describes a stored record that could not be read: which kind of record and where, never what it holds. The dictionary
   * loads everything, emits `sync` with reason `'diverged'`, and emits one process warning that contains this text.
   */
  readonly damage?: string | undefined
}

/** One whole state. */
export interface State<S = string> {
  readonly version: Version
  /** A `Map` is taken over as it is and not copied: the backend must not keep it. */
  readonly entries: Iterable<readonly [string, S]>
}

/**
 * What an answer to {@link Backend.changesSince} must be worth.
 *
 * - `'sequential'`: what the backend has been told by its store is enough (sequential consistency, with read-your-writes).
 * - `'confirmed'`: the same, and the store was asked for a sign of life after the call.
 * - `'linearizable'`: never older than what was acknowledged, to anyone, before the call.
 */
export type Freshness = 'sequential' | 'confirmed' | 'linearizable'

/** When an answer was right, at least. */
export interface Dated {
  /**
   * On the monotonic clock (`performance.now()`): counted from before the store was asked for what this answer rests on.
   * Default: when the call began.
   */
  readonly asOf?: number | undefined
}

/** What leads from an earlier state to the present one. */
export type CatchUp<S = string> = Dated & Leading<S>

type Leading<S> =
  /** The changes in order, without a gap; none where nothing changed. */
  | { readonly type: 'changes'; readonly version: Version; readonly changes: readonly Change<S>[] }
  /** The present state in place of the changes, where these cannot be had or would be longer. */
  | ({ readonly type: 'state' } & State<S> & Gap)
  /** The changes cannot be had: load everything. */
  | ({ readonly type: 'tooOld' } & Gap)

/** The answer to a batch. */
export interface Committed<S = string> {
  /** One for each group, in order. */
  readonly outcomes: readonly Outcome[]
  /** From the version that the caller named to the state after the batch. */
  readonly catchUp: CatchUp<S>
  /** The largest bound recorded when the batch was executed, in ms. Default 0: none. */
  readonly bound?: number | undefined
}

/** Who is told of changes by a backend that pushes them. None of these methods throws. */
export interface Listener<S = string> {
  /**
   * Something changed. With the change itself where the backend has it at hand; without, the dictionary asks for it.
   * A hint only: it may come late, twice or not at all.
   */
  changed(change?: Change<S>): void
  /** Pushes may have been lost since the last call (a lost connection, say): `cause` says why. The dictionary asks. */
  interrupted(cause: unknown): void
}

/** Ends a subscription. */
export type Unsubscribe = () => void | Promise<void>

/**
 * What a backend can do beyond the four methods. Left out: what has a method is supported. Each has a default, built
 * from the four methods, with the consequence named here.
 */
export interface Supports {
  /** `commit`: without it, operations run one by one: `update` and `clear` are not atomic, `transact` is unsupported. */
  readonly commit?: boolean | undefined
  /** `changesSince`: without it, every change costs a full load. */
  readonly changesSince?: boolean | undefined
  /** `load`: without it, a full load reads the version before and after, until both agree. */
  readonly load?: boolean | undefined
  /** `subscribe`: without it, live dictionaries poll. */
  readonly subscribe?: boolean | undefined
  /** `pop`: without it (and without `commit`), two callers may pop the same value. */
  readonly pop?: boolean | undefined
  /** `setDefault`: without it (and without `commit`), of two callers the later one may overwrite the earlier. */
  readonly setDefault?: boolean | undefined
  /** `registerMaxStaleness`, with `commit`, which tells the bound: without it, `maxStaleness` and `{ everywhere: true }` are unsupported. */
  readonly registerMaxStaleness?: boolean | undefined
  /**
   * Whether `changesSince` gives linearizable answers whatever {@link Freshness} is asked for. Default true. Where it does not,
   * checked reads may miss what others wrote just before; `sync()`, and every check of a dictionary with `maxStaleness`, ask for
   * more.
   */
  readonly linearizable?: boolean | undefined
}

/** What a backend's store can hold: text, text and bytes, or any value of this process as it is. */
export type ValueKind = 'text' | 'bytes' | 'references'

/** A value, at once or by a promise. */
export type Awaitable<V> = V | Promise<V>

/**
 * A store, as a dictionary sees it. Four methods make a correct dictionary; the optional ones make it atomic, cheap
 * and live. A backend gets clean input: keys are checked, values are encoded, and calls are bounded in time by the
 * dictionary.
 *
 * Methods are called in the async context in which the dictionary was opened. They may answer at once or by a promise. What they throw reaches the user as the `cause` of a
 * `StoreUnavailableError` (reads) or an `AmbiguousWriteError` (writes): a backend that knows that a write surely did not take
 * effect throws a `StoreUnavailableError` itself; any error of the library's family passes,
 * with the caller's key added where it names none.
 *
 * @typeParam S - what the store holds for a value: what the encoding makes of it.
 */
export interface Backend<S = string> {
  /** The dictionary's name, for errors. Default: `'dictionary'`. */
  readonly name?: string | undefined
  readonly supports?: Supports | undefined
  /** Default: text, as far as `open` checks it (`NoOpEncoding` needs `'references'`). */
  readonly valueKind?: ValueKind | undefined
  /** For live dictionaries on a backend without `subscribe`: how often to ask, in ms. Default 100. */
  readonly pollEvery?: number | undefined

  /**
   * Called by `open(…, { readOnly: true })`, once and before any other method. From then on the backend needs read rights only:
   * it creates, repairs and records nothing. Only the reading methods are called after it.
   */
  restrictToReads?(): void

  /** Durably sets. The version changes together with the entry, or after it, never before. */
  persist(key: string, stored: S): Awaitable<void>
  /** Durably removes; gives whether the key was there. */
  depersist(key: string): Awaitable<boolean>
  /** Everything stored. */
  durables(): Awaitable<Iterable<readonly [string, S]> | AsyncIterable<readonly [string, S]>>
  /** A token that differs whenever anything changed. Cheap: it is asked before every checked read. */
  lastUpdated(): Awaitable<Version>

  /** Atomically removes and gives what was there, or `undefined`. */
  pop?(key: string): Awaitable<S | undefined>
  /** Atomically inserts where missing; gives what is stored. Changes nothing, not even the version, where it exists. */
  setDefault?(key: string, stored: S): Awaitable<S>

  /**
   * Executes the batch durably, in isolation, each group all or nothing. A batch without effect leaves the version.
   * `signal` is aborted when the caller has stopped waiting: what was not sent yet must not be sent any more.
   */
  commit?(batch: Batch<S>, since: Version, signal: AbortSignal): Awaitable<Committed<S>>
  /**
   * Called before a group is committed, in the async context of the call that it came of: for backends that run code of the
   * application for a group. `commit` itself runs in the context in which the dictionary was opened. Must be cheap, and not throw.
   */
  noteCaller?(group: Group<S>): void
  /**
   * What happened since. Never older than what was acknowledged before the call, unless less is asked for.
   *
   * @param freshness - what the answer must be worth; more is always right. Default `'linearizable'`.
   */
  changesSince?(since: Version, freshness?: Freshness): Awaitable<CatchUp<S>>
  /**
   * As of when, as {@link Dated.asOf}, the version is known to be the present one by what the store has told: where
   * `changesSince(version, 'sequential')` would say at once that nothing changed. Nothing where it is not, or the store would have
   * to be asked. It asks nothing and costs next to nothing: reads that check begin with it, each of them, where the backend is
   * not {@link Supports.linearizable}. Default: they share a `changesSince`.
   */
  currentAsOf?(version: Version): number | undefined
  /**
   * Everything stored with its version: one consistent state. Where that takes several calls on the store, `progress`
   * is to be called after each, since the time limit of a call starts anew then. It throws once no one waits any more:
   * nothing more is to be sent.
   */
  load?(progress: () => void): Awaitable<State<S>>
  /** Tells the listener of changes by others and by this backend, until unsubscribed. */
  subscribe?(listener: Listener<S>): Awaitable<Unsubscribe>

  /**
   * Durably records that some replica relies on memory for `ms` after a check, unless a larger bound is recorded already.
   * Not a change of the dictionary: the version stays.
   */
  registerMaxStaleness?(ms: number): Awaitable<void>

  /**
   * Lets go of what the backend itself opened. Called once; no call comes after it. Writes have ended by then, or are given
   * up; reads that no one waits for any more may still be under way, and may fail.
   */
  close?(): Awaitable<void>
}
