import { delay, now } from '../time/clock.js'

/** By how much the rates of two processes' clocks may differ: 0.1 %, far more than quartz clocks do. */
const CLOCK_DRIFT = 0.001

/** Timers and clocks advance in whole steps, in ms. */
const CLOCK_STEP = 2

/**
 * Waits out the staleness bound recorded in the store, on this process's monotonic clock (commit-wait; Corbett et al.,
 * "Spanner", 2012). After the wait, every check that ran before the commit has expired in every replica. A later check includes
 * the commit.
 *
 * Rejects if `signal` is aborted during the wait.
 */
export async function waitOut(bound: number, signal: AbortSignal): Promise<void> {
  if (bound === 0) return
  const until = now() + bound * (1 + CLOCK_DRIFT) + CLOCK_STEP
  // Timers may fire a little early.
  for (let left = until - now(); left > 0; left = until - now()) {
    await delay(left, undefined, { signal })
  }
}
