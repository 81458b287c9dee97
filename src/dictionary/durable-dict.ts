import type { Backend, Version } from '../contract/backend.js'
import { Connectable } from '../contract/connectable.js'
import type { Stats } from '../diagnostics/stats.js'
import { UnsupportedError } from '../errors/errors.js'
import { brand } from '../process/branded.js'
import type { Internals, Origin } from './assembly.js'
import { ChangeStream } from './change-stream.js'
import { closeQuietly } from './closing.js'
import { Core } from './core.js'
import { type Derived, DerivedValue, type DeriveOptions } from './derived.js'
import type { Change, EventMap } from './events.js'
import type { ReplicaStatus } from './fleet.js'
import type { Health } from './health.js'
import { type AttributionOptions, checkAttribution, withFallback } from './history/attribution.js'
import type { HistoryOptions } from './history/commit-stream.js'
import type { HistoryOf } from './history/history-of.js'
import type { RevertOptions } from './history/revert.js'
import { INSPECT, type InspectArguments, type Inspected, inspectDictionary } from './inspection.js'
import type { OpenOnBackend } from './open.js'
import { Opener, type Source } from './opening.js'
import { checkNames, checkRetries, checkSignal, checkTimeout } from './option-checks.js'
import type { CommonOptions, TransactOptions, WatchOptions, WriteOptions } from './options.js'
import type { Updates } from './pairs.js'
import { attachRequestApi } from './request-api.js'
import { snapshotHere } from './request-scope.js'
import { checkOptions } from './settings.js'
import { StoreContext } from './store-context.js'
import type { Transaction } from './transaction.js'
import type { DictView, Read, Snapshot } from './views.js'
import type { openWithLastKnown } from './without-store.js'
import type { Writes } from './writes.js'

/** How often a transaction is retried by default. */
const DEFAULT_RETRIES = 32

/**
 * A `Map` that all processes of a service share. The data is stored durably; each process holds a full copy in memory, and
 * refreshes it only when the store reports a change.
 *
 * With `autosync: true` (the default), reads are linearizable. With `autosync: false`, they are sequentially consistent with
 * read-your-writes. In every mode, memory equals some state that the store went through, and it never goes backwards (monotonic
 * reads) unless the store itself was rolled back. Writes are linearizable, and durable when they resolve.
 *
 * Every method rejects with `ClosedError` after `close`, and with `StoreUnavailableError` if it needs the store
 * and the store does not answer within `timeout`. A write whose outcome is unknown rejects with `AmbiguousWriteError`.
 * An invalid key rejects with `InvalidKeyError`.
 *
 * @typeParam T - the values by key, as they are read.
 * @typeParam D - the keys that have a default.
 * @typeParam I - the values by key, as they are written; different from `T` only if a schema transforms values.
 *
 * @example
 * const settings = await RedisDict.open('settings', client, { defaults: { theme: 'light' } })
 * await settings.set('theme', 'dark')
 * await settings.get('theme') // 'dark', in every process
 */
export class DurableDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> {
  static {
    brand(DurableDict, 'DurableDict')
  }

  static {
    // Not a method, so that it is not part of the declarations.
    Object.defineProperty(DurableDict.prototype, INSPECT, {
      value(this: DurableDict, ...[depth, options, inspect]: InspectArguments) {
        return inspectDictionary(this, this.#inspected(), depth, options, inspect)
      },
    })
  }

  readonly #core: Core
  readonly #writes: Writes

  /** @param attribution - added to each write of this object. */
  protected constructor(core: Core, attribution?: AttributionOptions) {
    this.#core = core
    this.#writes = attribution ? core.writes.as(attribution) : core.writes
    attachRequestApi(this, core.requestApi)
  }

  static readonly open = ((backend: Backend<unknown>, options?: CommonOptions) =>
    DurableDict.openAs(backend, options, core => new DurableDict(core))) as OpenOnBackend

  /**
   * Opens a dictionary of a class that extends this one.
   *
   * @param source - a backend, or a store that must be connected first.
   */
  protected static async openAs<Dict>(
    source: Source,
    options: CommonOptions | undefined,
    make: (core: Core) => Dict,
  ): Promise<Dict> {
    const context = new StoreContext()
    let timeout: number | undefined
    let internals: Internals
    try {
      const settings = checkOptions(options)
      timeout = settings.timeout
      const opener = new Opener(source, settings, context)
      internals = await (settings.lastKnown ? withLastKnown(opener, settings, context) : opener.attempt())
    } catch (error) {
      if (!(source instanceof Connectable)) await context.run(() => closeQuietly(source, timeout))
      throw error
    }
    const core = new Core(internals)
    if (!options?.signal?.aborted) return make(core)
    await core.close().catch(() => {})
    throw options.signal.reason
  }

  /** The dictionary's name. */
  get name(): string {
    return this.#core.internals.name
  }

  /**
   * The synchronous view of memory. It never touches the store. `get` falls back to the defaults; everything else covers stored
   * keys only. It also works while the store cannot be reached, and after `close`.
   */
  get local(): DictView<T, D> {
    return this.#core.reads.local as unknown as DictView<T, D>
  }

  /**
   * The synchronous view of memory that answers only within `maxStaleness`: each read throws `StaleError` if memory was
   * not confirmed current within the bound. Throws `TypeError` if the dictionary was opened without `maxStaleness`.
   */
  get fresh(): DictView<T, D> {
    return this.#core.reads.fresh as unknown as DictView<T, D>
  }

  /** The version of the state in memory: an opaque token. Compare it for equality only. */
  get version(): Version {
    return this.#core.internals.replica.memory.version
  }

  /** How long ago memory was last known to be current, in ms, measured from before that check was sent. */
  get staleness(): number {
    return this.#core.staleness
  }

  /**
   * Where the state in memory came from: `'store'`; or, until the store answers for the first time, `'last-known'` or `'seed'` (option
   * `lastKnown`). Memory then serves `local`, `current()` and whatever serves while the store is down, and everything else rejects.
   *
   * @example
   * if (settings.origin !== 'store') console.warn(`The settings are ${settings.staleness} ms old`)
   */
  get origin(): Origin {
    return this.#core.internals.origin
  }

  /** Returns the stored value, else its default, else `undefined`. Rejects with `DecodingError` if it cannot be decoded. */
  get<K extends keyof T & string>(key: K): Promise<Read<T, D, K>> {
    return this.#core.reads.get(key) as Promise<Read<T, D, K>>
  }

  /** Returns the stored value, else its default. Rejects with `KeyError` if there is neither. */
  getOrThrow<K extends keyof T & string>(key: K): Promise<Required<T>[K]> {
    return this.#core.reads.getOrThrow(key) as Promise<Required<T>[K]>
  }

  /** Returns whether the key is stored. Defaults do not count. */
  async has(key: keyof T & string): Promise<boolean> {
    this.#core.internals.keys.check(key)
    return (await this.#core.reads.current()).has(key)
  }

  /** Returns how many keys are stored. */
  async size(): Promise<number> {
    return (await this.#core.reads.current()).size
  }

  /** Returns the stored keys of one state, in no particular order. */
  async keys(): Promise<(keyof T & string)[]> {
    return [...(await this.#core.reads.current()).keys()] as (keyof T & string)[]
  }

  /** Returns the stored values of one state. Rejects with `DecodingError` if one of them cannot be decoded. */
  async values(): Promise<T[keyof T & string][]> {
    return [...(await this.#core.reads.current()).values()] as T[keyof T & string][]
  }

  /** Returns the stored entries of one state. Rejects with `DecodingError` if one of them cannot be decoded. */
  async entries(): Promise<[keyof T & string, T[keyof T & string]][]> {
    return [...(await this.#core.reads.current()).entries()] as [keyof T & string, T[keyof T & string]][]
  }

  /** Iterates over the entries of one state. Writes during the iteration do not affect it. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<[keyof T & string, T[keyof T & string]]> {
    yield* (await this.snapshot()).entries()
  }

  /** Returns an immutable view of one consistent state, for example for the duration of a request. It copies nothing. */
  snapshot(): Promise<Snapshot<T, D>> {
    return this.#core.reads.snapshot() as unknown as Promise<Snapshot<T, D>>
  }

  /**
   * Returns the request's snapshot inside the middleware or plugin for a web framework: the snapshot taken when the request arrived,
   * the same one until the response was sent, regardless of writes, including the request's own. Anywhere else it returns a snapshot
   * of what memory holds now. Synchronous; never touches the store. Throws `ClosedError` after `close`.
   */
  current(): Snapshot<T, D> {
    this.#core.gate.assertOpen()
    return (snapshotHere(this.#core) ?? this.#core.reads.present()) as unknown as Snapshot<T, D>
  }

  /**
   * Returns a value computed from the state, such as a compiled routing table or a rate limiter. It is computed when it is read, at
   * most once for each state, and again only after one of the `keys` has changed. Any other read costs one comparison. Inside the
   * middleware or plugin for a web framework it is computed from the request's snapshot.
   *
   * If `fn` throws, each read throws that error until the state changes; `lastGood` keeps the last value that it returned. `fn` must
   * depend on the snapshot only. It is synchronous: if it returns a promise, the promise is the value.
   *
   * @param fn - gets a snapshot. With `keys`, only these keys compile.
   * @param options - `keys`: the keys that `fn` reads. Default: all.
   * @example
   * const limiter = settings.derive(state => new Limiter(state.get('limits')), { keys: ['limits'] })
   * limiter.current.take()
   */
  derive<R, const K extends keyof T & string = keyof T & string>(
    fn: (state: Snapshot<Pick<T, NoInfer<K>>, D & NoInfer<K>>) => R,
    options: DeriveOptions<K> = {},
  ): Derived<R> {
    if (typeof fn !== 'function') throw new TypeError('derive() takes a function of a snapshot.')
    checkNames(options, ['keys'], 'derive()')
    if (options.keys !== undefined) {
      if (!Array.isArray(options.keys)) throw new TypeError('Option "keys" of derive() must be an array of keys.')
      this.#checkKeys(options.keys)
    }
    return new DerivedValue(this.#core.derivedSource, fn as unknown as (state: Snapshot) => R, options.keys)
  }

  /** Inserts or replaces a value. Rejects with `InvalidValueError`, `EncodingError` or, for `undefined`, `TypeError`. */
  set<K extends keyof T & keyof I & string>(key: K, value: Required<I>[K], options?: WriteOptions): Promise<void> {
    return this.#writes.set(key, value, options)
  }

  /** Removes a key. Returns whether it was stored. */
  delete(key: keyof T & string, options?: WriteOptions): Promise<boolean> {
    return this.#writes.delete(key, options)
  }

  /** Removes all keys atomically. */
  clear(options?: WriteOptions): Promise<void> {
    return this.#writes.clear(options)
  }

  /**
   * Sets many values atomically: all or nothing.
   *
   * @param entries - an object, a Map or any iterable of pairs. If a key occurs twice, the last value counts.
   */
  update(entries: Updates<I>, options?: WriteOptions): Promise<void> {
    return this.#writes.update(entries, options)
  }

  /**
   * Atomically removes a key and returns its value. Exactly one concurrent caller, in any process, gets the value. The others get
   * the fallback if they passed one (`undefined` counts), else they reject with `KeyError`.
   */
  pop<K extends keyof T & string>(key: K): Promise<Required<T>[K]>
  pop<K extends keyof T & string, F>(key: K, fallback: F, options?: WriteOptions): Promise<Required<T>[K] | F>
  pop(key: string, ...rest: [fallback?: unknown, options?: WriteOptions]): Promise<unknown> {
    return this.#writes.pop(key, rest.slice(0, 1), rest[1])
  }

  /**
   * Atomically inserts a value if the key is missing. Returns the value that is stored afterwards. If the key exists, nothing changes,
   * not even the version.
   */
  setDefault<K extends keyof T & keyof I & string>(
    key: K,
    value: Required<I>[K],
    options?: WriteOptions,
  ): Promise<Required<T>[K]> {
    return this.#writes.setDefault(key, value, options) as Promise<Required<T>[K]>
  }

  /**
   * Runs `fn` on one consistent state and commits its writes only if nothing that it read has changed; else runs it again
   * (optimistic concurrency control; serializable). `fn` may run several times, so it should have no other side effects. If it
   * throws, the call rejects with that error and writes nothing.
   *
   * Rejects with `ConflictError` after `retries` retries or, on a conflict, after `timeout`. Rejects with `UnsupportedError` on a
   * backend without `commit`.
   */
  async transact<R>(fn: (tx: Transaction<T, D, I>) => R, options?: TransactOptions): Promise<Awaited<R>> {
    const terms = this.#writes.checkOptions(options, ['retries', 'timeout'])
    if (typeof fn !== 'function') throw new TypeError('transact() takes a function of the transaction.')
    const retries = checkRetries(options?.retries ?? DEFAULT_RETRIES)
    if (!this.#core.internals.store.supports.commit) throw this.#unsupported('transact')
    const timeout = checkTimeout(options?.timeout ?? this.#core.internals.settings.timeout)
    return this.#core.transactor.run(fn, { retries, timeout }, terms)
  }

  /**
   * Returns a view of this dictionary whose writes carry `by` and `reason`, unless they name their own. It shares everything else
   * with this object: closing one closes both.
   *
   * @throws TypeError if `by` or `reason` is empty, too long, not well-formed or contains NUL.
   * @example
   * const asAda = settings.as({ by: 'ada@example.com', reason: 'incident 4711' })
   * await asAda.set('payments', 'off')
   */
  as(attribution: AttributionOptions): this {
    checkNames(attribution, ['by', 'reason'], 'as()')
    return this.viewAs(this.#core, withFallback(checkAttribution(attribution), this.#writes.attribution)) as this
  }

  /**
   * Iterates over the commits of the past, newest first, page by page from the store. Each says when it was made, by whom and why, and
   * what each key held before and after. The order is that of the chain of changes (linearizable); every acknowledged write with an
   * effect has exactly one commit. `complete` of the result says whether older commits were dropped.
   *
   * `history.forget({ by })` removes an author from all commits and resolves with how many there were.
   *
   * Rejects with `UnsupportedError` on a backend without history, and with `HistoryError` if `before` is not of this history.
   *
   * @example
   * for await (const commit of settings.history({ key: 'payments', limit: 20 })) {
   *   console.log(commit.at, commit.by, commit.reason, commit.changes[0])
   * }
   */
  get history(): HistoryOf<T> {
    const { past } = this.#core
    const commits = (options?: HistoryOptions) => past.commits(options)
    return Object.assign(commits, { forget: past.forget.bind(past) }) as unknown as HistoryOf<T>
  }

  /**
   * Writes a new commit that puts back what the keys held before the commit with this id, atomically (serializable).
   *
   * Rejects with `ConflictError`, which names the keys, if one of them was changed since. Rejects with `HistoryError` if this dictionary
   * could not write an old value itself: it cannot decode it, or the schema or `strictKeys` refuses it. `force` skips both checks.
   * Rejects with `HistoryError` if the commit is not known, and with `UnsupportedError` on a backend without history.
   *
   * @example
   * const [last] = await settings.history({ key: 'payments', limit: 1 }).toArray()
   * await settings.revert(last.id, { by: 'bob@example.com' })
   */
  revert(id: string, options?: RevertOptions<keyof T & string>): Promise<void> {
    return this.#core.past.revert(id, options, this.#writes)
  }

  /**
   * Returns an immutable view of the state after a commit, or after the newest commit that is not younger than a date (by the
   * store's clock). A key whose value at that time is no longer known throws `HistoryError` when it is read.
   *
   * Rejects with `HistoryError` if the history does not reach back to it, and with `UnsupportedError` on a backend without history.
   *
   * @example
   * const before = await settings.at(new Date(Date.now() - 3_600_000))
   * before.get('payments')
   */
  at(when: string | Date): Promise<Snapshot<T, D>> {
    return this.#core.past.at(when) as unknown as Promise<Snapshot<T, D>>
  }

  /**
   * Lists the open dictionaries on the same data, in all processes: who they are, which version each held at its latest renewal (at most
   * ten seconds ago), and whether that is the current one. Dictionaries opened with `readOnly` or `replicas: false` are not listed.
   *
   * Rejects with `UnsupportedError` on a backend without a registry.
   *
   * @example
   * for (const { host, pid, state } of await settings.replicas()) console.log(host, pid, state)
   */
  replicas(): Promise<ReplicaStatus[]> {
    return this.#core.fleet.replicas()
  }

  /** Brings memory up to date with the store at the time of the call or later: linearizable on every backend. */
  async sync(): Promise<void> {
    this.#core.gate.assertOpen()
    await this.#core.internals.replica.sync()
  }

  /**
   * Announces entries that were changed without the library, where the store does not report that by itself: every process reads
   * them again at its next check, or at once with `live`. Without keys, this compares memory with everything that is stored, and
   * announces every entry. Rejects with `UnsupportedError` on a backend without `commit`.
   *
   * @example
   * await settings.touch('theme') // after somebody changed it by hand
   */
  async touch(...keys: (keyof T & string)[]): Promise<void> {
    this.checkWrite(keys)
    const { replica, store } = this.#core.internals
    if (!store.supports.commit) throw this.#unsupported('touch')
    if (keys.length === 0) await this.runOnStore(() => replica.resync())
    await this.#writes.touch(keys.length > 0 ? keys : [...replica.memory.entries.stored.keys()])
  }

  /**
   * Rewrites all values that only `oldEncoding` can decode with `encoding`, without overwriting concurrent writes. Returns how many
   * values it rewrote. Rejects with `UnsupportedError` on a backend without `commit`.
   */
  async reencode(): Promise<number> {
    this.#writes.assertWritable()
    await this.sync()
    if (!this.#core.internals.store.supports.commit) throw this.#unsupported('reencode')
    return this.#core.internals.reencoder.all(this.#writes.attributed(this.#writes.attribution))
  }

  /**
   * Iterates over the changes of memory from the call on, in commit order and without duplicates. If the change log does not reach
   * back far enough, or the consumer is more than 10,000 changes behind, it yields the difference between the two states instead.
   * Ends on abort or close.
   */
  watch<K extends keyof T & string>(options: WatchOptions<K> = {}): AsyncIterableIterator<Change<T, K>> {
    checkNames(options, ['key', 'signal'], 'watch()')
    if (options.key !== undefined) this.#core.internals.keys.check(options.key)
    checkSignal(options.signal)
    const { closed } = this.#core.gate
    const stream = closed ? new ChangeStream(() => {}) : this.#core.internals.watchers.add(options.key, options.signal)
    if (closed) stream.fail(this.#core.gate.error())
    return stream as AsyncIterableIterator<unknown> as AsyncIterableIterator<Change<T, K>>
  }

  /**
   * Adds a listener. If a listener throws, the error becomes a process warning; nothing else is affected.
   *
   * - `change`: for each change of memory.
   * - `sync`: memory moved to another state; `reason` is `'changes'`, `'loaded'` or `'diverged'`.
   * - `stale`: live memory was not confirmed current for `maxStaleness` (default one second), a check for a web request or, with
   *   `whenDown: 'serve'`, for a read failed, the dictionary was opened without its store, or another background task failed.
   * - `fresh`: live memory is confirmed again, such checks succeed again, or the store answers for the first time.
   * - `close`.
   */
  on<E extends keyof EventMap<T>>(event: E, listener: (event: EventMap<T>[E]) => void): this {
    this.#core.internals.emitter.on(event, listener as (event: unknown) => void)
    return this
  }

  /** Removes a listener. */
  off<E extends keyof EventMap<T>>(event: E, listener: (event: EventMap<T>[E]) => void): this {
    this.#core.internals.emitter.off(event, listener as (event: unknown) => void)
    return this
  }

  /**
   * Returns the state of the dictionary for a readiness probe: did the store answer the latest call, is live memory current?
   * Synchronous; never touches the store and never throws. It works after `close`.
   *
   * @example
   * app.get('/ready', (request, response) => {
   *   const health = settings.health()
   *   response.status(health.ready ? 200 : 503).json(health)
   * })
   */
  health(): Health {
    return this.#core.health()
  }

  /**
   * Returns what the dictionary did since it was opened, as counts. Synchronous; never throws.
   *
   * @example
   * setInterval(() => console.log(JSON.stringify(settings.stats())), 60_000)
   */
  stats(): Stats {
    return this.#core.internals.store.diagnostics.stats
  }

  /**
   * Closes the dictionary. Pending reads and writes that were not sent yet reject with `ClosedError`; `close` waits for writes that
   * were sent. Idempotent. It does not close a client that the caller passed in.
   */
  close(): Promise<void> {
    return this.#core.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Creates the object that `as()` returns. Classes that extend this one return one of their own. */
  protected viewAs(core: Core, attribution: AttributionOptions): DurableDict {
    return new DurableDict(core, attribution)
  }

  /** For writes of classes that extend this one. @throws ClosedError, UnsupportedError, InvalidKeyError */
  protected checkWrite(keys: readonly string[]): void {
    this.#writes.assertWritable()
    this.#checkKeys(keys)
  }

  /** For classes that extend this one: runs calls to the store in the async context of all other store calls. */
  protected runOnStore<V>(work: () => V): V {
    return this.#core.internals.context.run(work)
  }

  #inspected(): Inspected {
    const { name, settings } = this.#core.internals
    const shown = { name, keys: this.local.size, live: settings.live, staleness: Math.round(this.staleness) }
    return this.#core.gate.closed ? { ...shown, closed: true } : shown
  }

  #checkKeys(keys: readonly string[]): void {
    for (const key of keys) this.#core.internals.keys.check(key)
  }

  #unsupported(call: string): UnsupportedError {
    return new UnsupportedError(
      `${call}() needs a backend with commit(); the backend of dictionary "${this.name}" has none.`,
      {
        dictionary: this.name,
      },
    )
  }
}

/** Loaded when it is used: most programs do without the file. */
async function withLastKnown(...args: Parameters<typeof openWithLastKnown>): Promise<Internals> {
  const { openWithLastKnown } = await import('./without-store.js')
  return openWithLastKnown(...args)
}
