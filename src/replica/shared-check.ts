import { isPromise } from '../contract/is-promise.js'
import { now } from '../time/clock.js'
import { EventLoopTurns } from '../time/event-loop-turns.js'

/** Limits how long one caller waits for a shared check, measured from its call. */
export interface Patience {
  /** In ms. */
  readonly timeout: number
  limit(check: Promise<void>): Promise<void>
}

/** Callers behind the same check share a timer if they called within this part of the timeout. */
const SHARE = 1 / 100

/**
 * Lets overlapping callers share one check that is sent after each of them called. It is sent at the end of the tick of the first
 * call. One check is under way at a time: callers that arrive meanwhile share the next one.
 */
export class SharedCheck {
  readonly #perform: (awaited: boolean) => void | Promise<void>
  readonly #patience: Patience
  /** Whether a caller waits for the next check. */
  #awaited = false
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #waiting: { readonly check: Promise<void>; readonly since: number; readonly limited: Promise<void> } | undefined
  readonly #turns = new EventLoopTurns()

  /**
   * @param perform - runs one check and limits its own time. Learns whether a caller waits for it.
   * @param patience - also limits the time that callers wait for the check before theirs.
   */
  constructor(perform: (awaited: boolean) => void | Promise<void>, patience: Patience) {
    this.#perform = perform
    this.#patience = patience
  }

  /** @param awaited - false if nobody but the background waits. */
  join(awaited = true): Promise<void> {
    this.#awaited ||= awaited
    this.#next ??= this.#start()
    return this.#running ? this.#limited(this.#next) : this.#next
  }

  async #start(): Promise<void> {
    // Waits even if nothing is running, so that other calls of this tick share the check.
    await this.#running?.then(nothing, nothing)
    const mine = this.#next
    this.#next = undefined
    this.#waiting = undefined
    const awaited = this.#awaited
    this.#awaited = false
    const work = this.#perform(awaited)
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
