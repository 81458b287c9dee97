import type { Version } from '../contract/backend.js'
import { StaleError } from '../errors/errors.js'
import type { FrozenState } from '../replica/frozen-state.js'
import type { Memory } from '../replica/memory.js'
import type { Reliance } from '../replica/reliance.js'
import { now } from '../time/clock.js'
import type { Defaults } from './defaults.js'
import type { Keys } from './keys.js'
import { toPlainObject } from './plain-object.js'

declare const DEFAULTED: unique symbol

/** The result of `get` for the key `K`: never `undefined` for the keys `D`, which have defaults. */
export type Read<T, D, K extends keyof T> = Required<T>[K] | (K extends D ? never : undefined)

/** A map whose `get` never returns `undefined` for the keys `D`, which have defaults. */
export interface DictView<T extends object, D extends keyof T & string = never>
  extends ReadonlyMap<keyof T & string, T[keyof T & string]> {
  /** Returns the stored value, else its default, else `undefined`. */
  get<K extends keyof T & string>(key: K): Read<T, D, K>
  /**
   * Returns all entries, and the defaults of keys that are not stored, as a frozen plain object. It is built at most once for each
   * state: the same object until something changes. Values that cannot be frozen are decoded at each access of their member.
   * Throws `DecodingError`, naming the key, if a value cannot be decoded.
   *
   * @example
   * const { theme, perPage } = settings.local.toObject()
   */
  toObject(): Readonly<T>
  /** For the compiler only: a view with more defaults is assignable to one with fewer, but not the reverse. */
  readonly [DEFAULTED]?: (key: D) => void
}

/**
 * An immutable view of one consistent state. `get` and `toObject` fall back to the defaults; everything else covers stored keys
 * only.
 *
 * @example
 * const snapshot = await settings.snapshot()
 * snapshot.get('theme')
 */
export interface Snapshot<T extends object = Record<string, unknown>, D extends keyof T & string = never>
  extends DictView<T, D> {
  /** The version of the state: an opaque token. Compare it for equality only. */
  readonly version: Version
}

/** The type of a Map's iterators in the user's TypeScript: `MapIterator` since 5.6. */
type Iterated<V> = ReturnType<ReadonlyMap<V, unknown>['keys']>

/** What a view needs from its dictionary. */
interface ViewContext {
  readonly defaults: Defaults
  readonly keys: Keys
}

/** The shared implementation of all views. */
abstract class View<T extends object, D extends keyof T & string> implements DictView<T, D> {
  abstract get size(): number
  abstract get<K extends keyof T & string>(key: K): Read<T, D, K>
  abstract has(key: keyof T & string): boolean
  abstract toObject(): Readonly<T>
  /** The state that an iteration covers. Writes during the iteration do not affect it. */
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

/** The synchronous view of memory at each moment. It never touches the store. */
export class LocalView<T extends object, D extends keyof T & string = never> extends View<T, D> {
  readonly #memory: Memory
  readonly #defaults: Defaults
  /** Set only for a strict dictionary, so that others pay for one comparison. */
  readonly #strictKeys: Keys | undefined
  readonly #held: () => StateView

  /** @param held - returns the current state. It returns the same view until memory changes. */
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

const ADVICE = 'Use get(), which checks the store if necessary, or open with { live: true }.'

const LIVE_ADVICE =
  'The dictionary is live, so the store did not answer in time: the event "stale" has the cause. Use get(), which checks the store, or a larger bound.'

const REGISTRY_ADVICE =
  'It registers again by itself as soon as the store answers. Use get(), which checks the store if necessary.'

/** What a bounded view checks before each read. */
export interface Confirmed {
  readonly memory: Memory
  readonly reliance: Pick<Reliance, 'until' | 'confirmedAt'>
}

/**
 * The synchronous view of memory that answers only while memory was confirmed current within the bound (bounded staleness).
 * Otherwise every read, including the start of an iteration, throws `StaleError`.
 */
export class FreshView<T extends object, D extends keyof T & string = never> extends View<T, D> {
  readonly #source: { readonly replica: Confirmed }
  readonly #local: LocalView<T, D>
  readonly #bound: number
  readonly #dictionary: string
  readonly #live: boolean

  /** @param source - its replica changes when a dictionary that was opened without its store reaches it. */
  constructor(
    source: { readonly replica: Confirmed },
    local: LocalView<T, D>,
    bound: number,
    dictionary: string,
    live: boolean,
  ) {
    super()
    this.#live = live
    this.#source = source
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
    return this.#source.replica.memory.freeze()
  }

  /** Reads the clock each time: an earlier result would be wrong after the process was suspended. */
  #check(): void {
    const { until, confirmedAt } = this.#source.replica.reliance
    if (now() >= until) throw this.#stale(now() - confirmedAt)
  }

  #stale(staleness: number): StaleError {
    const dictionary = this.#dictionary
    const why =
      staleness < this.#bound
        ? `has no valid record in the registry of its store, so that it must not be relied on. ${REGISTRY_ADVICE}`
        : `was last confirmed current ${Math.round(staleness)} ms ago, and "maxStaleness" is ${this.#bound} ms. ` +
          (this.#live ? LIVE_ADVICE : ADVICE)
    return new StaleError(`Memory of dictionary "${dictionary}" ${why}`, { dictionary })
  }
}

/** The view of one fixed state. */
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

  /** Whether it is a view of this state. */
  holds(state: FrozenState): boolean {
    return this.#state === state
  }

  /** Returns the stored form, without decoding it. */
  stored(key: string): unknown {
    return this.#state.stored(key)
  }

  protected state(): FrozenState {
    return this.#state
  }
}
