import { now } from '../../time/clock.js'

/** A server is left at most once in this many ms: its successor may not have taken over yet. */
const AGAIN_AFTER = 1_000

/** Leaves a server that is no longer the primary. */
export class Leaving {
  readonly #reconnect: () => boolean
  #leftAt = Number.NEGATIVE_INFINITY

  /** @param reconnect - makes the client reconnect; returns false if it would not reconnect. */
  constructor(reconnect: () => boolean) {
    this.#reconnect = reconnect
  }

  /** Returns whether the connection to the server was dropped, now or shortly before. */
  leave(): boolean {
    if (now() - this.#leftAt < AGAIN_AFTER) return true
    if (!this.#reconnect()) return false
    this.#leftAt = now()
    return true
  }
}
