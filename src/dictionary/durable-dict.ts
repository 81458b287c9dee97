import type { Backend, Version } from '../contract/backend.js'
import { UnsupportedError } from '../errors/errors.js'
import { brand } from '../process/branded.js'
import { now } from '../time/clock.js'
import { onAbort } from '../time/on-abort.js'
import { assemble, type Internals } from './assembly.js'
import { ChangeStream } from './change-stream.js'
import { closeInternals, closeQuietly } from './closing.js'
import { type Derived, type DerivedSource, DerivedValue, type DeriveOptions } from './derived.js'
import type { Change, EventMap } from './events.js'
import { Gate } from './gate.js'
import { INSPECT, type InspectArguments, type Inspected, inspectDictionary } from './inspection.js'
import type { OpenOnBackend } from './open.js'
import {
  type CommonOptions,
  checkNames,
  checkOptions,
  checkRetries,
  checkSignal,
  checkTimeout,
  type TransactOptions,
  type WatchOptions,
  type WriteOptions,
} from './options.js'
import type { Updates } from './pairs.js'
import { Reads } from './reads.js'
import { attachRequestApi } from './request-api.js'
import { RequestChecks } from './request-checks.js'
import { snapshotHere } from './request-scope.js'
import { ResyncTimer } from './resync.js'
import { StoreContext } from './store-context.js'
import { Transactor } from './transact.js'
import type { Transaction } from './transaction.js'
import type { DictView, Read, Snapshot, StateView } from './views.js'
import { Writes } from './writes.js'

/** How often a transaction is run again where the caller does not say. */
const DEFAULT_RETRIES = 32

/**
 * A `Map` that every process of a service shares. The truth lives in a durable store; each process holds the whole
 * dictionary in memory, and refreshes that copy only when the store says that something changed.
 *
 * With `autosync: true` (the default) reads are linearizable; with `autosync: false` they are sequentially consistent, with
 * read-your-writes. In every mode memory is exactly some state that the store went through, and it moves forwards only (monotonic
 * reads), except where the store itself was rolled back. Writes are linearizable, and durable when they resolve.
 *
 * Every method rejects with `ClosedError` after `close`, and with `StoreUnavailableError` where it needs the store
 * and the store does not answer within `timeout`; a write whose outcome is unknown rejects with `AmbiguousWriteError`.
 * Keys are checked everywhere (`InvalidKeyError`).
 *
 * @typeParam T - the values by key, as they are read.
 * @typeParam D - the keys that have a default.
 * @typeParam I - the values by key, as they are written; other than `T` only where a schema transforms.
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
    // Not a method, so that it is no part of the declarations.
    Object.defineProperty(DurableDict.prototype, INSPECT, {
      value(this: DurableDict, ...[depth, options, inspect]: InspectArguments) {
        return inspectDictionary(this, this.#inspected(), depth, options, inspect)
      },
    })
  }

  readonly #internals: Internals
  readonly #gate: Gate
  readonly #reads: Reads
  readonly #writes: Writes
  readonly #transactor: Transactor
  readonly #derivedSource: DerivedSource
  readonly #resync: ResyncTimer | undefined
  readonly #forgetSignal: () => void
  #closing: Promise<void> | undefined

  protected constructor(internals: Internals) {
    const { name, codec, defaults, keys, settings } = internals
    this.#internals = internals
    this.#gate = new Gate(name)
    this.#reads = new Reads(internals, this.#gate)
    this.#writes = new Writes(internals, this.#gate)
    this.#transactor = new Transactor({
      dictionary: name,
      codec,
      defaults,
      keys,
      closing: this.#gate.signal,
      begin: () => this.#reads.state(),
      submit: (group, options, limit) => this.#writes.submit(group, options, limit),
    })
    this.#derivedSource = {
      version: () => internals.replica.memory.version,
      held: () => this.#reads.held(),
      ofRequest: () => snapshotHere(this) as StateView | undefined,
    }
    this.#resync = settings.resyncEvery === undefined ? undefined : this.#startResync(settings.resyncEvery)
    this.#forgetSignal = onAbort(settings.signal, () => void this.close().catch(() => {}))
    attachRequestApi(this, {
      name,
      readOnly: settings.readOnly,
      checks: new RequestChecks(internals, this.#gate),
      maxStaleness: settings.maxStaleness ?? 0,
      present: () => this.#reads.present(),
    })
  }

  static readonly open = ((backend: Backend<unknown>, options?: CommonOptions) =>
    DurableDict.openAs(backend, options, internals => new DurableDict(internals))) as OpenOnBackend

  /** The same for a kind of dictionary that can do more. */
  protected static async openAs<Dict>(
    backend: Backend<unknown>,
    options: CommonOptions | undefined,
    make: (internals: Internals) => Dict,
  ): Promise<Dict> {
    const context = new StoreContext()
    let timeout: number | undefined
    try {
      const settings = checkOptions(options)
      timeout = settings.timeout
      if (settings.readOnly) context.run(() => backend?.restrictToReads?.())
      const internals = await assemble(backend, settings, context)
      settings.signal?.throwIfAborted()
      return make(internals)
    } catch (error) {
      await context.run(() => closeQuietly(backend, timeout))
      throw error
    }
  }

  /** The dictionary's name. */
  get name(): string {
    return this.#internals.name
  }

  /**
   * The synchronous view of memory, never touching the store. `get` falls back to the defaults; the rest is stored keys
   * only. It goes on serving when the store cannot be reached, and after `close`.
   */
  get local(): DictView<T, D> {
    return this.#reads.local as unknown as DictView<T, D>
  }

  /**
   * The synchronous view of memory that answers only within `maxStaleness`: each read throws `StaleError` where memory was
   * not confirmed current within the bound. Throws `TypeError` where the dictionary was opened without `maxStaleness`.
   */
  get fresh(): DictView<T, D> {
    return this.#reads.fresh as unknown as DictView<T, D>
  }

  /** The state that memory holds: a token, to be compared for equality only. */
  get version(): Version {
    return this.#internals.replica.memory.version
  }

  /** How long ago memory was last known to be current, in ms, counted from before that check was sent. */
  get staleness(): number {
    return now() - this.#internals.replica.confirmedAt
  }

  /** The stored value, else its default, else `undefined`. Rejects with `DecodingError` where it cannot be decoded. */
  get<K extends keyof T & string>(key: K): Promise<Read<T, D, K>> {
    return this.#reads.get(key) as Promise<Read<T, D, K>>
  }

  /** The stored value, else its default; rejects with `KeyError` where there is neither. */
  getOrThrow<K extends keyof T & string>(key: K): Promise<Required<T>[K]> {
    return this.#reads.getOrThrow(key) as Promise<Required<T>[K]>
  }

  /** Whether the key is stored; defaults do not count. */
  async has(key: keyof T & string): Promise<boolean> {
    this.#internals.keys.check(key)
    return (await this.#reads.current()).has(key)
  }

  /** How many keys are stored. */
  async size(): Promise<number> {
    return (await this.#reads.current()).size
  }

  /** The stored keys, of one state, in no particular order. */
  async keys(): Promise<(keyof T & string)[]> {
    return [...(await this.#reads.current()).keys()] as (keyof T & string)[]
  }

  /** The stored values, of one state. Rejects with `DecodingError` where one of them cannot be decoded. */
  async values(): Promise<T[keyof T & string][]> {
    return [...(await this.#reads.current()).values()] as T[keyof T & string][]
  }

  /** The stored entries, of one state. Rejects with `DecodingError` where one of them cannot be decoded. */
  async entries(): Promise<[keyof T & string, T[keyof T & string]][]> {
    return [...(await this.#reads.current()).entries()] as [keyof T & string, T[keyof T & string]][]
  }

  /** Iterates over the entries of the state at the start, whatever is written meanwhile. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<[keyof T & string, T[keyof T & string]]> {
    yield* (await this.snapshot()).entries()
  }

  /** One consistent state that nothing alters any more: for the length of a request, say. Costs no copy. */
  snapshot(): Promise<Snapshot<T, D>> {
    return this.#reads.snapshot() as unknown as Promise<Snapshot<T, D>>
  }

  /**
   * Below a web framework's middleware or plugin of ours, until the response was sent: the snapshot that was taken when the
   * request came, the same each time, whatever is written meanwhile, also by this very request. Anywhere else: a snapshot
   * of what memory holds now. Synchronous, never touching the store. Throws `ClosedError` after `close`.
   */
  current(): Snapshot<T, D> {
    this.#gate.assertOpen()
    return (snapshotHere(this) ?? this.#reads.present()) as unknown as Snapshot<T, D>
  }

  /**
   * A value computed from the state: a compiled routing table, a client built from limits. It is computed when it is read, at most
   * once of each state, and again only after one of the `keys` has changed; a read costs one comparison otherwise. Below a web
   * framework's middleware or plugin of ours it is computed for the request's snapshot.
   *
   * What `fn` throws is thrown to each reader, until the state changes; `lastGood` is then what it returned before. `fn` must depend
   * on nothing else, and is synchronous: a promise is a value like any other.
   *
   * @param fn - takes a snapshot. With `keys`, only these keys compile.
   * @param options - `keys`: those that `fn` reads. Default: all.
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
    return new DerivedValue(this.#derivedSource, fn as unknown as (state: Snapshot) => R, options.keys)
  }

  /** Inserts or replaces. Rejects with `InvalidValueError`, `EncodingError` or, for `undefined`, `TypeError`. */
  set<K extends keyof T & keyof I & string>(key: K, value: Required<I>[K], options?: WriteOptions): Promise<void> {
    return this.#writes.set(key, value, options)
  }

  /** Removes; gives whether it was there. */
  delete(key: keyof T & string, options?: WriteOptions): Promise<boolean> {
    return this.#writes.delete(key, options)
  }

  /** Removes everything, atomically. */
  clear(options?: WriteOptions): Promise<void> {
    return this.#writes.clear(options)
  }

  /**
   * Sets many, atomically: all or nothing.
   *
   * @param entries - an object, a Map or any iterable of pairs; of a key that comes twice the last value counts.
   */
  update(entries: Updates<I>, options?: WriteOptions): Promise<void> {
    return this.#writes.update(entries, options)
  }

  /**
   * Removes and returns, atomically: of many callers, in whatever process, one gets the value. The others get the
   * fallback where one is given (`undefined`, too, counts as given), else a rejection with `KeyError`.
   */
  pop<K extends keyof T & string>(key: K): Promise<Required<T>[K]>
  pop<K extends keyof T & string, F>(key: K, fallback: F, options?: WriteOptions): Promise<Required<T>[K] | F>
  pop(key: string, ...rest: [fallback?: unknown, options?: WriteOptions]): Promise<unknown> {
    return this.#writes.pop(key, rest.slice(0, 1), rest[1])
  }

  /**
   * Atomically inserts where the key is missing, and gives what is stored. Changes nothing, not even the version, where the
   * key exists.
   */
  setDefault<K extends keyof T & keyof I & string>(
    key: K,
    value: Required<I>[K],
    options?: WriteOptions,
  ): Promise<Required<T>[K]> {
    return this.#writes.setDefault(key, value, options) as Promise<Required<T>[K]>
  }

  /**
   * Runs `fn` on one consistent state and commits what it wrote, only where all that it read still stands; else runs it
   * again (optimistic concurrency control; serializable). `fn` may run several times, so that it should do nothing
   * else; what it throws rejects the call, with nothing written.
   *
   * Rejects with `ConflictError` after `retries` conflicts, or a conflict after `timeout`, with `UnsupportedError` on a backend without
   * `commit`.
   */
  async transact<R>(fn: (tx: Transaction<T, D, I>) => R, options?: TransactOptions): Promise<Awaited<R>> {
    this.#writes.checkOptions(options, ['retries', 'timeout'])
    if (typeof fn !== 'function') throw new TypeError('transact() takes a function of the transaction.')
    const retries = checkRetries(options?.retries ?? DEFAULT_RETRIES)
    if (!this.#internals.store.supports.commit) throw this.#unsupported('transact')
    const timeout = checkTimeout(options?.timeout ?? this.#internals.settings.timeout)
    return this.#transactor.run(fn, { retries, timeout }, options)
  }

  /** Brings memory up to the store's state at the time of the call, or later: linearizable on every backend. */
  async sync(): Promise<void> {
    this.#gate.assertOpen()
    await this.#internals.replica.sync()
  }

  /**
   * Writes all values that only `oldEncoding` can decode back in `encoding`, each only where nobody wrote it meanwhile.
   * Gives how many it rewrote. Rejects with `UnsupportedError` on a backend without `commit`.
   */
  async reencode(): Promise<number> {
    this.#writes.assertWritable()
    await this.sync()
    if (!this.#internals.store.supports.commit) throw this.#unsupported('reencode')
    return this.#internals.reencoder.all()
  }

  /**
   * The changes that memory goes through from the call on, in commit order, none twice. Where the change log no longer reached
   * back, and for a consumer more than 10,000 changes behind, the difference of the two states. Ends on abort or close.
   */
  watch<K extends keyof T & string>(options: WatchOptions<K> = {}): AsyncIterableIterator<Change<T, K>> {
    checkNames(options, ['key', 'signal'], 'watch()')
    if (options.key !== undefined) this.#internals.keys.check(options.key)
    checkSignal(options.signal)
    const { closed } = this.#gate
    const stream = closed ? new ChangeStream(() => {}) : this.#internals.watchers.add(options.key, options.signal)
    if (closed) stream.fail(this.#gate.error())
    return stream as AsyncIterableIterator<unknown> as AsyncIterableIterator<Change<T, K>>
  }

  /**
   * Adds a listener. One that throws is reported as a process warning, and harms nobody else.
   *
   * - `change`: one for each change that memory goes through.
   * - `sync`: memory came to another state; `reason` is `'changes'`, `'loaded'` or `'diverged'`.
   * - `stale`, `fresh`: live memory was not confirmed for `maxStaleness` (or one second), or is again; or a request to a web
   *   server could not be checked for, or can be again. `stale` also tells of other faults in the background.
   * - `close`.
   */
  on<E extends keyof EventMap<T>>(event: E, listener: (event: EventMap<T>[E]) => void): this {
    this.#internals.emitter.on(event, listener as (event: unknown) => void)
    return this
  }

  /** Removes a listener. */
  off<E extends keyof EventMap<T>>(event: E, listener: (event: EventMap<T>[E]) => void): this {
    this.#internals.emitter.off(event, listener as (event: unknown) => void)
    return this
  }

  /**
   * Closes the dictionary: reads that wait and writes not sent yet reject with `ClosedError`; writes that were sent are
   * waited for. Idempotent. Leaves alone a client that the caller passed in.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For writes of kinds of dictionaries that can do more. @throws ClosedError, UnsupportedError, InvalidKeyError */
  protected checkWrite(keys: readonly string[]): void {
    this.#writes.assertWritable()
    this.#checkKeys(keys)
  }

  /** For the same kinds: runs calls on the store in the async context that all others run in. */
  protected runOnStore<V>(work: () => V): V {
    return this.#internals.context.run(work)
  }

  async #close(): Promise<void> {
    this.#gate.close()
    this.#forgetSignal()
    this.#resync?.stop()
    await closeInternals(this.#internals, this.#gate.error())
  }

  #inspected(): Inspected {
    const { name, settings } = this.#internals
    const shown = { name, keys: this.local.size, live: settings.live, staleness: Math.round(this.staleness) }
    return this.#gate.closed ? { ...shown, closed: true } : shown
  }

  #checkKeys(keys: readonly string[]): void {
    for (const key of keys) this.#internals.keys.check(key)
  }

  #startResync(every: number): ResyncTimer {
    const { emitter, replica } = this.#internals
    const onFault = (cause: unknown) => emitter.emit('stale', { staleness: this.staleness, cause })
    return new ResyncTimer(every, () => replica.resync(), onFault)
  }

  #unsupported(call: string): UnsupportedError {
    return new UnsupportedError(
      `${call}() needs a backend with commit(); that of dictionary "${this.name}" has none.`,
      {
        dictionary: this.name,
      },
    )
  }
}
