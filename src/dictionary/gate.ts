import { setMaxListeners } from 'node:events'
import { ClosedError } from '../errors/errors.js'

/** Open until it is closed. It never opens again. */
export class Gate {
  readonly #dictionary: string
  readonly #closing = new AbortController()
  /** Kept besides the signal because every call checks it, and reading a signal is slow. */
  #closed = false

  constructor(dictionary: string) {
    this.#dictionary = dictionary
    // Any number of pending calls may listen to it.
    setMaxListeners(0, this.#closing.signal)
  }

  /** Aborted when the gate closes. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    this.#closing.abort()
  }

  /** @throws ClosedError if it is closed. */
  assertOpen(): void {
    if (this.#closed) throw this.error()
  }

  error(): ClosedError {
    return new ClosedError(`Dictionary "${this.#dictionary}" is closed. Open it again to use it.`, {
      dictionary: this.#dictionary,
    })
  }
}
