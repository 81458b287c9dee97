/**
 * The longest session timeout to rely on if a shorter one was requested, in ms. An ensemble may impose a longer
 * timeout than requested; this client then detects silent servers earlier than necessary.
 */
const RELIED_ON = 10_000

/** The longest session timeout that an ensemble imposes, in ms. */
const PLAUSIBLE = 600_000

/**
 * Returns the session timeout to rely on, in ms.
 *
 * @param announced - the timeout that the server announced.
 * @param asked - the timeout that the client requested.
 */
export function reliedOn(announced: number, asked: number): number {
  return Math.min(announced, Math.max(asked, RELIED_ON))
}

/** Returns whether an ensemble can have announced this timeout when `asked` was requested, in ms. */
export function isPlausible(announced: number, asked: number): boolean {
  return announced <= Math.max(asked, PLAUSIBLE)
}
