import { clearTimeout, now, setTimeout } from '../../time/clock.js'

/** Nothing more is sent after this long without an answer, in ms. */
const QUIET = 1_000

/** One call is sent again after this long, in ms, in case no answer ever arrives. */
const PROBE_AFTER = 10_000

/**
 * Tracks the unanswered commands of one node-redis connection. The client's time limit for a silent connection
 * (`socketTimeout`) restarts with each write, so continued writes would keep a dead connection open. While the
 * connection is silent, commands therefore wait here for the next one.
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

  /** Returns `undefined` if the connection is not silent, else a promise that resolves when it answers or is dropped. */
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
