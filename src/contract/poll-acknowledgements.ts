import { pause } from '../time/pause.js'
import type { Awaitable } from './backend.js'

/** The pauses between polls, in ms. The last one repeats. */
const PAUSES = [1, 2, 4, 8, 16, 32, 64, 128, 250]

/**
 * Implements `awaitAcknowledgements` for stores that do not push them.
 *
 * @param look - asks the store once which of these replicas have acknowledged or are gone.
 */
export async function pollAcknowledgements(
  ids: readonly string[],
  look: (ids: readonly string[]) => Awaitable<Iterable<string>>,
  acknowledged: (id: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const waiting = new Set(ids)
  for (let poll = 0; waiting.size > 0 && !signal.aborted; poll += 1) {
    const before = waiting.size
    for (const id of await look([...waiting])) if (waiting.delete(id)) acknowledged(id)
    // More acknowledgements are likely right after the first ones.
    if (waiting.size < before) poll = 0
    if (waiting.size > 0) await pause(PAUSES[Math.min(poll, PAUSES.length - 1)] as number, signal)
  }
}
