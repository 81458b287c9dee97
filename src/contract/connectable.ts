import type { Encoding } from '../encodings/encoding.js'
import type { Backend } from './backend.js'

/** A backend whose store answered. */
export interface Connected {
  readonly backend: Backend<unknown>
  /** The encoding in the form that the store needs. Default: the caller's. */
  readonly encoding?: Encoding<unknown>
}

/** What a {@link Connectable} knows before it has connected. */
export interface ConnectableOptions {
  /** The dictionary's name. */
  readonly name: string
  /** See `Backend.storeKind`. */
  readonly storeKind: string
  /** Connects, and releases everything if that fails. The signal ends the attempt. */
  connect(signal: AbortSignal | undefined): Promise<Connected>
  /** See `Backend.refuses`. */
  refuses(error: unknown): boolean
}

/** A store that must be connected before there is a backend. Each attempt makes a new backend, which the dictionary closes. */
export class Connectable {
  readonly name: string
  readonly storeKind: string
  readonly #options: ConnectableOptions

  constructor(options: ConnectableOptions) {
    this.name = options.name
    this.storeKind = options.storeKind
    this.#options = options
  }

  connect(signal: AbortSignal | undefined): Promise<Connected> {
    return this.#options.connect(signal)
  }

  refuses(error: unknown): boolean {
    return this.#options.refuses(error)
  }
}
