import { AsyncLocalStorage } from 'node:async_hooks'
import { processWide } from '../process/shared.js'
import type { Snapshot } from './views.js'

/** One for the whole library: what it costs it costs once, however many dictionaries there are. */
const storage = processWide('requests', () => new AsyncLocalStorage<RequestScope | undefined>())

/** What tells that a response has been sent: Node's `ServerResponse`. */
export interface Sent {
  readonly writableFinished: boolean
}

/** One request, as the dictionaries see it: the snapshots that hold until its response has been sent. */
export class RequestScope<Dicts extends object = object> {
  /** The snapshots by name, those of an enclosing scope of the same request among them. */
  readonly dicts: Dicts
  readonly #request: object
  readonly #response: Sent | undefined
  readonly #dictionaries: readonly object[]
  readonly #snapshots: readonly Snapshot[]
  readonly #outer: RequestScope | undefined

  /**
   * @param place - the request, and where there is one its response, after which the scope holds no longer: what a
   * request starts and leaves running, such as a timer, must not see its state for ever.
   * @param snapshots - in the order of the dictionaries.
   */
  constructor(
    place: { request: object; response: Sent | undefined; outer: RequestScope | undefined },
    dictionaries: readonly object[],
    snapshots: readonly Snapshot[],
    dicts: Dicts,
  ) {
    this.#request = place.request
    this.#response = place.response
    this.#outer = place.outer
    this.#dictionaries = dictionaries
    this.#snapshots = snapshots
    this.dicts = dicts
  }

  /** Runs the function, and all that it starts, in this scope. */
  run<R>(work: () => R): R {
    return storage.run(this, work)
  }

  /** The dictionary's snapshot, unless the request is over. */
  find(dictionary: object): Snapshot | undefined {
    if (this.#response?.writableFinished) return undefined
    // Few dictionaries: faster than a map, which would have to be made for each request.
    const index = this.#dictionaries.indexOf(dictionary)
    return index < 0 ? this.#outer?.find(dictionary) : this.#snapshots[index]
  }

  belongsTo(request: object): boolean {
    return this.#request === request
  }
}

/** The scope around the caller where it is one of this very request: never that of a request that started this one. */
export function scopeOf(request: object): RequestScope | undefined {
  const scope = storage.getStore()
  return scope?.belongsTo(request) ? scope : undefined
}

/** Runs the function, and all that it starts, in no request's scope. */
export function outsideRequests<R>(work: () => R): R {
  return storage.run(undefined, work)
}

/** The snapshot that the request around the caller has of the dictionary. */
export function snapshotHere(dictionary: object): Snapshot | undefined {
  return storage.getStore()?.find(dictionary)
}
