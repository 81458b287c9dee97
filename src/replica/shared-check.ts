import { isPromise } from '../contract/is-promise.js'
import { now } from '../time/clock.js'
import { EventLoopTurns } from '../time/event-loop-turns.js'

/** Bounds how long one caller waits for a check that it shares, counted from its call. */
export interface Patience {
  /** In ms. */
  readonly timeout: number
  limit(check: Promise<void>): Promise<void>
}

/** Callers that wait behind the same check share a limit if they called within this part of the timeout. */
const SHARE = 1 / 100

/**
 * Lets callers that overlap share one check, as long as it is sent after each of them has called. It is sent at the end
 * of the tick in which it was asked for, one at a time: who comes while one is under way shares the next.
 */
export class SharedCheck {
  readonly #perform: () => void | Promise<void>
  readonly #patience: Patience
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #waiting: { readonly check: Promise<void>; readonly since: number; readonly limited: Promise<void> } | undefined
  readonly #turns = new EventLoopTurns()

  /**
   * @param perform - one check, which bounds itself by the timeout.
   * @param patience - bounds those who wait for the check before theirs as well.
   */
  constructor(perform: () => void | Promise<void>, patience: Patience) {
    this.#perform = perform
    this.#patience = patience
  }

  join(): Promise<void> {
    this.#next ??= this.#start()
    return this.#running ? this.#limited(this.#next) : this.#next
  }

  async #start(): Promise<void> {
    // Also where nothing is running: what else asks in this tick is to share.
    await this.#running?.then(nothing, nothing)
    const mine = this.#next
    this.#next = undefined
    this.#waiting = undefined
    const work = this.#perform()
    if (!isPromise(work)) return this.#turns.giveWay()
    this.#running = mine
    try {
      await work
    } finally {
      if (this.#running === mine) this.#running = undefined
    }
  }

  #limited(check: Promise<void>): Promise<void> {
    const since = now()
    const earlier = this.#waiting
    if (earlier?.check === check && since - earlier.since <= this.#patience.timeout * SHARE) return earlier.limited
    const limited = this.#patience.limit(check)
    this.#waiting = { check, since, limited }
    return limited
  }
}

function nothing(): void {}
