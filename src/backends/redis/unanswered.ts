import { clearTimeout, now, setTimeout } from '../../time/clock.js'

/** After so long without any answer nothing more is sent, in ms. */
const QUIET = 1_000

/** After so long one call is let through again, in ms, should an answer never come. */
const PROBE_AFTER = 10_000

/**
 * What one connection of node-redis owes. Its time limit for a silent connection (`socketTimeout`) begins again with each
 * write: who goes on writing to a dead connection keeps it. So calls wait here while it is silent, and are sent on the next one.
 */
export class Unanswered {
  #count = 0
  #heardAt = 0
  #wake: (() => void) | undefined
  #waiting: Promise<void> | undefined

  track<R>(answer: Promise<R>): Promise<R> {
    if (this.#count === 0) this.#heardAt = now()
    this.#count += 1
    answer.then(this.#heard, this.#heard)
    return answer
  }

  /** Nothing where the connection is not silent; else a promise that resolves when it has answered, or was given up. */
  wait(): Promise<void> | undefined {
    if (this.#count === 0 || now() - this.#heardAt < QUIET) return undefined
    this.#waiting ??= this.#untilHeard().finally(() => {
      this.#waiting = undefined
    })
    return this.#waiting
  }

  async #untilHeard(): Promise<void> {
    const left = this.#heardAt + PROBE_AFTER - now()
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      this.#wake = resolve
      timer = setTimeout(resolve, left).unref()
    })
    clearTimeout(timer)
    this.#wake = undefined
    this.#heardAt = now()
  }

  readonly #heard = () => {
    this.#count -= 1
    this.#heardAt = now()
    this.#wake?.()
  }
}
