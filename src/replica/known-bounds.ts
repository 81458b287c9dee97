import { CLOCK_DRIFT } from '../contract/sightings.js'
import { now } from '../time/clock.js'

/** Timers and clocks advance in whole steps, in ms. */
const CLOCK_STEP = 2

/** How long a writer waits, in ms, until every check that ran before has expired in a replica with this bound. */
export function waitFor(bound: number): number {
  return bound === 0 ? 0 : bound * (1 + CLOCK_DRIFT) + CLOCK_STEP
}

/**
 * The largest bound that a writer knows of. A store that lost its data has lost its registry too, while replicas still rely on what
 * they confirmed before. A bound therefore counts until it has passed since the loss was noticed.
 */
export class KnownBounds {
  #latest = 0
  /** Until when a replica may rely on a bound that was recorded before the latest one. */
  #earlierUntil = Number.NEGATIVE_INFINITY
  /** Until when writes must wait for a bound that is no longer recorded, on the monotonic clock. */
  owedUntil = Number.NEGATIVE_INFINITY

  /** @param bound - the largest one that is recorded now, in ms. */
  note(bound: number): void {
    if (bound < this.#latest) this.#earlierUntil = Math.max(this.#earlierUntil, now() + waitFor(this.#latest))
    this.#latest = bound
  }

  /** The store has another history than before. */
  diverged(): void {
    this.owedUntil = Math.max(this.owedUntil, this.#earlierUntil, now() + waitFor(this.#latest))
  }
}
