import type { Backend, Group, Operation, Outcome, Version } from '../contract/backend.js'
import { ClosedError, UnsupportedError } from '../errors/errors.js'
import { writeFault } from '../replica/faults.js'
import { assemble, type Parts } from './assembly.js'
import { ChangeStream } from './change-stream.js'
import type { Change, EventMap } from './events.js'
import { checkKey } from './keys.js'
import { noSuchKey } from './no-such-key.js'
import type { Open } from './open.js'
import {
  type CommonOptions,
  checkNames,
  checkOptions,
  checkRetries,
  checkWriteOptions,
  type TransactOptions,
  type WatchOptions,
  type WriteOptions,
} from './options.js'
import { toPairs } from './pairs.js'
import { ResyncTimer } from './resync.js'
import { Transactor } from './transact.js'
import type { Transaction } from './transaction.js'
import { type DictMap, LocalView, Snapshot } from './views.js'

/** What a get gives: never `undefined` for keys that have a default. */
type Got<T, D, K extends keyof T> = K extends D ? T[K] : T[K] | undefined

/** What `update` takes. */
export type Updates<I extends object> =
  | { readonly [K in keyof I]?: I[K] }
  | Iterable<readonly [keyof I & string, I[keyof I & string]]>

const CLEAR: Operation<unknown> = { type: 'clear' }

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
 */
export class DurableDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> {
  readonly #parts: Parts
  readonly #local: LocalView<T, D>
  readonly #transactor: Transactor
  readonly #resync: ResyncTimer | undefined
  #snapshot: WeakRef<Snapshot<T, D>> | undefined
  #closing: Promise<void> | undefined

  protected constructor(parts: Parts) {
    const { name: dictionary, codec, defaults, replica, settings } = parts
    this.#parts = parts
    this.#local = new LocalView(replica.memory, defaults.of)
    const begin = () => this.#current().then(() => replica.memory.freeze())
    this.#transactor = new Transactor({ dictionary, codec, defaults, begin, submit: group => this.#submit(group) })
    this.#resync = settings.resyncEvery === undefined ? undefined : this.#startResync(settings.resyncEvery)
    settings.signal?.addEventListener('abort', this.#onAbort)
  }

  /**
   * Opens a dictionary on a backend of your own. The dictionary owns the backend from then on: `close` closes it.
   *
   * Rejects, holding nothing open, with `StoreUnavailableError` where it cannot be loaded, with `UnsupportedError` where the backend
   * cannot hold what the encoding makes, with `TypeError` for a wrong option.
   */
  static readonly open = (async (backend: Backend<unknown>, options?: CommonOptions) => {
    try {
      return new DurableDict(await assemble(backend, checkOptions(options)))
    } catch (error) {
      await closeQuietly(backend)
      throw error
    }
  }) as Open<[backend: Backend<unknown>]>

  /** The dictionary's name. */
  get name(): string {
    return this.#parts.name
  }

  /**
   * The synchronous view of memory, never touching the store. `get` falls back to the defaults; the rest is stored keys
   * only. It goes on serving when the store cannot be reached, and after `close`.
   */
  get local(): DictMap<T, D> {
    return this.#local
  }

  /** The state that memory holds: a token, to be compared for equality only. */
  get version(): Version {
    return this.#parts.replica.memory.version
  }

  /** How long ago memory was last known to be current, in ms, counted from before that check was sent. */
  get staleness(): number {
    return performance.now() - this.#parts.replica.confirmedAt
  }

  /** The stored value, else its default, else `undefined`. Rejects with `DecodingError` where it cannot be decoded. */
  async get<K extends keyof T & string>(key: K): Promise<Got<T, D, K>> {
    if (this.#parts.settings.autosync || this.#closing) await this.#current()
    return this.#read(key) as Got<T, D, K>
  }

  /** The stored value, else its default; rejects with `KeyError` where there is neither. */
  async getOrThrow<K extends keyof T & string>(key: K): Promise<T[K]> {
    await this.#current()
    const value = this.#read(key)
    if (value === undefined) throw noSuchKey(key, this.name)
    return value as T[K]
  }

  /** Whether the key is stored; defaults do not count. */
  async has(key: keyof T & string): Promise<boolean> {
    checkKey(key, this.name)
    await this.#current()
    return this.#local.has(key)
  }

  /** How many keys are stored. */
  async size(): Promise<number> {
    await this.#current()
    return this.#local.size
  }

  /** The stored keys, of one state, in no particular order. */
  async keys(): Promise<(keyof T & string)[]> {
    await this.#current()
    return [...this.#local.keys()]
  }

  /** The stored values, of one state. Rejects with `DecodingError` where one of them cannot be decoded. */
  async values(): Promise<T[keyof T & string][]> {
    await this.#current()
    return [...this.#local.values()]
  }

  /** The stored entries, of one state. Rejects with `DecodingError` where one of them cannot be decoded. */
  async entries(): Promise<[keyof T & string, T[keyof T & string]][]> {
    await this.#current()
    return [...this.#local.entries()]
  }

  /** Iterates over the entries of the state at the start, whatever is written meanwhile. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<[keyof T & string, T[keyof T & string]]> {
    yield* (await this.snapshot()).entries()
  }

  /** One consistent state that nothing alters any more: for the length of a request, say. Costs no copy. */
  async snapshot(): Promise<Snapshot<T, D>> {
    await this.#current()
    const earlier = this.#snapshot?.deref()
    const state = this.#parts.replica.memory.freeze()
    if (earlier?.holds(state)) return earlier
    const snapshot = new Snapshot<T, D>(state, this.#parts.defaults.of)
    this.#snapshot = new WeakRef(snapshot)
    return snapshot
  }

  /** Inserts or replaces. Rejects with `InvalidValueError`, `EncodingError` or, for `undefined`, `TypeError`. */
  async set<K extends keyof T & keyof I & string>(key: K, value: I[K], options?: WriteOptions): Promise<void> {
    this.#checkWrite(key, options)
    await this.#write({ type: 'set', key, stored: this.#parts.codec.encode(key, value) })
  }

  /** Removes; gives whether it was there. */
  async delete(key: keyof T & string, options?: WriteOptions): Promise<boolean> {
    this.#checkWrite(key, options)
    return (await this.#write({ type: 'delete', key })) as boolean
  }

  /** Removes everything, atomically. */
  async clear(options?: WriteOptions): Promise<void> {
    checkWriteOptions(options, this.name)
    await this.#write(CLEAR)
  }

  /**
   * Sets many, atomically: all or nothing.
   *
   * @param entries - an object, a Map or any iterable of pairs; of a key that comes twice the last value counts.
   */
  async update(entries: Updates<I>, options?: WriteOptions): Promise<void> {
    checkWriteOptions(options, this.name)
    const stored = new Map<string, unknown>()
    for (const [key, value] of toPairs(entries)) {
      checkKey(key, this.name)
      stored.set(key, this.#parts.codec.encode(key, value))
    }
    if (stored.size === 0) return this.#open()
    const operations = Array.from(stored, ([key, stored]) => ({ type: 'set', key, stored }) as const)
    await this.#submit({ conditions: [], operations })
  }

  /**
   * Removes and returns, atomically: of many callers, in whatever process, one gets the value. The others get the
   * fallback where one is given (`undefined`, too, counts as given), else a rejection with `KeyError`.
   */
  async pop<K extends keyof T & string>(key: K): Promise<T[K]>
  async pop<K extends keyof T & string, F>(key: K, fallback: F, options?: WriteOptions): Promise<T[K] | F>
  async pop(key: string, ...rest: [fallback?: unknown, options?: WriteOptions]): Promise<unknown> {
    this.#checkWrite(key, rest[1])
    const stored = await this.#write({ type: 'pop', key })
    if (stored !== undefined) return this.#parts.codec.decode(key, stored).value
    if (rest.length > 0) return rest[0]
    throw noSuchKey(key, this.name)
  }

  /**
   * Atomically inserts where the key is missing, and gives what is stored. Changes nothing, not even the version, where the
   * key exists.
   */
  async setDefault<K extends keyof T & keyof I & string>(key: K, value: I[K], options?: WriteOptions): Promise<T[K]> {
    this.#checkWrite(key, options)
    const { codec, replica } = this.#parts
    const stored = await this.#write({ type: 'setDefault', key, stored: codec.encode(key, value) })
    const { entries } = replica.memory
    // The copy that readers of memory get, where it is the same.
    return (entries.stored.get(key) === stored ? entries.get(key) : codec.decode(key, stored).value) as T[K]
  }

  /**
   * Runs `fn` on one consistent state and commits what it wrote, only where all that it read still stands; else runs it
   * again (optimistic concurrency control; serializable). `fn` may run several times, so that it should do nothing
   * else; what it throws rejects the call, with nothing written.
   *
   * Rejects with `ConflictError` after `retries`, with `UnsupportedError` on a backend without `commit`.
   */
  async transact<R>(fn: (tx: Transaction<T, D, I>) => R, options?: TransactOptions): Promise<Awaited<R>> {
    if (typeof fn !== 'function') throw new TypeError('transact() takes a function of the transaction.')
    checkWriteOptions(options, this.name, ['retries'])
    const retries = checkRetries(options?.retries ?? 32)
    if (!this.#parts.store.supports.commit) throw this.#unsupported('transact')
    return this.#transactor.run(fn, retries)
  }

  /** Brings memory up to the store's state at the time of the call, or later. */
  async sync(): Promise<void> {
    this.#open()
    await this.#parts.replica.check()
  }

  /**
   * Writes all values that only `oldEncoding` can decode back in `encoding`, each only where nobody wrote it meanwhile.
   * Gives how many it rewrote. Rejects with `UnsupportedError` on a backend without `commit`.
   */
  async reencode(): Promise<number> {
    if (!this.#parts.store.supports.commit) throw this.#unsupported('reencode')
    await this.sync()
    return this.#parts.reencoder.all()
  }

  /**
   * The changes that memory goes through from the call on, in commit order, none twice. Where the change log no longer reached
   * back, and for a consumer more than 10,000 changes behind, the difference of the two states. Ends on abort or close.
   */
  watch<K extends keyof T & string>(options: WatchOptions<K> = {}): AsyncIterableIterator<Change<T, K>> {
    checkNames(options, ['key', 'signal'], 'watch')
    if (options.key !== undefined) checkKey(options.key, this.name)
    const stream = this.#closing ? new ChangeStream(() => {}) : this.#parts.watchers.add(options.key, options.signal)
    if (this.#closing) stream.fail(this.#closedError())
    return stream as AsyncIterableIterator<unknown> as AsyncIterableIterator<Change<T, K>>
  }

  /**
   * Adds a listener. One that throws is reported as a process warning, and harms nobody else.
   *
   * - `change`: one for each change that memory goes through.
   * - `sync`: memory came to another state; `reason` is `'changes'`, `'loaded'` or `'diverged'`.
   * - `stale`, `fresh`: live memory was not confirmed for a second, or is again; `stale` also tells of other faults in the background.
   * - `close`.
   */
  on<E extends keyof EventMap<T>>(event: E, listener: (event: EventMap<T>[E]) => void): this {
    this.#parts.emitter.on(event, listener as (event: unknown) => void)
    return this
  }

  /** Removes a listener. */
  off<E extends keyof EventMap<T>>(event: E, listener: (event: EventMap<T>[E]) => void): this {
    this.#parts.emitter.off(event, listener as (event: unknown) => void)
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

  readonly #onAbort = () => void this.close().catch(() => {})

  async #close(): Promise<void> {
    const { emitter, feed, replica, settings, store, watchers } = this.#parts
    settings.signal?.removeEventListener('abort', this.#onAbort)
    this.#resync?.stop()
    try {
      await Promise.all([feed?.stop(), replica.close(this.#closedError())])
      watchers.end()
    } finally {
      await store.backend.close?.()
      emitter.emit('close', undefined)
    }
  }

  /** Memory is as current as the mode promises. */
  async #current(): Promise<void> {
    this.#open()
    if (this.#parts.settings.autosync) await this.#parts.replica.check()
  }

  #read(key: string): unknown {
    const { replica, defaults } = this.#parts
    const value = replica.memory.entries.get(key)
    if (value !== undefined) return value
    // Only now, since what is stored under it is a valid key.
    checkKey(key, this.name)
    return defaults.of(key)
  }

  #checkWrite(key: unknown, options: WriteOptions | undefined): void {
    checkKey(key, this.name)
    checkWriteOptions(options, this.name)
  }

  async #write(operation: Operation<unknown>): Promise<unknown> {
    const outcome = await this.#submit({ conditions: [], operations: [operation] })
    return outcome.status === 'done' ? outcome.results[0] : undefined
  }

  async #submit(group: Group<unknown>): Promise<Outcome> {
    this.#open()
    const outcome = await this.#parts.replica.submit(group)
    if (outcome.status === 'refused') throw writeFault(outcome.error, this.name)
    return outcome
  }

  #startResync(every: number): ResyncTimer {
    const { emitter, replica } = this.#parts
    const onFault = (cause: unknown) => emitter.emit('stale', { staleness: this.staleness, cause })
    return new ResyncTimer(every, () => replica.resync(), onFault)
  }

  #open(): void {
    if (this.#closing) throw this.#closedError()
  }

  #closedError(): ClosedError {
    return new ClosedError(`Dictionary "${this.name}" is closed.`, { dictionary: this.name })
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

async function closeQuietly(backend: Backend<unknown>): Promise<void> {
  try {
    await backend?.close?.()
  } catch {
    // The fault that opening failed by is the one to tell.
  }
}
