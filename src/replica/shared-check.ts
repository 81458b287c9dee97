import { isPromise } from '../contract/is-promise.js'
import { now } from '../time/clock.js'
import { Turns } from './turns.js'

/**
 * Lets callers that overlap share one check, as long as it is sent after each of them has called. It is sent at the end
 * of the tick in which it was asked for, one at a time: who comes while one is under way shares the next.
 */
export class SharedCheck {
  readonly #perform: (askedAt: number) => void | Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  readonly #turns = new Turns()

  /**
   * @param perform - one check. `askedAt` says from when on, on the monotonic clock, its callers wait for an answer: from
   * their call, or from the good answer to the check before.
   */
  constructor(perform: (askedAt: number) => void | Promise<void>) {
    this.#perform = perform
  }

  join(): Promise<void> {
    this.#next ??= this.#start(now())
    return this.#next
  }

  async #start(askedAt: number): Promise<void> {
    // Also where nothing is running: what else asks in this tick is to share.
    const failed = await this.#running?.then(
      () => false,
      () => true,
    )
    const mine = this.#next
    this.#next = undefined
    const work = this.#perform(failed ? askedAt : now())
    if (!isPromise(work)) return this.#turns.giveWay()
    this.#running = mine
    try {
      await work
    } finally {
      if (this.#running === mine) this.#running = undefined
    }
  }
}
