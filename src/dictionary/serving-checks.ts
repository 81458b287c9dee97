import { StoreUnavailableError } from '../errors/errors.js'
import { now } from '../time/clock.js'
import type { Internals } from './assembly.js'

/** How long after a failed check the next one is sent at the earliest, in ms. No read waits for it. */
const PROBE_EVERY = 100

/**
 * The checks of awaited reads with `whenDown: 'serve'`. While the store answers, they are the same as in any other dictionary. After
 * one has failed, all reads are served from memory immediately, while one check at a time probes the store in the background.
 */
export class ServingChecks {
  readonly #internals: Internals
  readonly #waiting = new Set<() => void>()
  /** When the latest check failed, on the monotonic clock; `undefined` while the store answers. */
  #failedAt: number | undefined
  /** Whether the outage was reported here: until the store answers for the first time, others report it. */
  #hasReported = false
  #probing = false
  #check: Promise<void> | undefined
  #answer: Promise<void> | undefined

  constructor(internals: Internals) {
    this.#internals = internals
  }

  /** Returns what to wait for before memory is read. It rejects only for other reasons than an unavailable store. */
  confirm(): Promise<void> | undefined {
    if (this.#failedAt !== undefined && this.#internals.replica.confirmedAt > this.#failedAt) this.#recover()
    if (this.#failedAt !== undefined) return this.#probe(this.#failedAt)
    const check = this.#internals.replica.checkUnlessKnown()
    if (check === undefined || check === this.#check) return check && this.#answer
    this.#check = check
    this.#answer = this.#served(check)
    return this.#answer
  }

  /** Readers that wait for a later check are served when an earlier one fails. */
  #served(check: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve)
      const settled = () => this.#waiting.delete(resolve)
      const answered = () => {
        this.#recover()
        resolve()
      }
      check.then(answered, error => (isOutage(error) ? this.#fail(error) : reject(error))).finally(settled)
    })
  }

  #probe(failedAt: number): undefined {
    if (this.#probing || now() - failedAt < PROBE_EVERY) return
    this.#probing = true
    const failed = (error: unknown) => {
      if (isOutage(error)) this.#failedAt = now()
    }
    const probe = this.#internals.replica.check().then(() => this.#recover(), failed)
    void probe.finally(() => {
      this.#probing = false
    })
  }

  #fail(cause: StoreUnavailableError): void {
    const isNews = this.#failedAt === undefined && !this.#internals.absence
    this.#failedAt = now()
    if (isNews) this.#internals.emitter.emit('stale', { staleness: this.#staleness(), cause })
    this.#hasReported ||= isNews
    for (const serve of this.#waiting) serve()
  }

  #recover(): void {
    if (this.#failedAt === undefined) return
    this.#failedAt = undefined
    if (this.#hasReported) this.#internals.emitter.emit('fresh', { staleness: this.#staleness() })
    this.#hasReported = false
  }

  #staleness(): number {
    return now() - this.#internals.replica.confirmedAt
  }
}

function isOutage(error: unknown): error is StoreUnavailableError {
  return error instanceof StoreUnavailableError
}
