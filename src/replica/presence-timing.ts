/** How long a record of the registry counts, and how often it is renewed, in ms. */
export interface PresenceTiming {
  readonly ttl: number
  readonly renewEvery: number
}

export const PRESENCE_TIMING: PresenceTiming = { ttl: 30_000, renewEvery: 10_000 }

/**
 * The option of `open` that replaces {@link PRESENCE_TIMING}. It is a symbol because only tests need it: a fleet whose processes
 * disagree is still correct.
 */
export const TIMING_OPTION = Symbol.for('durabledict.presence timing')
