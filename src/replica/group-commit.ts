import type { Batch, Group, Outcome } from '../contract/backend.js'
import { EncodingError, InvalidKeyError, InvalidValueError } from '../errors/errors.js'
import { clearTimeout, now, setTimeout } from '../time/clock.js'

/** Random, and shared by all ids of this copy of the module: a random number for each would cost more than the rest of a write. */
let series: string | undefined
let count = 0

/** Returns an id that is never reused. */
function newId(): string {
  series ??= (crypto.getRandomValues(new BigUint64Array(1))[0] as bigint).toString(36).padStart(13, '0').slice(1)
  count += 1
  return series + count.toString(36)
}

/** The most operations in one batch; further groups wait for the next one. A single group is never split. */
const OPERATIONS_PER_BATCH = 1_000

/** A write that has waited for this part of its time is not sent: it would time out before its answer arrives. */
const WORTH_SENDING = 9 / 10

interface Waiting<O> {
  readonly group: Group<unknown>
  /** Whether its outcome must say what to wait for. */
  readonly everywhere: boolean
  /** The latest time to send it, on the monotonic clock. */
  readonly sendBy: number
  readonly resolve: (outcome: O) => void
  readonly reject: (reason: unknown) => void
  timer?: NodeJS.Timeout
}

/** The time limit of a group, and the errors after it. */
export interface Limits {
  /** In ms. */
  readonly timeout: number
  /** Whether a batch with this group may take longer than the timeout after it was sent, while the group may not. */
  needsTimer(group: Group<unknown>): boolean
  /** The error if it was not sent. */
  unsent(): unknown
  /** The error if it was sent but not answered. */
  unanswered(): unknown
}

/** Commits a batch. `everywhere`: whether the outcomes must say what to wait for. */
type Send<O> = (batch: Batch<unknown>, everywhere: boolean) => Promise<readonly O[]>

/**
 * Group commit: one batch is under way at a time. Groups that arrive meanwhile wait and are sent together as the next batch. (Gawlick
 * and Kinkade, "Varieties of concurrency control in IMS/VS fast path", 1985.)
 */
export class GroupCommit<O extends Outcome> {
  readonly #send: Send<O>
  readonly #limits: Limits
  #queue: Waiting<O>[] = []
  #sending: Promise<void> | undefined
  #underWay = false
  #ended: { reason: unknown } | undefined

  /**
   * @param send - commits a batch and brings memory up to date with it, within the timeout. It is never called while an earlier call
   * is pending.
   */
  constructor(send: Send<O>, limits: Limits) {
    this.#send = send
    this.#limits = limits
  }

  /**
   * Resolves when the group was executed and memory contains its result.
   *
   * @param limit - how long it may take in total, in ms. Default: the timeout.
   * @param everywhere - passed to `send`, for the whole batch.
   */
  submit(group: Group<unknown>, limit = this.#limits.timeout, everywhere = false): Promise<O> {
    if (this.#ended) return Promise.reject(this.#ended.reason)
    return new Promise((resolve, reject) => {
      const sendBy = now() + limit * WORTH_SENDING
      const waiting: Waiting<O> = { group, everywhere, sendBy, resolve, reject }
      this.#queue.push(waiting)
      if (this.#needsTimer(group, limit)) {
        waiting.timer = setTimeout(() => this.#giveUp(waiting), Math.max(limit, 0))
      }
      this.#sending ??= this.#sendAll()
    })
  }

  /** Rejects unsent and new groups, and waits for those that were sent. */
  async drain(reason: unknown): Promise<void> {
    this.#ended = { reason }
    for (const waiting of this.#queue.splice(0)) rejected(waiting, reason)
    await this.#sending
  }

  /** A group that is sent at once and has the full time needs no timer: the send limits it. */
  #needsTimer(group: Group<unknown>, limit: number): boolean {
    return this.#underWay || limit < this.#limits.timeout || this.#limits.needsTimer(group)
  }

  #giveUp(waiting: Waiting<O>): void {
    const index = this.#queue.indexOf(waiting)
    if (index >= 0) this.#queue.splice(index, 1)
    waiting.reject(index >= 0 ? this.#limits.unsent() : this.#limits.unanswered())
  }

  async #sendAll(): Promise<void> {
    // Other writes of this tick join the first batch.
    await undefined
    while (this.#queue.length > 0) {
      this.#queue = this.#inTime(this.#queue)
      await this.#sendNext(this.#take())
    }
    this.#sending = undefined
  }

  /** Rejects groups that waited for nearly all of their time: it is still certain that they did not take effect. */
  #inTime(waiting: Waiting<O>[]): Waiting<O>[] {
    const present = now()
    const isLate = ({ sendBy }: Waiting<O>) => sendBy < present
    if (!waiting.some(isLate)) return waiting
    for (const late of waiting.filter(isLate)) rejected(late, this.#limits.unsent())
    return waiting.filter(one => !isLate(one))
  }

  async #sendNext(waiting: readonly Waiting<O>[]): Promise<void> {
    if (waiting.length === 0) return
    this.#underWay = true
    try {
      const batch = { id: newId(), groups: waiting.map(({ group }) => group) }
      const outcomes = await this.#send(
        batch,
        waiting.some(({ everywhere }) => everywhere),
      )
      for (let index = 0; index < waiting.length; index += 1) {
        resolved(waiting[index] as Waiting<O>, outcomes[index] as O)
      }
    } catch (error) {
      if (waiting.length > 1 && isRefusal(error)) await this.#sendHalves(waiting)
      else for (const one of waiting) rejected(one, error)
    } finally {
      this.#underWay = false
    }
  }

  /** The store refused the batch for the content of one group. The others must not fail with it. */
  async #sendHalves(waiting: readonly Waiting<O>[]): Promise<void> {
    const middle = waiting.length >> 1
    for (const half of [waiting.slice(0, middle), waiting.slice(middle)]) await this.#sendNext(this.#inTime(half))
  }

  #take(): Waiting<O>[] {
    let operations = 0
    const end = this.#queue.findIndex(({ group }) => {
      operations += group.operations.length
      return operations > OPERATIONS_PER_BATCH
    })
    return this.#queue.splice(0, end < 0 ? this.#queue.length : Math.max(end, 1))
  }
}

/** Whether the error is about the content of a write rather than about the store, and means that nothing was written. */
function isRefusal(error: unknown): boolean {
  return error instanceof InvalidKeyError || error instanceof InvalidValueError || error instanceof EncodingError
}

function resolved<O>({ timer, resolve }: Waiting<O>, outcome: O): void {
  clearTimeout(timer)
  resolve(outcome)
}

function rejected<O>({ timer, reject }: Waiting<O>, reason: unknown): void {
  clearTimeout(timer)
  reject(reason)
}
