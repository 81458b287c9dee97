import type { Version } from '../contract/backend.js'
import { StaleError } from '../errors/errors.js'
import type { FrozenState } from '../replica/frozen-state.js'
import type { Memory } from '../replica/memory.js'
import { now } from '../time/clock.js'
import type { Defaults } from './defaults.js'
import type { Keys } from './keys.js'
import { toPlainObject } from './plain-object.js'

declare const DEFAULTED: unique symbol

/** What `get` returns for the key `K`: never `undefined` for the keys `D`, which have defaults. */
export type Read<T, D, K extends keyof T> = Required<T>[K] | (K extends D ? never : undefined)

/** A map whose `get` never returns `undefined` for the keys `D`, which have defaults. */
export interface DictView<T extends object, D extends keyof T & string = never>
  extends ReadonlyMap<keyof T & string, T[keyof T & string]> {
  /** The stored value, else its default, else `undefined`. */
  get<K extends keyof T & string>(key: K): Read<T, D, K>
  /**
   * All entries, and the defaults of the keys that are not stored, as a frozen plain object. Built at most once of each state:
   * the same object until something changes. A value that is decoded for each reader is decoded at each access of its member.
   * Throws `DecodingError`, naming the key, when a value cannot be decoded.
   *
   * @example
   * const { theme, perPage } = settings.local.toObject()
   */
  toObject(): Readonly<T>
  /** For the compiler alone: what has more defaults passes for what has fewer, never the other way round. */
  readonly [DEFAULTED]?: (key: D) => void
}

/**
 * One consistent state, which nothing alters any more. `get` and `toObject` fall back to the defaults; the rest is stored keys
 * only.
 *
 * @example
 * const snapshot = await settings.snapshot()
 * snapshot.get('theme')
 */
export interface Snapshot<T extends object = Record<string, unknown>, D extends keyof T & string = never>
  extends DictView<T, D> {
  /** The state: a token, to be compared for equality only. */
  readonly version: Version
}

/** What a Map's iterators are in the reader's TypeScript: `MapIterator` since 5.6. */
type Iterated<V> = ReturnType<ReadonlyMap<V, unknown>['keys']>

/** What a view knows of its dictionary. */
interface ViewContext {
  readonly defaults: Defaults
  readonly keys: Keys
}

/** What reading one state is made of, whoever holds it. */
abstract class View<T extends object, D extends keyof T & string> implements DictView<T, D> {
  abstract get size(): number
  abstract get<K extends keyof T & string>(key: K): Read<T, D, K>
  abstract has(key: keyof T & string): boolean
  abstract toObject(): Readonly<T>
  /** The state that an iteration runs over, whatever is written meanwhile. */
  protected abstract state(): FrozenState

  *keys(): Iterated<keyof T & string> {
    yield* this.state().keys() as (keyof T & string)[]
  }

  *values(): Iterated<T[keyof T & string]> {
    const state = this.state()
    for (const key of state.keys()) yield state.get(key) as T[keyof T & string]
  }

  *entries(): Iterated<[keyof T & string, T[keyof T & string]]> {
    const state = this.state()
    for (const key of state.keys()) yield [key as keyof T & string, state.get(key) as T[keyof T & string]]
  }

  [Symbol.iterator](): Iterated<[keyof T & string, T[keyof T & string]]> {
    return this.entries()
  }

  forEach<M>(
    visit: (
      this: M,
      value: T[keyof T & string],
      key: keyof T & string,
      map: ReadonlyMap<keyof T & string, T[keyof T & string]>,
    ) => void,
    self?: M,
  ): void {
    for (const [key, value] of this) visit.call(self as M, value, key, this)
  }
}

/** The synchronous view of memory as it is at each moment. Never touches the store. */
export class LocalView<T extends object, D extends keyof T & string = never> extends View<T, D> {
  readonly #memory: Memory
  readonly #defaults: Defaults
  /** Of a strict dictionary only: one comparison for all others. */
  readonly #strictKeys: Keys | undefined
  readonly #held: () => StateView

  /** @param held - the present state, held still until memory moves on. */
  constructor(memory: Memory, { defaults, keys }: ViewContext, held: () => StateView) {
    super()
    this.#memory = memory
    this.#defaults = defaults
    this.#strictKeys = keys.isStrict ? keys : undefined
    this.#held = held
  }

  get size(): number {
    return this.#memory.entries.stored.size
  }

  get<K extends keyof T & string>(key: K): Read<T, D, K> {
    this.#strictKeys?.check(key)
    const value = this.#memory.entries.get(key)
    return (value === undefined ? this.#defaults.of(key) : value) as Read<T, D, K>
  }

  has(key: keyof T & string): boolean {
    this.#strictKeys?.check(key)
    return this.#memory.entries.stored.has(key)
  }

  toObject(): Readonly<T> {
    return this.#held().toObject() as Readonly<T>
  }

  protected state(): FrozenState {
    return this.#memory.freeze()
  }
}

const ADVICE = 'Use get(), which checks where it must, or open with { live: true }.'

const LIVE_ADVICE =
  'It is fed live, so the store was not heard in time: the event "stale" says why. Use get(), which asks the store, or a larger bound.'

/** What a bounded view asks before each read. */
export interface Confirmed {
  readonly memory: Memory
  /** When memory was last known to be current, on the monotonic clock. */
  readonly confirmedAt: number
}

/**
 * The synchronous view of memory that answers only while memory was confirmed current within the bound (bounded staleness).
 * Every read, the start of an iteration included, throws `StaleError` where that does not hold.
 */
export class FreshView<T extends object, D extends keyof T & string = never> extends View<T, D> {
  readonly #confirmed: Confirmed
  readonly #local: LocalView<T, D>
  readonly #bound: number
  readonly #dictionary: string
  readonly #live: boolean

  constructor(confirmed: Confirmed, local: LocalView<T, D>, bound: number, dictionary: string, live: boolean) {
    super()
    this.#live = live
    this.#confirmed = confirmed
    this.#local = local
    this.#bound = bound
    this.#dictionary = dictionary
  }

  get size(): number {
    this.#check()
    return this.#local.size
  }

  get<K extends keyof T & string>(key: K): Read<T, D, K> {
    this.#check()
    return this.#local.get(key)
  }

  has(key: keyof T & string): boolean {
    this.#check()
    return this.#local.has(key)
  }

  toObject(): Readonly<T> {
    this.#check()
    return this.#local.toObject()
  }

  protected state(): FrozenState {
    this.#check()
    return this.#confirmed.memory.freeze()
  }

  /** The clock is asked at each read: an answer kept from before would be wrong in a process that was stopped meanwhile. */
  #check(): void {
    const staleness = now() - this.#confirmed.confirmedAt
    if (staleness > this.#bound) throw this.#stale(staleness)
  }

  #stale(staleness: number): StaleError {
    return new StaleError(
      `Memory of dictionary "${this.#dictionary}" was last confirmed current ${Math.round(staleness)} ms ago, and ` +
        `"maxStaleness" is ${this.#bound} ms. ${this.#live ? LIVE_ADVICE : ADVICE}`,
      { dictionary: this.#dictionary },
    )
  }
}

/** A state held still, as its readers see it. */
export class StateView<T extends object = Record<string, unknown>, D extends keyof T & string = never>
  extends View<T, D>
  implements Snapshot<T, D>
{
  readonly version: Version
  readonly #state: FrozenState
  readonly #defaults: Defaults
  readonly #strictKeys: Keys | undefined
  #object: Readonly<T> | undefined

  constructor(state: FrozenState, { defaults, keys }: ViewContext) {
    super()
    this.version = state.version
    this.#state = state
    this.#defaults = defaults
    this.#strictKeys = keys.isStrict ? keys : undefined
    Object.freeze(this)
  }

  get size(): number {
    return this.#state.size
  }

  get<K extends keyof T & string>(key: K): Read<T, D, K> {
    this.#strictKeys?.check(key)
    const value = this.#state.get(key)
    return (value === undefined ? this.#defaults.of(key) : value) as Read<T, D, K>
  }

  has(key: keyof T & string): boolean {
    this.#strictKeys?.check(key)
    return this.#state.has(key)
  }

  toObject(): Readonly<T> {
    this.#object ??= toPlainObject(this.#state, this.#defaults) as Readonly<T>
    return this.#object
  }

  /** Whether it is a view of this very state. */
  holds(state: FrozenState): boolean {
    return this.#state === state
  }

  /** What the store held, undecoded. */
  stored(key: string): unknown {
    return this.#state.stored(key)
  }

  protected state(): FrozenState {
    return this.#state
  }
}
