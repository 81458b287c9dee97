import { now } from '../time/clock.js'

/** The time of one call, without what the caller's own function takes of it. */
export class Budget {
  /** In ms. */
  readonly timeout: number
  readonly #startedAt = now()
  #excluded = 0

  constructor(timeout: number) {
    this.timeout = timeout
  }

  /** What is left for everything but the caller's function, in ms. At least 0. */
  get left(): number {
    return Math.max(this.timeout - (now() - this.#startedAt - this.#excluded), 0)
  }

  /** Whether the call has taken its whole time, the caller's function included. */
  get isOver(): boolean {
    return now() - this.#startedAt >= this.timeout
  }

  /** Runs the caller's function, which may take as long as it likes. */
  async exclude<V>(work: () => Promise<V>): Promise<V> {
    const startedAt = now()
    try {
      return await work()
    } finally {
      this.#excluded += now() - startedAt
    }
  }
}
