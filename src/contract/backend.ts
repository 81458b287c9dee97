import type { Attribution, CommitNote, HistoryPage, HistoryPolicy, HistoryQuery } from './history.js'
import type { Presence, Registration, Registry } from './presence.js'

/**
 * A token that identifies one state of a store. It is opaque: the library compares it for equality only, with `Object.is`; a
 * smaller number is a change too. A token must never recur for another state: include something random besides a counter, so that
 * a restored or flushed store is noticed.
 */
export type Version = string | number | bigint

/** What one write requests. The store decides what the write does: see {@link Effect}. */
export type Operation<S = string> =
  | { readonly type: 'set'; readonly key: string; readonly stored: S }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'clear' }
  /** Removes the entry and returns its stored form. */
  | { readonly type: 'pop'; readonly key: string }
  /** Inserts the entry if the key is missing, and returns the stored form. */
  | { readonly type: 'setDefault'; readonly key: string; readonly stored: S }
  /**
   * Announces the value that an external writer stored for the key, as a change like any other. `before` is the value that the
   * caller knew, for the history. Only sent to backends with `history`.
   */
  | { readonly type: 'touch'; readonly key: string; readonly before?: S | undefined }

/**
 * What must hold for a group to be executed. A backend that cannot decide, because its change log does not reach back far enough,
 * treats the condition as violated. It may always check `unchanged` as strictly as `version`.
 */
export type Condition =
  /** The whole state is still this one. */
  | { readonly type: 'version'; readonly version: Version }
  /** No change since this version touched the key, not even one that rewrote the same value. */
  | { readonly type: 'unchanged'; readonly key: string; readonly since: Version }

/** Operations that take effect together, all or nothing, and only if every condition holds. */
export interface Group<S = string> {
  readonly conditions: readonly Condition[]
  readonly operations: readonly Operation<S>[]
  /** Who submitted it and why. */
  readonly attribution?: Attribution | undefined
}

/** Groups of one dictionary that are sent to the store together and executed one after the other (group commit). */
export interface Batch<S = string> {
  /** Random and never reused. It marks the changes of this batch, so that the dictionary recognizes its own writes. */
  readonly id: string
  readonly groups: readonly Group<S>[]
  /**
   * Whether the caller waits until every replica holds the result. Only sent to backends with `presence`. Default false. If such a
   * batch has a group without conditions and operations, it makes a change even if nothing has an effect: replicas that hold the
   * present version have to be asked too.
   */
  readonly acknowledge?: boolean | undefined
  /**
   * Returns what the caller's memory holds under a key at the version that it passes; `undefined` if nothing, or if memory has moved
   * on. Only a hint: external writers may have changed the entry.
   */
  readonly held?: ((key: string) => S | undefined) | undefined
}

/** The outcome of one group. */
export type Outcome =
  /**
   * Executed, with one result for each operation: `delete` returns whether the key existed, `pop` the removed stored form or
   * `undefined`, `setDefault` the form that is stored now, and the others `undefined`.
   */
  | { readonly status: 'done'; readonly results: readonly unknown[] }
  /** A condition did not hold. The store executed nothing of the group. */
  | { readonly status: 'conflict' }
  /** The store refused this group for its content, such as a value that is too large. Other groups are not affected. */
  | { readonly status: 'refused'; readonly error: unknown }

/** What a change did to one entry. Effects are physical: replaying them needs no conditions. */
export type Effect<S = string> =
  | { readonly type: 'set'; readonly key: string; readonly stored: S }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'clear' }

/** One step of the store's history. Changes are chained: each leads from exactly one state to exactly one other. */
export interface Change<S = string> {
  readonly previous: Version
  readonly version: Version
  readonly effects: readonly Effect<S>[]
  /** The {@link Batch.id} of the batch that made the change, if the backend records it. */
  readonly id?: string | undefined
  /** Whose effects these are, by group. Absent if no group says anything. */
  readonly notes?: readonly CommitNote[] | undefined
  /** Asks each replica with a bound to call {@link Backend.acknowledge} once it has applied the change. See {@link Batch.acknowledge}. */
  readonly acknowledge?: boolean | undefined
}

/** Why the changes since a version are not available. */
export interface Gap {
  /** True if the version is not part of the store's history: the store was restored, flushed or failed over. */
  readonly diverged: boolean
  /**
   * Describes a stored record that could not be read: its kind and place, never its content. The dictionary then
   * loads everything, emits `sync` with reason `'diverged'`, and emits one process warning that contains this text.
   */
  readonly damage?: string | undefined
  /**
   * A version whose state differs from the one asked for only by what external writers did. The dictionary then makes the difference a
   * change, which the history records.
   */
  readonly edited?: Version | undefined
}

/** One complete state. */
export interface State<S = string> {
  readonly version: Version
  /** The dictionary takes over a `Map` without copying it: the backend must not keep a reference. */
  readonly entries: Iterable<readonly [string, S]>
}

/**
 * The guarantee that an answer of {@link Backend.changesSince} must meet.
 *
 * - `'sequential'`: sequential consistency with read-your-writes. What the store has already reported is enough.
 * - `'confirmed'`: as `'sequential'`, and the store has answered something that the backend sent after the call.
 * - `'linearizable'`: includes every write acknowledged, to any client, before the call.
 */
export type Freshness = 'sequential' | 'confirmed' | 'linearizable'

/** An answer with the time at which it was current. */
export interface Dated {
  /**
   * A time on the monotonic clock (`performance.now()`) at which the answer was current at the earliest: before the store was asked.
   * Default: the time of the call.
   */
  readonly asOf?: number | undefined
}

/** What leads from an earlier state to the current one. */
export type CatchUp<S = string> = Dated & Leading<S>

type Leading<S> =
  /** The changes in order and without a gap. Empty if nothing changed. */
  | { readonly type: 'changes'; readonly version: Version; readonly changes: readonly Change<S>[] }
  /** The current state, if the changes are not available or would be larger. */
  | ({ readonly type: 'state' } & State<S> & Gap)
  /** The changes are not available. The dictionary loads everything. */
  | ({ readonly type: 'tooOld' } & Gap)

/** The answer to a batch. */
export interface Committed<S = string> {
  /** One for each group, in the same order. */
  readonly outcomes: readonly Outcome[]
  /** From the version that the caller passed to the state after the batch. */
  readonly catchUp: CatchUp<S>
  /** The largest staleness bound recorded when the batch was executed, in ms. Default 0: no bound. */
  readonly bound?: number | undefined
  /**
   * Who may rely on memory, read in the transaction of the batch. Only for a batch with {@link Batch.acknowledge}, even if it had no
   * effect: no other commit reads the registry.
   */
  readonly registry?: Registry | undefined
}

/** Receives the changes of a backend that pushes them. Its methods never throw. */
export interface Listener<S = string> {
  /**
   * Reports that something changed. Pass the change if you have it; without it, the dictionary asks the store.
   * A call is only a hint: it may be late, repeated or missing.
   */
  changed(change?: Change<S>): void
  /** Reports that pushes may have been lost since the last call, for example by a lost connection. The dictionary asks the store. */
  interrupted(cause: unknown): void
  /** Reports that entries were changed without a new version. The dictionary compares everything, and makes the difference a change. */
  edited?(): void
}

/** Ends a subscription. */
export type Unsubscribe = () => void | Promise<void>

/**
 * What a backend supports beyond the four methods. A capability that is left out counts as supported if its method exists. Without
 * a capability the dictionary uses a default built from the four methods; each member names the consequence.
 */
export interface Supports {
  /** `commit`. Without it, operations run one by one: `update` and `clear` are not atomic, and `transact` is unsupported. */
  readonly commit?: boolean | undefined
  /** `changesSince`. Without it, every change costs a full load. */
  readonly changesSince?: boolean | undefined
  /** `load`. Without it, a full load reads the version before and after the entries, and retries until both agree. */
  readonly load?: boolean | undefined
  /** `subscribe`. Without it, live dictionaries poll. */
  readonly subscribe?: boolean | undefined
  /** `pop`. Without it and without `commit`, two callers may pop the same value. */
  readonly pop?: boolean | undefined
  /** `setDefault`. Without it and without `commit`, a concurrent caller may overwrite a default that was just inserted. */
  readonly setDefault?: boolean | undefined
  /** `registerMaxStaleness`, together with `commit`, which returns the bound. Without it, `maxStaleness` and `{ everywhere: true }` are unsupported. */
  readonly registerMaxStaleness?: boolean | undefined
  /**
   * `history`, together with `commit`, which records it. Without it, `history`, `revert` and `at` are unsupported, and `by` and
   * `reason` of a write are ignored.
   */
  readonly history?: boolean | undefined
  /**
   * `register`, `leave`, `replicas`, `acknowledge` and `awaitAcknowledgements`, together with `commit` and `registerMaxStaleness`.
   * Without it, `replicas()` is unsupported, and a write `{ everywhere: true }` waits for the largest recorded bound.
   */
  readonly presence?: boolean | undefined
  /**
   * Whether `changesSince` is linearizable for every {@link Freshness}. Default true. If it is not, checked reads may miss writes that
   * other processes made just before. `sync()`, and every check of a dictionary with `maxStaleness`, then ask for
   * `'linearizable'`.
   */
  readonly linearizable?: boolean | undefined
}

/** What a store can hold: text, text and bytes, or any value of this process by reference. */
export type ValueKind = 'text' | 'bytes' | 'references'

/** A value or a promise of it. */
export type Awaitable<V> = V | Promise<V>

/**
 * A store, as a dictionary sees it. Four methods make a correct dictionary; the optional ones make it atomic, cheap
 * and live. A backend gets clean input: the dictionary checks keys, encodes values and limits the time of each call.
 *
 * The dictionary calls methods in the async context in which it was opened. They may return a value or a promise. An error that a
 * method throws becomes the `cause` of a `StoreUnavailableError` (reads) or an `AmbiguousWriteError` (writes). A backend that knows
 * that a write did not take effect throws a `StoreUnavailableError` itself. Errors of the library's family pass unchanged, except
 * that the dictionary adds the caller's key if they name none.
 *
 * @typeParam S - the stored form of a value: what the encoding returns.
 */
export interface Backend<S = string> {
  /** The dictionary's name, for errors. Default `'dictionary'`. */
  readonly name?: string | undefined
  /** The kind of store, for diagnostics and metrics: `'redis'`. At most 40 characters. Default `'custom'`. */
  readonly storeKind?: string | undefined
  readonly supports?: Supports | undefined
  /** What the store can hold. Default: text. Only encodings that pass values through, such as `NoOpEncoding`, need `'references'`. */
  readonly valueKind?: ValueKind | undefined
  /** How often a live dictionary polls a backend without `subscribe`, in ms. Default 100. */
  readonly pollEvery?: number | undefined

  /**
   * Called once by `open(…, { readOnly: true })`, before any other method. From then on the backend needs read rights only: it
   * creates, repairs and records nothing. The dictionary then calls only methods that read.
   */
  restrictToReads?(): void

  /** Sets an entry durably. The version changes together with the entry or after it, never before. */
  persist(key: string, stored: S): Awaitable<void>
  /** Removes an entry durably. Returns whether the key existed. */
  depersist(key: string): Awaitable<boolean>
  /** Returns everything that is stored. */
  durables(): Awaitable<Iterable<readonly [string, S]> | AsyncIterable<readonly [string, S]>>
  /** Returns a token that differs whenever anything changed. It should be cheap: every checked read calls it. */
  lastUpdated(): Awaitable<Version>

  /** Atomically removes an entry. Returns its stored form, or `undefined`. */
  pop?(key: string): Awaitable<S | undefined>
  /** Atomically inserts an entry if the key is missing. Returns the stored form. If the key exists, nothing changes, not even the version. */
  setDefault?(key: string, stored: S): Awaitable<S>

  /**
   * Executes a batch durably and in isolation, each group all or nothing. A batch without effect does not change the version, unless it
   * asks for acknowledgements: see {@link Batch.acknowledge}.
   * `signal` is aborted when the caller stops waiting: the backend must not send anything after that.
   */
  commit?(batch: Batch<S>, since: Version, signal: AbortSignal): Awaitable<Committed<S>>
  /**
   * Called before a group is committed, in the async context of the write that created it. It is for backends that run application
   * code for a group; `commit` runs in the context in which the dictionary was opened. It must be cheap and must not throw.
   */
  noteCaller?(group: Group<S>): void
  /**
   * Returns what happened since a version. The answer includes every write acknowledged before the call, unless `freshness` allows less.
   *
   * @param freshness - the guarantee that the answer must meet; a stronger one is always allowed. Default `'linearizable'`.
   */
  changesSince?(since: Version, freshness?: Freshness): Awaitable<CatchUp<S>>
  /**
   * Returns a time as {@link Dated.asOf} at which the version was current, judged only by what the store has already reported. It
   * returns a time exactly when `changesSince(version, 'sequential')` would return no changes without asking the store, else
   * `undefined`. It must be very cheap: on a backend that is not {@link Supports.linearizable}, every checked read calls it first.
   * Default: reads share a `changesSince`.
   */
  currentAsOf?(version: Version): number | undefined
  /**
   * Returns everything stored and its version, as one consistent state. If this takes several calls to the store, call `progress`
   * after each: it restarts the time limit. It throws when no caller waits any more, so that the backend sends nothing further.
   */
  load?(progress: () => void): Awaitable<State<S>>
  /** Notifies the listener of changes, by other clients and by this backend, until it unsubscribes. */
  subscribe?(listener: Listener<S>): Awaitable<Unsubscribe>

  /**
   * Durably records that a replica serves reads from memory for up to `ms` after a check, unless a larger bound is recorded.
   * This is not a change of the dictionary: the version stays the same. With `presence`, it is only called for replicas that are not
   * in the registry: see {@link Registry.unregistered}.
   */
  registerMaxStaleness?(ms: number): Awaitable<void>

  /**
   * Writes or renews the record of a replica in the registry of the dictionary, and drops records that have expired. This is not a
   * change of the dictionary: the version stays the same.
   *
   * A record expires no earlier than `ttl` ms after this was executed, in real time, even if the clock of the store jumps: a writer
   * relies on that, and `Sightings` helps. The bound of the record also counts as recorded for releases without a registry, until no
   * record needs it any more. Records carry a format number and tolerate fields that a reader does not know.
   */
  register?(presence: Presence, ttl: number): Awaitable<Registration>
  /** Removes the record of a replica, which from now on relies on nothing. */
  leave?(id: string): Awaitable<void>
  /** Returns the records that have not expired. A record that cannot be read is left out: see {@link Registry.damage}. */
  replicas?(): Awaitable<Registry>
  /**
   * Notes in the record of a replica that it holds this version, and notifies those who wait for it. Only called after the replica
   * has applied the version. Without a record, it does nothing.
   */
  acknowledge?(id: string, version: Version): Awaitable<void>
  /**
   * Calls `acknowledged` for each of these replicas once its record says that it holds this version or a later one of the same
   * history. `register` and `acknowledge` write that into the record. A replica whose record is gone counts too: it has left, or has
   * expired. A false call breaks the guarantee of `{ everywhere: true }`; a missing one only makes the write wait for the bound.
   * Settles when each was called for, or soon after `signal` is aborted.
   *
   * @param version - the current state or an earlier one of this history.
   */
  awaitAcknowledgements?(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Awaitable<void>

  /**
   * Returns commits of the past, newest first. `commit` writes each of them in the transaction of its data: one entry for every
   * group that had an effect, and none for any other.
   *
   * @throws HistoryError if `before` names a commit of another history of this store.
   */
  history?(query: HistoryQuery): Awaitable<HistoryPage<S>>
  /**
   * Durably records how much history every writer keeps. `false` drops all of it and records nothing from then on. This is not a
   * change of the dictionary: the version stays the same.
   */
  setHistoryPolicy?(policy: HistoryPolicy): Awaitable<void>
  /** Removes this author from all stored commits, and from the notes of the change log. Returns how many commits there were: they stay. */
  forgetAuthor?(by: string): Awaitable<number>

  /**
   * Returns whether this error means that the store answered and refuses the dictionary, for a reason that time does not cure: wrong
   * credentials, a missing right, a key of another type. It gets each error of the chain of causes. With the option `lastKnown`,
   * `open` then rejects instead of serving the last known state. Default: never.
   */
  refuses?(error: unknown): boolean

  /**
   * Releases what the backend itself opened. Called once, and no other call follows. Writes have ended or were cancelled by then.
   * Reads that no caller waits for any more may still be running, and may fail.
   */
  close?(): Awaitable<void>
}
