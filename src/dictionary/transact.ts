import type { Group, Outcome } from '../contract/backend.js'
import { ConflictError } from '../errors/errors.js'
import { Lane } from '../queues/lane.js'
import { readFault } from '../replica/faults.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { Budget } from '../time/budget.js'
import { delay } from '../time/clock.js'
import { Deadlines } from '../time/deadlines.js'
import { late } from '../time/within.js'
import type { WriteTerms } from './settings.js'
import { Transaction, type TransactionContext } from './transaction.js'

/** How long a transaction waits after a conflict for earlier ones of the same process, in ms. */
const PATIENCE = 1_000

/** The longest pause before a retry, in ms. */
const MAX_PAUSE = 16

/** The dictionary declares its types; they do not matter here. */
export type TransactionFunction<R> = (tx: never) => R

export interface TransactorContext extends TransactionContext {
  /** Aborted when the dictionary closes. */
  readonly closing: AbortSignal
  /** Returns one state that was current at the time of the call or later. */
  begin(): Promise<FrozenState>
  /** @param limit - how long it may take, in ms. */
  submit(group: Group<unknown>, terms: WriteTerms, limit: number): Promise<Outcome>
}

/** The limits of one call of `transact`. */
export interface TransactLimits {
  readonly retries: number
  /** In ms. */
  readonly timeout: number
}

/**
 * Runs transactions with optimistic concurrency control (Kung and Robinson, 1981). It validates everything that was read:
 * serializable. After a conflict, the transactions of one process take turns; otherwise all but one would conflict again.
 */
export class Transactor {
  readonly #context: TransactorContext
  readonly #lane = new Lane()
  readonly #deadlines = new Deadlines()

  constructor(context: TransactorContext) {
    this.#context = context
  }

  async run<R>(fn: TransactionFunction<R>, limits: TransactLimits, terms: WriteTerms): Promise<Awaited<R>> {
    const budget = new Budget(limits.timeout)
    const first = await this.#attempt(fn, budget, terms)
    if (first.committed) return first.result
    if (limits.retries === 0) throw this.#conflict(1)
    const leave = await this.#lane.enter(Math.min(PATIENCE, budget.left), this.#context.closing)
    try {
      return await this.#retry(fn, limits.retries, budget, terms)
    } finally {
      leave()
    }
  }

  async #retry<R>(fn: TransactionFunction<R>, retries: number, budget: Budget, terms: WriteTerms): Promise<Awaited<R>> {
    for (let retry = 1; retry <= retries; retry += 1) {
      if (budget.isOver) throw this.#conflict(retry, budget.timeout)
      const { committed, result } = await this.#attempt(fn, budget, terms)
      if (committed) return result
      if (retry === retries) break
      // Random, so that processes that conflicted do not conflict again.
      await delay(Math.random() * Math.min(2 ** retry, MAX_PAUSE))
    }
    throw this.#conflict(retries + 1)
  }

  async #attempt<R>(
    fn: TransactionFunction<R>,
    budget: Budget,
    terms: WriteTerms,
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
    const outcome = await this.#context.submit(group, terms, budget.left)
    return { committed: outcome.status === 'done', result }
  }

  #begin(budget: Budget): Promise<FrozenState> {
    const fault = () => readFault(late(budget.timeout), this.#context.dictionary)
    return this.#deadlines.bound(() => this.#context.begin(), budget.left, fault)
  }

  #conflict(attempts: number, timeout?: number): ConflictError {
    const { dictionary } = this.#context
    const tooLong = timeout === undefined ? '' : `, which took longer than ${timeout} ms`
    const advice = timeout === undefined ? 'raise its option "retries"' : 'raise its option "timeout"'
    return new ConflictError(
      `A transaction of dictionary "${dictionary}" conflicted with concurrent writes at each of its ${attempts} attempts${tooLong}. ` +
        `It wrote nothing. Make it shorter, or ${advice}.`,
      { dictionary },
    )
  }
}
