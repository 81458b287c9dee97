import { ClosedError, type DurableDictError } from '../errors/errors.js'
import { readFault } from '../replica/faults.js'
import { now } from '../time/clock.js'
import { Deadlines } from '../time/deadlines.js'
import type { Internals } from './assembly.js'
import type { Gate } from './gate.js'

/** Why memory could not be confirmed; `undefined` if it was confirmed. */
export type Answer = DurableDictError | undefined

interface Failure {
  readonly error: DurableDictError
  /** On the monotonic clock. */
  readonly at: number
}

/**
 * Confirms memory for requests. While the store answers, each request waits for a check that was sent after it arrived; requests
 * that overlap share one check. After a failed check, waiting and later requests fail immediately, while one check at a time probes
 * whether the store answers again. A hanging store therefore costs the patience of one request, not of every request.
 */
export class RequestChecks {
  readonly #internals: Internals
  readonly #gate: Gate
  readonly #deadlines = new Deadlines()
  readonly #waiting = new Set<(answer: Answer) => void>()
  /** The largest bound that requests have recorded in the store. Checks count for it from `#boundSince` on. */
  #recorded: number
  #boundSince = Number.NEGATIVE_INFINITY
  #recording = false
  #underWay = 0
  #check: Promise<void> | undefined
  #checkPatience = 0
  #answer: Promise<Answer> = Promise.resolve(undefined)
  #failure: Failure | undefined
  /** Whether the outage was reported here: until the store answers for the first time, others report it. */
  #hasReported = false

  constructor(internals: Internals, gate: Gate) {
    this.#internals = internals
    this.#gate = gate
    this.#recorded = internals.settings.maxStaleness ?? 0
  }

  /**
   * Confirms memory. It returns synchronously if memory was confirmed within the bound or the store is known to be down. Never rejects.
   *
   * @param bound - in ms; 0 always checks.
   * @param patience - how long the request waits at most, in ms.
   */
  confirm(bound: number, patience: number): Answer | Promise<Answer> {
    if (this.#gate.closed) return this.#gate.error()
    if (this.#failure && this.#internals.replica.confirmedAt > this.#failure.at) this.#recover()
    if (this.#isConfirmed(bound)) return undefined
    if (this.#failure) return this.#askAgain(this.#failure, patience)
    if (bound > this.#bound) this.#record(bound)
    return this.#ask(patience)
  }

  /** If no bound can be recorded, no writer waits for one. */
  get #bound(): number {
    return this.#internals.store.supports.registerMaxStaleness ? this.#recorded : Number.POSITIVE_INFINITY
  }

  #isConfirmed(bound: number): boolean {
    if (bound === 0 || bound > this.#bound) return false
    const { reliance } = this.#internals.replica
    return reliance.confirmedAt >= this.#boundSince && now() < reliance.within(bound)
  }

  /** Records a bound, so that writes `{ everywhere: true }` wait for it. No request relies on the bound before that. */
  async #record(bound: number): Promise<void> {
    if (this.#recording) return
    this.#recording = true
    try {
      await this.#internals.replica.registerMaxStaleness(bound)
      this.#recorded = bound
      this.#boundSince = now()
    } catch {
      // The check of the same request reports the fault, and a later request tries again.
    } finally {
      this.#recording = false
    }
  }

  /** Returns one answer to all requests that share a check. */
  #ask(patience: number): Promise<Answer> {
    const check = this.#internals.replica.check()
    if (check !== this.#check || patience !== this.#checkPatience) {
      this.#check = check
      this.#checkPatience = patience
      this.#answer = this.#wait(check, patience)
    }
    return this.#answer
  }

  #wait(check: Promise<void>, patience: number): Promise<Answer> {
    const { name, settings } = this.#internals
    this.#underWay += 1
    const ended = () => {
      this.#underWay -= 1
    }
    // A check may also succeed after its requests stopped waiting.
    const succeeded = () => {
      ended()
      if (this.#failure) this.#recover()
    }
    check.then(succeeded, ended)
    return new Promise(resolve => {
      const settle = (answer: Answer) => {
        this.#waiting.delete(settle)
        resolve(answer)
      }
      this.#waiting.add(settle)
      const late = () => new Error(`It did not answer within ${patience} ms (option "patience" of the middleware).`)
      this.#deadlines
        .bound(() => check, Math.min(patience, settings.timeout), late)
        .then(
          () => settle(undefined),
          cause => this.#fail(readFault(cause, name)),
        )
    })
  }

  #askAgain(failure: Failure, patience: number): Answer | Promise<Answer> {
    return this.#underWay > 0 ? failure.error : this.#ask(patience)
  }

  #fail(error: DurableDictError): void {
    const isNews = this.#failure === undefined && !this.#internals.absence
    if (!(error instanceof ClosedError)) this.#failure = { error, at: now() }
    if (isNews && this.#failure) {
      this.#hasReported = true
      this.#internals.emitter.emit('stale', { staleness: this.#staleness(), cause: error })
    }
    for (const settle of [...this.#waiting]) settle(error)
  }

  #recover(): void {
    this.#failure = undefined
    if (this.#hasReported) this.#internals.emitter.emit('fresh', { staleness: this.#staleness() })
    this.#hasReported = false
  }

  #staleness(): number {
    return now() - this.#internals.replica.confirmedAt
  }
}
