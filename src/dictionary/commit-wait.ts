import { delay, now } from '../time/clock.js'

/** By how much the clocks of two processes may differ in rate: 0.1 %, far beyond what quartz does. */
const CLOCK_DRIFT = 0.001

/** Timers and clocks are read in whole steps, in ms. */
const CLOCK_STEP = 2

/**
 * Waits out the staleness bound recorded in the store, on this process's monotonic clock (commit-wait; Corbett et al.,
 * "Spanner", 2012). A check that ran before the commit has expired by then for every replica; a later one contains it.
 *
 * Rejects where `signal` is aborted before.
 */
export async function waitOut(bound: number, signal: AbortSignal): Promise<void> {
  if (bound === 0) return
  const until = now() + bound * (1 + CLOCK_DRIFT) + CLOCK_STEP
  // Timers may fire a little early.
  for (let left = until - now(); left > 0; left = until - now()) {
    await delay(left, undefined, { signal })
  }
}
