import type { Group, Outcome } from '../contract/backend.js'
import { ConflictError } from '../errors/errors.js'
import { Deadlines } from '../replica/deadlines.js'
import { late, readFault } from '../replica/faults.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { delay } from '../time/clock.js'
import { Budget } from './budget.js'
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
  /** @param limit - the most that it may take, in ms. */
  submit(group: Group<unknown>, options: WriteOptions | undefined, limit: number): Promise<Outcome>
}

/** What a call of `transact` may do. */
export interface TransactLimits {
  readonly retries: number
  /** In ms. */
  readonly timeout: number
}

/**
 * Runs transactions by optimistic concurrency control (Kung and Robinson, 1981), validating what was read: serializable.
 * After a conflict those of one process take turns, since against each other all but one would lose again.
 */
export class Transactor {
  readonly #context: TransactorContext
  readonly #lane = new Lane()
  readonly #deadlines = new Deadlines()

  constructor(context: TransactorContext) {
    this.#context = context
  }

  async run<R>(fn: TransactionFunction<R>, limits: TransactLimits, options?: WriteOptions): Promise<Awaited<R>> {
    const budget = new Budget(limits.timeout)
    const first = await this.#attempt(fn, budget, options)
    if (first.committed) return first.result
    if (limits.retries === 0) throw this.#conflict(1)
    const leave = await this.#lane.enter(Math.min(PATIENCE, budget.left), this.#context.closing)
    try {
      return await this.#again(fn, limits.retries, budget, options)
    } finally {
      leave()
    }
  }

  async #again<R>(
    fn: TransactionFunction<R>,
    retries: number,
    budget: Budget,
    options?: WriteOptions,
  ): Promise<Awaited<R>> {
    for (let retry = 1; retry <= retries; retry += 1) {
      if (budget.isOver) throw this.#conflict(retry, budget.timeout)
      const { committed, result } = await this.#attempt(fn, budget, options)
      if (committed) return result
      if (retry === retries) break
      // Random, so that processes which met do not meet again.
      await delay(Math.random() * Math.min(2 ** retry, MAX_PAUSE))
    }
    throw this.#conflict(retries + 1)
  }

  async #attempt<R>(
    fn: TransactionFunction<R>,
    budget: Budget,
    options?: WriteOptions,
  ): Promise<{ committed: boolean; result: Awaited<R> }> {
    const tx = new Transaction(await this.#begin(budget), this.#context)
    let result: Awaited<R>
    try {
      result = await budget.exclude(async () => fn(tx as never))
    } finally {
      tx.end()
    }
    const group = tx.end()
    if (group.operations.length === 0) return { committed: true, result }
    const outcome = await this.#context.submit(group, options, budget.left)
    return { committed: outcome.status === 'done', result }
  }

  #begin(budget: Budget): Promise<FrozenState> {
    const fault = () => readFault(late(budget.timeout), this.#context.dictionary)
    return this.#deadlines.bound(() => this.#context.begin(), budget.left, fault)
  }

  #conflict(attempts: number, timeout?: number): ConflictError {
    const { dictionary } = this.#context
    const when = timeout === undefined ? '' : `, which took longer than ${timeout} ms`
    const advice = timeout === undefined ? 'raise its option "retries"' : 'raise its option "timeout"'
    return new ConflictError(
      `A transaction of dictionary "${dictionary}" met concurrent writes at each of its ${attempts} attempts${when}. ` +
        `Nothing of it was written. Make it shorter, or ${advice}.`,
      { dictionary },
    )
  }
}
