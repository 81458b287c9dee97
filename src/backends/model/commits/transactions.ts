import { onAbort } from '../../../time/on-abort.js'
import { orAborted } from '../../../time/or-aborted.js'
import type { ModelManager, ModelSession, TransactionOptions } from '../managers/manager.js'

/** The transaction did not take effect. */
export class NotCommitted extends Error {}

/** COMMIT was sent, and failed or had no answer. */
export class CommitFailed<R> extends Error {
  /** The transaction's result, if it took effect. */
  readonly result: R

  constructor(cause: unknown, result: R) {
    super('COMMIT failed', { cause })
    this.result = result
  }
}

/** A transaction whose statements can be interrupted from another connection, once its own connection is known. */
export interface Interruptible {
  connection: number | undefined
  interrupt(connection: number): Promise<unknown>
}

/**
 * Runs the work in a transaction. When the signal is aborted, this rejects immediately, and the transaction is rolled back at its
 * next statement, unless COMMIT was already sent. A running statement is interrupted if the database does not limit it itself,
 * because it may wait for a lock while it holds the dictionary's.
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

/** The same session, which sends nothing after the signal is aborted. */
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
