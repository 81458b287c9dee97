import { clearTimeout, setTimeout } from '../time/clock.js'
import { onAbort } from '../time/on-abort.js'

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
    await atMost(patience, before, signal)
    return leave
  }
}

/** Resolves after the work or the time, or on abort, and holds no timer any longer. */
function atMost(ms: number, work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      forgetSignal()
      resolve()
    }
    const timer = setTimeout(end, ms)
    const forgetSignal = onAbort(signal, end)
    void work.then(end)
    if (signal.aborted) end()
  })
}
