import type { Batch, Committed, Group, Outcome } from '../contract/backend.js'

/** Random, once for all ids of this copy of the module: a random number for each would cost more than the rest of a write. */
const SERIES = crypto.randomUUID().replaceAll('-', '').slice(0, 20)
let made = 0

/** An id that is never used twice. */
function newId(): string {
  made += 1
  return SERIES + made.toString(36)
}

/** What travels in one batch at most; what is more goes with the next. A single group is never split. */
const OPERATIONS_PER_BATCH = 1_000

interface Waiting {
  readonly group: Group<unknown>
  resolve(outcome: Outcome): void
  reject(reason: unknown): void
}

/**
 * Group commit: one batch under way at a time; what comes meanwhile waits, and goes together as the next. (Gawlick and
 * Kinkade, "Varieties of concurrency control in IMS/VS fast path", 1985.)
 */
export class GroupCommit {
  readonly #send: (batch: Batch<unknown>) => Promise<Committed<unknown>['outcomes']>
  #queue: Waiting[] = []
  #sending: Promise<void> | undefined
  #ended: { reason: unknown } | undefined

  /** @param send - commits a batch and brings memory up to it; never called while an earlier call is under way. */
  constructor(send: (batch: Batch<unknown>) => Promise<Committed<unknown>['outcomes']>) {
    this.#send = send
  }

  /** Resolves when the group was executed and memory holds what came of it. */
  submit(group: Group<unknown>): Promise<Outcome> {
    if (this.#ended) return Promise.reject(this.#ended.reason)
    return new Promise((resolve, reject) => {
      this.#queue.push({ group, resolve, reject })
      this.#sending ??= this.#sendAll()
    })
  }

  /** Rejects what was not sent yet and what is submitted from now on, and waits for what was sent. */
  async drain(reason: unknown): Promise<void> {
    this.#ended = { reason }
    for (const waiting of this.#queue.splice(0)) waiting.reject(reason)
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    // What else is written in this tick goes with the first batch.
    await undefined
    while (this.#queue.length > 0) await this.#sendNext(this.#take())
    this.#sending = undefined
  }

  async #sendNext(waiting: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#send({ id: newId(), groups: waiting.map(({ group }) => group) })
      for (const [index, { resolve }] of waiting.entries()) resolve(outcomes[index] as Outcome)
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  #take(): Waiting[] {
    let operations = 0
    const end = this.#queue.findIndex(({ group }) => {
      operations += group.operations.length
      return operations > OPERATIONS_PER_BATCH
    })
    return this.#queue.splice(0, end < 0 ? this.#queue.length : Math.max(end, 1))
  }
}
