import { now } from '../../../time/clock.js'
import type { CommitContext } from './commit.js'

/**
 * How a batch deals with rows that other transactions have locked: it waits for them without the lock of the head, so that writes
 * of other keys are not blocked. After a while, only the groups with these rows are refused.
 */
export class LockPatience {
  readonly #most: number
  #since: number | undefined

  /** @param most - how long to wait, in ms. */
  constructor(most: number) {
    this.#most = most
  }

  /** Notes that rows were locked, and returns whether the wait is over. */
  isOver(): boolean {
    this.#since ??= now()
    return this.#left <= 0
  }

  get options(): Pick<CommitContext, 'awaitRows' | 'refusesLocked'> {
    if (this.#since === undefined) return { refusesLocked: false }
    const left = this.#left
    return left > 0 ? { awaitRows: left, refusesLocked: false } : { refusesLocked: true }
  }

  get #left(): number {
    return this.#since === undefined ? this.#most : this.#since + this.#most - now()
  }
}
