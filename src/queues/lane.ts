import { within } from '../time/within.js'

/** Lets callers through one at a time, in order. No caller waits longer than its patience, so nested calls cannot deadlock. */
export class Lane {
  #last: Promise<void> = Promise.resolve()

  /** Waits for the caller's turn, its patience in ms, or the signal. Returns a function that lets the next caller through. */
  async enter(patience: number, signal: AbortSignal): Promise<() => void> {
    const before = this.#last
    let leave = () => {}
    this.#last = new Promise(resolve => {
      leave = resolve
    })
    await within(patience, () => before, signal).catch(() => {})
    return leave
  }
}
