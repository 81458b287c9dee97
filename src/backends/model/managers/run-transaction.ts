import type { DialectName } from '../../sql/dialect.js'
import { type Discard, discardAfter } from '../../sql/statement-limit.js'
import { limited } from './limited-session.js'
import type { ModelSession } from './manager.js'

/** Runs the function of a transaction, on a connection that may be closed if it does not answer. */
export type Within<R> = (session: ModelSession, discard?: Discard) => Promise<R>

const FORGIVES = /^\s*ROLLBACK\s+TO\b/i

/**
 * Runs the function in a library's transaction: `run` begins one, calls its argument, and commits or rolls back.
 *
 * Rejects with the function's own error, even if the rollback then fails, as it does on a lost connection. After a failed statement,
 * PostgreSQL answers COMMIT with a rollback, which most libraries report as success. If the function continues after such a
 * statement, and does not roll back to a savepoint, this function rejects with the statement's error.
 *
 * @param run - passes a function that closes the connection, if the library's interface allows it.
 * @param statementLimit - see `TransactionOptions`.
 */
export async function runTransaction<R>(
  dialect: DialectName,
  work: (session: ModelSession) => Promise<R>,
  run: (within: Within<R>) => Promise<R>,
  statementLimit?: number,
): Promise<R> {
  let failure: { readonly error: unknown } | undefined
  let stop = () => {}
  let late: (error: Error) => void = () => {}
  const silence = new Promise<never>((_, reject) => {
    late = reject
  })
  const within = async (open: ModelSession, discard?: Discard) => {
    // Where the connection cannot be closed, giving up a statement would leave it running.
    const session = discard ? limited(open, statementLimit, discard) : open
    try {
      return await (dialect === 'postgresql' ? unlessAborted(session, work) : work(session))
    } catch (error) {
      failure = { error }
      throw error
    } finally {
      // COMMIT or ROLLBACK, which the library sends.
      if (discard) stop = discardAfter(statementLimit, discard, late)
    }
  }
  try {
    return await Promise.race([run(within), silence])
  } catch (error) {
    throw failure ? failure.error : error
  } finally {
    stop()
  }
}

async function unlessAborted<R>(session: ModelSession, work: (session: ModelSession) => Promise<R>): Promise<R> {
  const noting = new NotingSession(session)
  const result = await work(noting)
  if (noting.failure) throw noting.failure.error
  return result
}

/** Remembers the statement that aborted the transaction. */
class NotingSession implements ModelSession {
  failure: { readonly error: unknown } | undefined
  readonly #session: ModelSession

  constructor(session: ModelSession) {
    this.#session = session
  }

  async query(...args: Parameters<ModelSession['query']>) {
    const rows = await this.#note(this.#session.query(...args))
    if (FORGIVES.test(args[0])) this.failure = undefined
    return rows
  }

  rows(...args: Parameters<ModelSession['rows']>) {
    return this.#note(this.#session.rows(...args))
  }

  create(...args: Parameters<ModelSession['create']>) {
    return this.#note(this.#session.create(...args))
  }

  update(...args: Parameters<ModelSession['update']>) {
    return this.#note(this.#session.update(...args))
  }

  remove(...args: Parameters<ModelSession['remove']>) {
    return this.#note(this.#session.remove(...args))
  }

  removeAll() {
    return this.#note(this.#session.removeAll())
  }

  async #note<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      this.failure ??= { error }
      throw error
    }
  }
}
