import { pause } from '../time/pause.js'
import type { Awaitable } from './backend.js'

/** The pauses between polls, in ms. The last one repeats. */
const PAUSES = [1, 2, 4, 8, 16, 32, 64, 128, 250]

/**
 * Implements `awaitAcknowledgements` for stores that do not push them, or that push only a hint.
 *
 * @param look - asks the store once which of these replicas have acknowledged or are gone.
 * @param woken - calls back when the store hints at acknowledgements, and returns a function that ends this.
 */
export async function pollAcknowledgements(
  ids: readonly string[],
  look: (ids: readonly string[]) => Awaitable<Iterable<string>>,
  acknowledged: (id: string) => void,
  signal: AbortSignal,
  woken?: (wake: () => void) => () => void,
): Promise<void> {
  const waiting = new Set(ids)
  const nap = new Nap()
  const ended = woken?.(() => nap.end())
  try {
    for (let poll = 0; waiting.size > 0 && !signal.aborted; poll += 1) {
      const before = waiting.size
      nap.begin()
      for (const id of await look([...waiting])) if (waiting.delete(id)) acknowledged(id)
      // More acknowledgements are likely right after the first ones.
      if (waiting.size < before) poll = 0
      if (waiting.size > 0) await nap.last(PAUSES[Math.min(poll, PAUSES.length - 1)] as number, signal)
    }
  } finally {
    ended?.()
  }
}

/** A pause that a hint ends, also one that came while the store was asked. */
class Nap {
  #ended = new AbortController()

  begin(): void {
    this.#ended = new AbortController()
  }

  end(): void {
    this.#ended.abort()
  }

  last(ms: number, signal: AbortSignal): Promise<void> {
    return pause(ms, AbortSignal.any([signal, this.#ended.signal]))
  }
}
