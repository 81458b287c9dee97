import { clearTimeout, setTimeout } from '../time/clock.js'
import { onAbort } from '../time/on-abort.js'

/** Admits callers one at a time, in order. No caller waits longer than its patience, so that nested calls cannot deadlock. */
export class Lane {
  #last: Promise<void> = Promise.resolve()

  /** Waits for its turn, the patience or the signal. Returns a function that admits the next caller. */
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

/** Resolves after the work or the time, or on abort. Leaves no timer behind. */
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
