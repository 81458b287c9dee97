import { AmbiguousWriteError, UnsupportedError } from '../errors/errors.js'
import type { Awaitable, Backend, Batch, Group, Operation, Outcome, State } from './backend.js'
import type { Capabilities } from './capabilities.js'

/** What executing the operations needs. */
export interface OneByOneContext {
  readonly dictionary: string
  readonly backend: Backend<unknown>
  readonly supports: Capabilities
  load(): Awaitable<State<unknown>>
  /** Called before each write; throws when no caller waits for the outcome any more. */
  step(): void
}

/**
 * Replaces `commit` on a backend without it: executes the operations one after the other with the four methods. It is not atomic,
 * and therefore refuses conditions. A fault ends only its own group.
 */
export class OneByOne {
  readonly #context: OneByOneContext

  constructor(context: OneByOneContext) {
    this.#context = context
  }

  async commit(batch: Batch<unknown>): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    for (const group of batch.groups) outcomes.push(await this.#execute(group))
    return outcomes
  }

  async #execute({ conditions, operations }: Group<unknown>): Promise<Outcome> {
    if (conditions.length > 0) return { status: 'refused', error: this.#noConditions() }
    const results: unknown[] = []
    try {
      for (const operation of operations) {
        this.#context.step()
        results.push(await this.#apply(operation))
      }
    } catch (error) {
      const done = results.length
      return { status: 'refused', error: done > 0 ? this.#partlyDone(error, done, operations.length) : error }
    }
    return { status: 'done', results }
  }

  #apply(operation: Operation<unknown>): Awaitable<unknown> {
    const { backend, supports } = this.#context
    switch (operation.type) {
      case 'set':
        return backend.persist(operation.key, operation.stored)
      case 'delete':
        return backend.depersist(operation.key)
      case 'clear':
        return this.#clear()
      case 'pop':
        return supports.pop && backend.pop ? backend.pop(operation.key) : this.#pop(operation.key)
      case 'setDefault':
        return supports.setDefault && backend.setDefault
          ? backend.setDefault(operation.key, operation.stored)
          : this.#setDefault(operation.key, operation.stored)
      case 'touch':
        throw new TypeError(`The backend of dictionary "${this.#context.dictionary}" has no history.`)
    }
  }

  async #clear(): Promise<void> {
    const { backend, load, step } = this.#context
    const keys = Array.from((await load()).entries, ([key]) => key)
    for (const [done, key] of keys.entries()) {
      try {
        step()
        await backend.depersist(key)
      } catch (error) {
        throw done > 0 ? this.#partlyDone(error, done, keys.length) : error
      }
    }
  }

  /** `depersist` returns whether the key existed, so that exactly one concurrent caller gets the value. */
  async #pop(key: string): Promise<unknown> {
    const stored = await this.#find(key)
    return stored !== undefined && (await this.#context.backend.depersist(key)) ? stored : undefined
  }

  async #setDefault(key: string, wanted: unknown): Promise<unknown> {
    const stored = await this.#find(key)
    if (stored !== undefined) return stored
    await this.#context.backend.persist(key, wanted)
    return wanted
  }

  async #find(key: string): Promise<unknown> {
    for (const [candidate, stored] of (await this.#context.load()).entries) if (candidate === key) return stored
    return undefined
  }

  #noConditions(): UnsupportedError {
    const { dictionary } = this.#context
    return new UnsupportedError(
      `transact() and reencode() need a backend with commit(); the backend of dictionary "${dictionary}" has none.`,
      { dictionary },
    )
  }

  #partlyDone(cause: unknown, done: number, all: number): AmbiguousWriteError {
    const { dictionary } = this.#context
    return new AmbiguousWriteError(
      `The store of dictionary "${dictionary}" failed after ${done} of ${all} keys. ` +
        'Its backend has no commit(), so the earlier keys remain changed. Read the keys, and write again what is missing.',
      { dictionary, cause },
    )
  }
}
