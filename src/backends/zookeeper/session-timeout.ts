/**
 * The longest session timeout that is relied on where less was asked for, in ms. An ensemble may insist on a longer one than
 * was asked for; this client is then more impatient than it would have to be.
 */
const RELIED_ON = 10_000

/** The longest session timeout that an ensemble insists on, in ms. */
const PLAUSIBLE = 600_000

/** The session timeout to go by. @param announced - by the server; `asked` - by the client. In ms. */
export function reliedOn(announced: number, asked: number): number {
  return Math.min(announced, Math.max(asked, RELIED_ON))
}

/** Whether an ensemble can have announced it, where so much was asked for. In ms. */
export function isPlausible(announced: number, asked: number): boolean {
  return announced <= Math.max(asked, PLAUSIBLE)
}
