import { now } from './clock.js'

/** The time limit of one call, excluding the time that the caller's own function takes. */
export class Budget {
  /** In ms. */
  readonly timeout: number
  readonly #startedAt = now()
  #excluded = 0

  constructor(timeout: number) {
    this.timeout = timeout
  }

  /** The remaining time, in ms, without the caller's function. At least 0. */
  get left(): number {
    return Math.max(this.timeout - (now() - this.#startedAt - this.#excluded), 0)
  }

  /** Whether the call has used its whole time, including the caller's function. */
  get isOver(): boolean {
    return now() - this.#startedAt >= this.timeout
  }

  /** Runs the caller's function, whose time does not count. */
  async exclude<V>(work: () => Promise<V>): Promise<V> {
    const startedAt = now()
    try {
      return await work()
    } finally {
      this.#excluded += now() - startedAt
    }
  }
}
