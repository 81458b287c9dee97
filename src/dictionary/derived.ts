import type { Version } from '../contract/backend.js'
import { sameStored } from '../contract/same-stored.js'
import type { Snapshot, StateView } from './views.js'

/**
 * A value computed from the state of a dictionary. `derive` returns it.
 *
 * @example
 * const routes = settings.derive(state => compile(state.get('routes')), { keys: ['routes'] })
 * routes.current.match(url)
 */
export interface Derived<R> {
  /**
   * The value for the state of `settings.current()`: the request's snapshot inside a web framework's request, else what memory
   * holds now. Synchronous; never touches the store. Throws what the function throws for that state. It also works after
   * `close`.
   */
  readonly current: R
  /** The last value that the function returned; `undefined` if it never returned one. Use it when `current` throws. */
  readonly lastGood: R | undefined
}

/** Options of `derive`. */
export interface DeriveOptions<K extends string = string> {
  /**
   * The keys that the function reads. It runs again only after one of them has changed. Default: after any change.
   *
   * @example
   * settings.derive(state => new Limiter(state.get('limits')), { keys: ['limits'] })
   */
  keys?: readonly K[] | undefined
}

/** What a derived value needs from its dictionary. */
export interface DerivedSource {
  /** The version of the state that memory holds now. */
  version(): Version
  /** The state that memory holds now. Returns the same view until memory changes. */
  held(): StateView
  /** The state of the request around the caller, if there is one. */
  ofRequest(): StateView | undefined
}

type Outcome<R> = { readonly value: R } | { readonly error: unknown }

/** A derived value. It is computed when it is read, at most once for each state. */
export class DerivedValue<R> implements Derived<R> {
  lastGood: R | undefined
  readonly #source: DerivedSource
  readonly #compute: (state: Snapshot) => R
  readonly #keys: readonly string[] | undefined
  /** The outcomes for states that are still referenced. */
  readonly #outcomes = new WeakMap<StateView, Outcome<R>>()
  #latest: { readonly version: Version; readonly outcome: Outcome<R> } | undefined
  /** The latest outcome and the stored forms of the keys that it was computed from. */
  #basis: { readonly stored: readonly unknown[]; readonly outcome: Outcome<R> } | undefined

  constructor(source: DerivedSource, compute: (state: Snapshot) => R, keys: readonly string[] | undefined) {
    this.#source = source
    this.#compute = compute
    this.#keys = keys && [...keys]
  }

  get current(): R {
    const ofRequest = this.#source.ofRequest()
    const version = ofRequest ? ofRequest.version : this.#source.version()
    const latest = this.#latest
    const outcome = latest && Object.is(latest.version, version) ? latest.outcome : this.#find(ofRequest)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  #find(ofRequest: StateView | undefined): Outcome<R> {
    if (ofRequest) return this.#of(ofRequest)
    const state = this.#source.held()
    const outcome = this.#of(state)
    this.#latest = { version: state.version, outcome }
    return outcome
  }

  #of(state: StateView): Outcome<R> {
    const earlier = this.#outcomes.get(state)
    if (earlier) return earlier
    const outcome = this.#fromKeys(state) ?? this.#run(state)
    this.#outcomes.set(state, outcome)
    return outcome
  }

  /** Returns the latest outcome if the stored forms of its keys are the same. */
  #fromKeys(state: StateView): Outcome<R> | undefined {
    if (!this.#keys) return undefined
    const stored = this.#keys.map(key => state.stored(key))
    const basis = this.#basis
    if (basis?.stored.every((form, index) => sameStored(form, stored[index]))) return basis.outcome
    const outcome = this.#run(state)
    this.#basis = { stored, outcome }
    return outcome
  }

  #run(state: StateView): Outcome<R> {
    try {
      const value = this.#compute(state)
      this.lastGood = value
      return { value }
    } catch (error) {
      return { error }
    }
  }
}
