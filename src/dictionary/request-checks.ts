import { ClosedError, type DurableDictError } from '../errors/errors.js'
import { Deadlines } from '../replica/deadlines.js'
import { late, readFault } from '../replica/faults.js'
import { now } from '../time/clock.js'
import type { Parts } from './assembly.js'
import type { Gate } from './gate.js'

/** How long the request that asks a failed store anew waits for an answer, in ms. A good store takes a few. */
const PROBE_PATIENCE = 250

/** Why memory could not be confirmed; nothing where it was. */
export type Answer = DurableDictError | undefined

interface Failure {
  readonly error: DurableDictError
  /** On the monotonic clock. */
  readonly at: number
}

/**
 * Confirms memory for requests. While the store answers, each request waits for a check that was sent after it came, one
 * shared by all that overlap. Once a check has failed, whoever waits is let go, and later requests are told at once, while
 * one check at a time asks whether the store is there again: a store that hangs costs `timeout` once, not every request.
 */
export class RequestChecks {
  readonly #parts: Parts
  readonly #gate: Gate
  readonly #deadlines = new Deadlines()
  readonly #waiting = new Set<(answer: Answer) => void>()
  /** The largest bound that is recorded in the store, and from when on it may be relied on. */
  #bound: number
  #boundSince = Number.NEGATIVE_INFINITY
  #recording = false
  #underWay = 0
  #check: Promise<void> | undefined
  #answer: Promise<Answer> = Promise.resolve(undefined)
  #failure: Failure | undefined

  constructor(parts: Parts, gate: Gate) {
    this.#parts = parts
    this.#gate = gate
    // Where none can be recorded, no writer waits for one.
    this.#bound = parts.store.supports.recordBound ? (parts.settings.maxStaleness ?? 0) : Number.POSITIVE_INFINITY
  }

  /**
   * At once where memory was confirmed within the bound, and where the store is known to be down. Never rejects.
   *
   * @param bound - in ms; 0: always asks.
   */
  confirm(bound: number): Answer | Promise<Answer> {
    if (this.#gate.closed) return this.#gate.error()
    if (this.#failure && this.#parts.replica.confirmedAt > this.#failure.at) this.#recover()
    if (this.#isConfirmed(bound)) return undefined
    if (this.#failure) return this.#askAgain(this.#failure)
    if (bound > this.#bound) this.#record(bound)
    return this.#ask()
  }

  #isConfirmed(bound: number): boolean {
    if (bound === 0 || bound > this.#bound) return false
    const { confirmedAt } = this.#parts.replica
    return confirmedAt >= this.#boundSince && now() - confirmedAt <= bound
  }

  /** Until it is recorded, so that writes `{ everywhere: true }` wait for it, nothing relies on it. */
  async #record(bound: number): Promise<void> {
    if (this.#recording) return
    this.#recording = true
    try {
      await this.#parts.replica.relyOn(bound)
      this.#bound = bound
      this.#boundSince = now()
    } catch {
      // The check that goes with it tells of the fault, and a later request tries again.
    } finally {
      this.#recording = false
    }
  }

  /** One answer for all that share a check. */
  #ask(): Promise<Answer> {
    const check = this.#parts.replica.check()
    if (check !== this.#check) {
      this.#check = check
      this.#answer = this.#wait(check)
    }
    return this.#answer
  }

  #wait(check: Promise<void>): Promise<Answer> {
    const { name, settings } = this.#parts
    this.#underWay += 1
    const ended = () => {
      this.#underWay -= 1
    }
    check.then(ended, ended)
    return new Promise(resolve => {
      const settle = (answer: Answer) => {
        this.#waiting.delete(settle)
        resolve(answer)
      }
      this.#waiting.add(settle)
      // Bounded here as well: what a check finds missing may take longer to load than the check itself.
      this.#deadlines
        .bound(
          () => check,
          settings.timeout,
          () => late(settings.timeout),
        )
        .then(
          () => {
            if (this.#failure) this.#recover()
            settle(undefined)
          },
          cause => this.#fail(readFault(cause, name)),
        )
    })
  }

  #askAgain(failure: Failure): Answer | Promise<Answer> {
    if (this.#underWay > 0) return failure.error
    const answer = this.#ask()
    const patience = Math.min(PROBE_PATIENCE, this.#parts.settings.timeout)
    return this.#deadlines
      .bound(
        () => answer,
        patience,
        () => failure.error,
      )
      .catch(error => error)
  }

  #fail(error: DurableDictError): void {
    const first = this.#failure === undefined
    if (!(error instanceof ClosedError)) this.#failure = { error, at: now() }
    if (first && this.#failure) this.#parts.emitter.emit('stale', { staleness: this.#staleness(), cause: error })
    for (const settle of [...this.#waiting]) settle(error)
  }

  #recover(): void {
    this.#failure = undefined
    this.#parts.emitter.emit('fresh', { staleness: this.#staleness() })
  }

  #staleness(): number {
    return now() - this.#parts.replica.confirmedAt
  }
}
