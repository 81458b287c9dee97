import { delay } from '../time/clock.js'

/** Lets callers through one at a time, in order; but none waits longer than its patience, so that nesting cannot lock. */
export class Lane {
  #last: Promise<void> = Promise.resolve()

  /** Waits for the turn, or for the signal. Call what it gives to let the next one through. */
  async enter(patience: number, signal: AbortSignal): Promise<() => void> {
    const before = this.#last
    let leave = () => {}
    this.#last = new Promise(resolve => {
      leave = resolve
    })
    await Promise.race([before, after(patience, signal, before)])
    return leave
  }
}

/** Resolves after the time, or on abort. Holds no timer any longer than `before` takes. */
function after(ms: number, signal: AbortSignal, before: Promise<void>): Promise<void> {
  const waiting = new AbortController()
  void before.then(() => waiting.abort())
  return delay(ms, undefined, { signal: AbortSignal.any([signal, waiting.signal]) }).catch(() => {})
}
