import { pause } from '../../time/pause.js'

/** The shortest and longest wait before the next attempt to subscribe to a channel, in ms. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 2_000

/** How many times to try before a subscription fails. */
const ATTEMPTS = 12

/**
 * Subscribes to a channel that another server may just be taking over.
 *
 * @param signal - ends the attempts.
 */
export async function untilSubscribed(subscribe: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await subscribe()
    } catch (error) {
      if (attempt === ATTEMPTS || signal.aborted) throw error
    }
    await pauseBefore(attempt, signal)
  }
}

/** Waits longer after each attempt. */
export function pauseBefore(attempt: number, signal: AbortSignal): Promise<void> {
  return pause(Math.min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT), signal)
}
