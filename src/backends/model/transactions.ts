import { orAborted } from '../waiting.js'
import type { ModelManager, ModelSession, TransactionOptions } from './manager.js'

/** A transaction surely did not take effect. */
export class NotCommitted extends Error {}

/** COMMIT was sent, and had no answer, or a bad one. */
export class CommitFailed<R> extends Error {
  /** What the transaction came to, if it took effect. */
  readonly result: R

  constructor(cause: unknown, result: R) {
    super('COMMIT failed', { cause })
    this.result = result
  }
}

/**
 * Runs the work in a transaction. It is given up when the signal is aborted: at once towards the caller, and at its next
 * statement towards the database, so that it is rolled back, unless COMMIT was sent already.
 *
 * @throws NotCommitted, CommitFailed
 */
export async function inTransaction<R>(
  manager: ModelManager,
  work: (session: ModelSession) => Promise<R>,
  options: TransactionOptions,
  givenUp?: AbortSignal,
): Promise<R> {
  if (givenUp?.aborted) throw new NotCommitted('The transaction was not begun', { cause: givenUp.reason })
  let done: { readonly result: R } | undefined
  const transaction = manager.transaction(async session => {
    givenUp?.throwIfAborted()
    const result = await work(givenUp ? heeding(session, givenUp) : session)
    givenUp?.throwIfAborted()
    done = { result }
    return result
  }, options)
  try {
    return await (givenUp ? orAborted(transaction, givenUp) : transaction)
  } catch (cause) {
    throw done ? new CommitFailed(cause, done.result) : new NotCommitted('The transaction was not committed', { cause })
  }
}

/** The same session, which sends nothing more once no one waits. */
function heeding(session: ModelSession, givenUp: AbortSignal): ModelSession {
  const heed =
    <A extends unknown[], V>(call: (...args: A) => Promise<V>) =>
    async (...args: A) => {
      givenUp.throwIfAborted()
      return call.apply(session, args)
    }
  const { query, rows, create, update, remove, removeAll } = session
  return {
    query: heed(query),
    rows: heed(rows),
    create: heed(create),
    update: heed(update),
    remove: heed(remove),
    removeAll: heed(removeAll),
  }
}
