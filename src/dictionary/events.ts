import type { Version } from '../contract/backend.js'
import type { Via } from '../contract/history.js'
import type { Diagnostics } from '../diagnostics/diagnostics.js'
import { DecodingError } from '../errors/errors.js'
import type { Context } from '../replica/bounded-store.js'
import type { SyncReason } from '../replica/history.js'
import { warn } from '../warnings/warnings.js'
import { contained } from './contained.js'

/** A change of one entry. A comparison of `key` narrows the types of the values. */
export type Change<T extends object = Record<string, unknown>, K extends keyof T & string = keyof T & string> = {
  readonly [Each in K]: {
    readonly key: Each
    /** `undefined` if the key was removed. Reading it throws `DecodingError` if it cannot be decoded. */
    readonly value: Required<T>[Each] | undefined
    /** `undefined` if the key was missing. Reading it throws `DecodingError` if it cannot be decoded. */
    readonly previous: Required<T>[Each] | undefined
    /** The version of the state after the change. */
    readonly version: Version
    /** `'local'`: written through this dictionary object. */
    readonly origin: 'local' | 'remote'
    /** Who made it, as the writer said. */
    readonly by?: string
    /** Why, as the writer said. */
    readonly reason?: string
    /** How it was made. Left out for a write of a program with this library. */
    readonly via?: Via
  }
}[K]

/** Memory moved to another state of the store. */
export interface SyncEvent {
  readonly reason: SyncReason
  readonly version: Version
  readonly previous: Version
}

/** Memory was not confirmed current within the bound, or a background task failed. */
export interface StaleEvent {
  readonly staleness: number
  /** The fault, if one is known. */
  readonly cause: unknown
}

/** Memory is confirmed current again. */
export interface FreshEvent {
  readonly staleness: number
}

/** The events and what their listeners get. */
export interface EventMap<T extends object = Record<string, unknown>> {
  change: Change<T>
  sync: SyncEvent
  stale: StaleEvent
  fresh: FreshEvent
  close: undefined
}

type Listener<E> = (event: E) => void

/** Passes events to listeners. One that throws affects neither the dictionary nor other listeners. */
export class Emitter<T extends object = Record<string, unknown>> {
  readonly #listeners = new Map<keyof EventMap<T>, Set<Listener<never>>>()
  readonly #dictionary: string
  readonly #context: Context
  readonly #diagnostics: Diagnostics | undefined

  /**
   * @param context - the async context in which listeners run.
   * @param diagnostics - is notified of `stale` and `fresh`.
   */
  constructor(dictionary: string, context: Context, diagnostics?: Diagnostics) {
    this.#dictionary = dictionary
    this.#context = context
    this.#diagnostics = diagnostics
  }

  on<E extends keyof EventMap<T>>(event: E, listener: Listener<EventMap<T>[E]>): void {
    if (typeof listener !== 'function') throw new TypeError(`The listener of "${event}" must be a function.`)
    checkName(event)
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
  }

  off<E extends keyof EventMap<T>>(event: E, listener: Listener<EventMap<T>[E]>): void {
    checkName(event)
    this.#listeners.get(event)?.delete(listener)
  }

  has(event: keyof EventMap<T>): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0
  }

  emit<E extends keyof EventMap<T>>(event: E, payload: EventMap<T>[E]): void {
    this.#publish(event, payload)
    if (!this.has(event)) return
    const listeners = [...(this.#listeners.get(event) ?? [])] as Listener<EventMap<T>[E]>[]
    this.#context.run(() => {
      for (const listener of listeners) this.#notify(event, () => listener(payload))
    })
  }

  #publish<E extends keyof EventMap<T>>(event: E, payload: EventMap<T>[E]): void {
    const { staleness, cause } = (payload ?? {}) as StaleEvent
    if (event === 'stale') this.#diagnostics?.stale(staleness, cause)
    else if (event === 'fresh') this.#diagnostics?.fresh(staleness)
  }

  #notify(event: string, call: () => unknown): void {
    contained(call, error => report(event, this.#dictionary, error))
  }
}

const NAMES: ReadonlySet<string> = new Set(['change', 'sync', 'stale', 'fresh', 'close'] satisfies (keyof EventMap)[])

function checkName(event: string): void {
  if (!NAMES.has(event)) throw new TypeError(`There is no event "${event}"; there are ${[...NAMES].join(', ')}.`)
}

/** How much of a stack a warning shows, in characters. */
const MAX_DETAIL = 4_000

/** A listener's error has no caller that could catch it: it becomes a warning and is never fatal. */
function report(event: string, dictionary: string, error: unknown): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const options = { source: `${dictionary} ${event}`, detail: detail.slice(0, MAX_DETAIL) }
  if (error instanceof DecodingError) {
    warn(
      'DURABLEDICT_LISTENER',
      `A "${event}" listener of dictionary "${dictionary}" read a value that cannot be decoded`,
      options,
    )
  } else warn('DURABLEDICT_LISTENER', `A "${event}" listener of dictionary "${dictionary}" threw`, options)
}
