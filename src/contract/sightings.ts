import { now } from '../time/clock.js'

/** By how much the rates of two clocks may differ: 0.1 %, far more than quartz clocks do. */
export const CLOCK_DRIFT = 0.001

/** A record as one process saw it. */
export interface Sighting {
  readonly id: string
  /** Differs after each renewal of the record. */
  readonly renewal: unknown
  /** How long the record counts after a renewal, in ms. */
  readonly ttl: number
}

/**
 * Decides which records of a registry have expired, without trusting a clock that may jump: those that this process has seen for
 * longer than their TTL, on its own monotonic clock, without a renewal in between.
 */
export class Sightings {
  readonly #first = new Map<string, { renewal: unknown; at: number }>()

  /** @param records - all records that this process sees now, or all that may have expired. Others are forgotten. */
  expired(records: readonly Sighting[]): Set<string> {
    const at = now()
    const ids = new Set(records.map(({ id }) => id))
    for (const id of this.#first.keys()) if (!ids.has(id)) this.#first.delete(id)
    return new Set(records.filter(record => this.#isExpired(record, at)).map(({ id }) => id))
  }

  #isExpired({ id, renewal, ttl }: Sighting, at: number): boolean {
    const first = this.#first.get(id)
    if (first && Object.is(first.renewal, renewal)) return at - first.at > ttl * (1 + CLOCK_DRIFT)
    this.#first.set(id, { renewal, at })
    return false
  }
}
