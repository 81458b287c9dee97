import { setMaxListeners } from 'node:events'
import { ClosedError } from '../errors/errors.js'

/** Open until it is closed, for ever then. */
export class Gate {
  readonly #dictionary: string
  readonly #closing = new AbortController()
  /** Besides the signal, since every call asks: a signal takes its time to tell. */
  #closed = false

  constructor(dictionary: string) {
    this.#dictionary = dictionary
    // As many may wait for it as there are calls under way.
    setMaxListeners(0, this.#closing.signal)
  }

  /** Aborted when it closes. */
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

  /** @throws ClosedError once it is closed. */
  assertOpen(): void {
    if (this.#closed) throw this.error()
  }

  error(): ClosedError {
    return new ClosedError(`Dictionary "${this.#dictionary}" is closed. Open it again to go on.`, {
      dictionary: this.#dictionary,
    })
  }
}
