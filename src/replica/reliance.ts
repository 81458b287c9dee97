import { now } from '../time/clock.js'

/**
 * Until when this process may read memory without a check. It relies on memory at a time of its monotonic clock only while that is
 * before `confirmedAt + bound` and before `renewalSentAt + ttl`. Both are measured from before the request was sent.
 */
export class Reliance {
  /** On the monotonic clock; in the past if memory may not be relied on. One number, because every read within the bound compares it. */
  until = Number.NEGATIVE_INFINITY
  /** Until when the registry has a record of this replica. */
  registeredUntil: number
  /** When memory was last known to be current: the time before that check was sent. */
  confirmedAt: number
  readonly #bound: number | undefined
  /** Earlier confirmations do not count: they may miss what a writer committed while there was no record. */
  #since = Number.NEGATIVE_INFINITY

  /**
   * @param bound - in ms. Default: every read checks.
   * @param isRegistered - whether a record in the registry is necessary.
   */
  constructor(bound: number | undefined, isRegistered: boolean) {
    this.#bound = bound
    this.registeredUntil = isRegistered ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    this.confirmedAt = Number.NEGATIVE_INFINITY
  }

  /** Whether there is, or may soon be, no record. */
  get isLapsed(): boolean {
    return now() >= this.registeredUntil
  }

  /** Until when a reader with this bound may rely on memory. */
  within(bound: number): number {
    return this.needsCheck ? Number.NEGATIVE_INFINITY : Math.min(this.confirmedAt + bound, this.registeredUntil)
  }

  confirmed(asOf: number): void {
    this.confirmedAt = asOf
    this.#update()
  }

  /** Whether the record may have been missing, and memory was not confirmed since. */
  get needsCheck(): boolean {
    return this.confirmedAt < this.#since
  }

  /** Call it when the answer to a registration arrives. */
  renewed(sentAt: number, ttl: number): void {
    if (this.isLapsed) this.#since = now()
    this.registeredUntil = sentAt + ttl
    this.#update()
  }

  /** The registry may have lost the record. */
  lost(): void {
    if (this.registeredUntil === Number.POSITIVE_INFINITY) return
    this.registeredUntil = Number.NEGATIVE_INFINITY
    this.#update()
  }

  #update(): void {
    this.until = this.#bound === undefined ? Number.NEGATIVE_INFINITY : this.within(this.#bound)
  }
}
