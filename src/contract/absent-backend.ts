import { StoreUnavailableError } from '../errors/errors.js'
import type { Backend } from './backend.js'

/** Stands in for the backend of a store that has not been connected yet. Every call fails, and none has an effect. */
export class AbsentBackend implements Backend<unknown> {
  readonly name: string
  readonly storeKind: string
  // Which capabilities the backend has is known only later: none is ruled out here.
  readonly commit = () => this.#fail()
  readonly changesSince = () => this.#fail()
  readonly registerMaxStaleness = () => this.#fail()
  readonly history = () => this.#fail()
  readonly setHistoryPolicy = () => this.#fail()
  readonly forgetAuthor = () => this.#fail()
  readonly register = () => this.#fail()
  readonly leave = () => this.#fail()
  readonly replicas = () => this.#fail()
  readonly acknowledge = () => this.#fail()
  readonly awaitAcknowledgements = () => this.#fail()
  readonly persist = () => this.#fail()
  readonly depersist = () => this.#fail()
  readonly durables = () => this.#fail()
  readonly lastUpdated = () => this.#fail()

  constructor(name: string, storeKind: string) {
    this.name = name
    this.storeKind = storeKind
  }

  #fail(): Promise<never> {
    return Promise.reject(notConnected(this.name))
  }
}

/** The error of a call that needs a store which has not been connected yet. */
export function notConnected(dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `The store of dictionary "${dictionary}" has not answered since the dictionary was opened. It keeps connecting in the background; ` +
      'try again later.',
    { dictionary },
  )
}
