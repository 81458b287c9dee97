import type { Condition, Group, Operation } from '../contract/backend.js'
import type { FrozenState } from '../replica/frozen-state.js'
import type { Codec } from './codec.js'
import type { Defaults } from './defaults.js'
import type { Keys } from './keys.js'
import { noSuchKey } from './no-such-key.js'
import { toPairs, type Updates } from './pairs.js'
import type { Read } from './views.js'

/** From more keys on, `clear` is one operation. */
const NAMED_REMOVALS = 1_000

/** What a transaction needs from its dictionary. */
export interface TransactionContext {
  readonly dictionary: string
  readonly codec: Codec
  readonly defaults: Defaults
  readonly keys: Keys
}

/**
 * The dictionary inside a transaction: one consistent state with the transaction's own writes on top. All methods are synchronous.
 * Nothing is sent before the function returns.
 */
export class Transaction<T extends object, D extends keyof T & string = never, I extends object = T> {
  readonly #context: TransactionContext
  readonly #state: FrozenState
  /** The transaction's own writes: stored forms, or `undefined` for a removed key. */
  readonly #written = new Map<string, unknown>()
  readonly #read = new Set<string>()
  #touchedAll = false
  #cleared = false
  #ended = false

  constructor(state: FrozenState, context: TransactionContext) {
    this.#state = state
    this.#context = context
  }

  /** Returns the stored value, else its default, else `undefined`. */
  get<K extends keyof T & string>(key: K): Read<T, D, K> {
    const value = this.#value(key)
    return (value === undefined ? this.#context.defaults.of(key) : value) as Read<T, D, K>
  }

  /** @throws KeyError if the key is not stored and has no default. */
  getOrThrow<K extends keyof T & string>(key: K): Required<T>[K] {
    const value = this.get(key)
    if (value === undefined) throw noSuchKey(key, this.#context.dictionary)
    return value as Required<T>[K]
  }

  has(key: keyof T & string): boolean {
    return this.#stored(key) !== undefined
  }

  size(): number {
    return this.keys().length
  }

  keys(): (keyof T & string)[] {
    this.#touchedAll = true
    this.#check()
    const keys = new Set(this.#cleared ? [] : this.#state.keys())
    for (const [key, stored] of this.#written) {
      if (stored === undefined) keys.delete(key)
      else keys.add(key)
    }
    return [...keys] as (keyof T & string)[]
  }

  values(): T[keyof T & string][] {
    return this.keys().map(key => this.#value(key) as T[keyof T & string])
  }

  entries(): [keyof T & string, T[keyof T & string]][] {
    return this.keys().map(key => [key, this.#value(key) as T[keyof T & string]])
  }

  [Symbol.iterator](): IterableIterator<[keyof T & string, T[keyof T & string]]> {
    return this.entries()[Symbol.iterator]()
  }

  set<K extends keyof T & keyof I & string>(key: K, value: Required<I>[K]): void {
    this.#check(key)
    this.#written.set(key, this.#context.codec.encode(key, value))
  }

  /** Removes a key. Returns whether it was stored. */
  delete(key: keyof T & string): boolean {
    const there = this.has(key)
    if (there) this.#written.set(key, undefined)
    return there
  }

  clear(): void {
    this.#check()
    this.#written.clear()
    this.#cleared = true
    this.#touchedAll = true
  }

  update(entries: Updates<I>): void {
    const { codec, keys } = this.#context
    this.#check()
    const pairs = toPairs(entries).map(([given, value]): [string, unknown] => {
      const key = keys.check(given)
      return [key, codec.encode(key, value)]
    })
    for (const [key, stored] of pairs) this.#written.set(key, stored)
  }

  /** @throws KeyError if the key is missing and there is no fallback. */
  pop<K extends keyof T & string, F = Required<T>[K]>(key: K, ...fallback: [fallback?: F]): Required<T>[K] | F {
    const value = this.#value(key)
    if (value !== undefined) {
      this.#written.set(key, undefined)
      return value as Required<T>[K]
    }
    if (fallback.length > 0) return fallback[0] as F
    throw noSuchKey(key, this.#context.dictionary)
  }

  /** Inserts a value if the key is missing. Returns the value that is stored then. */
  setDefault<K extends keyof T & keyof I & string>(key: K, value: Required<I>[K]): Required<T>[K] {
    this.#check(key)
    const stored = this.#context.codec.encode(key, value)
    if (this.#stored(key) === undefined) this.#written.set(key, stored)
    return this.#value(key) as Required<T>[K]
  }

  /** Ends the transaction: later calls throw. Returns the group to commit, with conditions for everything that was read. */
  end(): Group<unknown> {
    this.#ended = true
    return { conditions: this.#conditions(), operations: this.#operations() }
  }

  #value(key: string): unknown {
    const stored = this.#stored(key)
    if (stored === undefined) return undefined
    return this.#written.has(key) ? this.#context.codec.decode(key, stored).value : this.#state.get(key)
  }

  #stored(key: string): unknown {
    this.#check(key)
    if (this.#written.has(key)) return this.#written.get(key)
    if (this.#cleared) return undefined
    this.#read.add(key)
    return this.#state.stored(key)
  }

  /** One for each key: what the transaction replaced itself was never part of any state, and no watcher must see it. */
  #operations(): Operation<unknown>[] {
    const writes = Array.from(this.#written, ([key, stored]) => toOperation(key, stored))
    return this.#cleared ? [...this.#removals(), ...writes.filter(({ type }) => type === 'set')] : writes
  }

  /** What `clear` removes. It must not remove keys that are set again, as long as naming the others is cheap. */
  #removals(): Operation<unknown>[] {
    const keys = this.#state.keys()
    const others = keys.filter(key => this.#written.get(key) === undefined)
    if (others.length === keys.length || keys.length > NAMED_REMOVALS) return [{ type: 'clear' }]
    return others.map(key => ({ type: 'delete', key }))
  }

  #check(...keys: string[]): void {
    const { dictionary } = this.#context
    if (this.#ended)
      throw new TypeError(`A transaction of dictionary "${dictionary}" was used after its function ended.`)
    for (const key of keys) this.#context.keys.check(key)
  }

  /** Nothing that was read has changed, and no one else has written a key that this transaction writes. */
  #conditions(): Condition[] {
    if (this.#touchedAll) return [{ type: 'version', version: this.#state.version }]
    const { version: since } = this.#state
    return Array.from(new Set([...this.#read, ...this.#written.keys()]), key => ({ type: 'unchanged', key, since }))
  }
}

function toOperation(key: string, stored: unknown): Operation<unknown> {
  return stored === undefined ? { type: 'delete', key } : { type: 'set', key, stored }
}
