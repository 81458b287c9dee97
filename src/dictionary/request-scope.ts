import { AsyncLocalStorage } from 'node:async_hooks'
import { processWide } from '../process/shared.js'
import type { Snapshot } from './views.js'

/** One for the whole library, so that its cost does not grow with the number of dictionaries. */
const storage = processWide('requests', () => new AsyncLocalStorage<RequestScope | undefined>())

/** Reports that a response has been sent: Node's `ServerResponse`. */
export interface Sent {
  readonly writableFinished: boolean
}

/** The request that a scope belongs to. */
export interface Place {
  readonly request: object
  readonly response: Sent | undefined
  readonly outer: RequestScope | undefined
  /** Who makes the writes of the request: asked at each write, since the user may be known late. Default: nobody. */
  readonly author?: (() => string | undefined) | undefined
}

/** One request and its snapshots, which are valid until its response has been sent. */
export class RequestScope<Dicts extends object = object> {
  /** The snapshots by name, including those of an enclosing scope of the same request. */
  readonly dicts: Dicts
  readonly #request: object
  readonly #response: Sent | undefined
  readonly #dictionaries: readonly object[]
  readonly #snapshots: readonly Snapshot[]
  readonly #outer: RequestScope | undefined
  readonly #author: (() => string | undefined) | undefined

  /**
   * @param place - the request and its response, if there is one. The scope ends when the response has been sent: work that the
   * request leaves running, such as a timer, must not see its state forever.
   * @param snapshots - in the order of the dictionaries.
   */
  constructor(place: Place, dictionaries: readonly object[], snapshots: readonly Snapshot[], dicts: Dicts) {
    this.#request = place.request
    this.#response = place.response
    this.#outer = place.outer
    this.#author = place.author
    this.#dictionaries = dictionaries
    this.#snapshots = snapshots
    this.dicts = dicts
  }

  /** Runs the function, and everything that it starts, in this scope. */
  run<R>(work: () => R): R {
    return storage.run(this, work)
  }

  /** Returns the dictionary's snapshot, unless the request is over. */
  find(dictionary: object): Snapshot | undefined {
    if (this.#response?.writableFinished) return undefined
    // There are few dictionaries: this is faster than building a map for each request.
    const index = this.#dictionaries.indexOf(dictionary)
    return index < 0 ? this.#outer?.find(dictionary) : this.#snapshots[index]
  }

  /** Returns who makes this request's writes to the dictionary, also after the response: work that a request started is its own. */
  authorOf(dictionary: object): string | undefined {
    const author = this.#dictionaries.includes(dictionary) ? this.#author?.() : undefined
    return author ?? this.#outer?.authorOf(dictionary)
  }

  belongsTo(request: object): boolean {
    return this.#request === request
  }
}

/** Returns the scope around the caller if it belongs to this request, and not to a request that started this one. */
export function scopeOf(request: object): RequestScope | undefined {
  const scope = storage.getStore()
  return scope?.belongsTo(request) ? scope : undefined
}

/** Runs the function, and everything that it starts, outside any request's scope. */
export function outsideRequests<R>(work: () => R): R {
  return storage.run(undefined, work)
}

/** Returns the dictionary's snapshot of the request around the caller. */
export function snapshotHere(dictionary: object): Snapshot | undefined {
  return storage.getStore()?.find(dictionary)
}

/** Returns who makes writes to the dictionary, as the request around the caller says. */
export function authorHere(dictionary: object): string | undefined {
  return storage.getStore()?.authorOf(dictionary)
}
