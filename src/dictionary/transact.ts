import type { Group, Outcome } from '../contract/backend.js'
import { ConflictError } from '../errors/errors.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { delay } from '../time/clock.js'
import { Lane } from './lane.js'
import type { WriteOptions } from './options.js'
import { Transaction, type TransactionContext } from './transaction.js'

/** How long a transaction that met a conflict waits for those of the same process that did before it, in ms. */
const PATIENCE = 1_000

/** The longest pause before another attempt, in ms. */
const MAX_PAUSE = 16

/** Typed by the dictionary; here its types do not matter. */
export type TransactionFunction<R> = (tx: never) => R

export interface TransactorContext extends TransactionContext {
  /** Aborted when the dictionary closes. */
  readonly closing: AbortSignal
  /** One state that was current when, or after, it was asked for. */
  begin(): Promise<FrozenState>
  submit(group: Group<unknown>, options?: WriteOptions): Promise<Outcome>
}

/**
 * Runs transactions by optimistic concurrency control (Kung and Robinson, 1981), validating what was read: serializable.
 * After a conflict those of one process take turns, since against each other all but one would lose again.
 */
export class Transactor {
  readonly #context: TransactorContext
  readonly #lane = new Lane()

  constructor(context: TransactorContext) {
    this.#context = context
  }

  async run<R>(fn: TransactionFunction<R>, retries: number, options?: WriteOptions): Promise<Awaited<R>> {
    const first = await this.#attempt(fn, options)
    if (first.committed) return first.result
    if (retries === 0) throw this.#conflict(0)
    const leave = await this.#lane.enter(PATIENCE, this.#context.closing)
    try {
      return await this.#again(fn, retries, options)
    } finally {
      leave()
    }
  }

  async #again<R>(fn: TransactionFunction<R>, retries: number, options?: WriteOptions): Promise<Awaited<R>> {
    for (let retry = 1; retry <= retries; retry += 1) {
      const { committed, result } = await this.#attempt(fn, options)
      if (committed) return result
      if (retry === retries) break
      // Random, so that processes which met do not meet again.
      await delay(Math.random() * Math.min(2 ** retry, MAX_PAUSE))
    }
    throw this.#conflict(retries)
  }

  async #attempt<R>(
    fn: TransactionFunction<R>,
    options?: WriteOptions,
  ): Promise<{ committed: boolean; result: Awaited<R> }> {
    const tx = new Transaction(await this.#context.begin(), this.#context)
    let result: Awaited<R>
    try {
      result = await fn(tx as never)
    } finally {
      tx.end()
    }
    const group = tx.end()
    if (group.operations.length === 0) return { committed: true, result }
    const outcome = await this.#context.submit(group, options)
    return { committed: outcome.status === 'done', result }
  }

  #conflict(retries: number): ConflictError {
    const { dictionary } = this.#context
    return new ConflictError(
      `A transaction of dictionary "${dictionary}" met concurrent writes at each of its ${retries + 1} attempts. ` +
        'Nothing of it was written. Make it shorter, or raise its option "retries".',
      { dictionary },
    )
  }
}
