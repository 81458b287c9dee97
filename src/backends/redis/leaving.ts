import { now } from '../../time/clock.js'

/** A server is left at most this often, in ms: no other may have taken over yet. */
const AGAIN_AFTER = 1_000

/** Leaves a server that is a primary no more. */
export class Leaving {
  readonly #reconnect: () => boolean
  #leftAt = Number.NEGATIVE_INFINITY

  /** @param reconnect - has the client make another connection; false where it would not come back. */
  constructor(reconnect: () => boolean) {
    this.#reconnect = reconnect
  }

  /** Whether the server is left, or was just now. */
  leave(): boolean {
    if (now() - this.#leftAt < AGAIN_AFTER) return true
    if (!this.#reconnect()) return false
    this.#leftAt = now()
    return true
  }
}
