/**
 * The longest session timeout to rely on if a shorter one was requested, in ms. An ensemble may impose a longer
 * timeout than requested; this client then detects silent servers earlier than necessary.
 */
const LONGEST_EFFECTIVE = 10_000

/** The longest session timeout that an ensemble imposes, in ms. */
const LONGEST_PLAUSIBLE = 600_000

/**
 * Returns the session timeout to rely on, in ms.
 *
 * @param announced - by the server.
 * @param requested - by the client.
 */
export function effectiveTimeout(announced: number, requested: number): number {
  return Math.min(announced, Math.max(requested, LONGEST_EFFECTIVE))
}

/** Returns whether an ensemble can have announced this timeout in reply to the requested one, in ms. */
export function isPlausible(announced: number, requested: number): boolean {
  return announced <= Math.max(requested, LONGEST_PLAUSIBLE)
}
