import { onAbort } from '../../../time/on-abort.js'
import { orAborted } from '../../../time/or-aborted.js'
import type { ModelManager, ModelSession, TransactionOptions } from '../managers/manager.js'

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

/** A transaction whose statements can be ended from outside, once its connection is known. */
export interface Interruptible {
  connection: number | undefined
  interrupt(connection: number): Promise<unknown>
}

/**
 * Runs the work in a transaction. It is given up when the signal is aborted: at once towards the caller, and at its next
 * statement towards the database, so that it is rolled back, unless COMMIT was sent already. A statement that is under way is ended
 * where the database does not do so itself: it may wait for a lock, while it holds that of the dictionary.
 *
 * @throws NotCommitted, CommitFailed
 */
export async function inTransaction<R>(
  manager: ModelManager,
  work: (session: ModelSession) => Promise<R>,
  options: TransactionOptions,
  signal?: AbortSignal,
  interruptible?: Interruptible,
): Promise<R> {
  if (signal?.aborted) throw new NotCommitted('The transaction was not begun', { cause: signal.reason })
  let done: { readonly result: R } | undefined
  const transaction = manager.transaction(async session => {
    signal?.throwIfAborted()
    const result = await work(signal ? heeding(session, signal) : session)
    signal?.throwIfAborted()
    done = { result }
    return result
  }, options)
  if (signal && interruptible) interruptOnAbort(transaction, signal, interruptible)
  try {
    return await (signal ? orAborted(transaction, signal) : transaction)
  } catch (cause) {
    throw done ? new CommitFailed(cause, done.result) : new NotCommitted('The transaction was not committed', { cause })
  }
}

function interruptOnAbort(transaction: Promise<unknown>, signal: AbortSignal, interruptible: Interruptible): void {
  const interrupt = () => {
    const { connection } = interruptible
    if (connection !== undefined) void interruptible.interrupt(connection).catch(() => {})
  }
  const forgetSignal = onAbort(signal, interrupt)
  // The connection may then serve other transactions.
  transaction.then(forgetSignal, forgetSignal)
}

/** The same session, which sends nothing more once no one waits. */
function heeding(session: ModelSession, signal: AbortSignal): ModelSession {
  const heed =
    <A extends unknown[], V>(call: (...args: A) => Promise<V>) =>
    async (...args: A) => {
      signal.throwIfAborted()
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
