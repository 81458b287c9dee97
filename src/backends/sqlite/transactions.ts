import { DurableDictError } from '../../errors/errors.js'
import type { Connection } from './connection.js'
import { CommitFault, isLocked } from './faults.js'

/**
 * Reads one consistent state (snapshot isolation in WAL mode, else serializable). `exec` takes, and waits for, the
 * lock before any prepared statement runs: see {@link Connection}.
 */
export function reading<V>(connection: Connection, work: () => V): V {
  connection.exec('BEGIN')
  try {
    connection.exec('SELECT 1 FROM sqlite_master LIMIT 1')
    return work()
  } finally {
    rollBack(connection)
  }
}

/**
 * Writes atomically and alone (serializable: the write lock is taken before the first read). Throws {@link
 * CommitFault} if COMMIT failed. After any other error, nothing was written.
 */
export function writing<V>(connection: Connection, work: () => V): V {
  connection.exec('BEGIN IMMEDIATE')
  let result: V
  try {
    result = work()
  } catch (error) {
    rollBack(connection)
    throw error
  }
  commit(connection)
  return result
}

/**
 * If `work` throws, undoes its writes and keeps the earlier ones. If SQLite or a trigger (`RAISE(ROLLBACK)`) has
 * rolled back the whole transaction, this is impossible: it then throws the error of SQLite, so that nothing else is
 * executed.
 */
export function undoable<V>(connection: Connection, work: () => V): V {
  connection.exec('SAVEPOINT durabledict')
  let result: V
  try {
    result = work()
  } catch (error) {
    const isUndone = quietly(() => connection.exec('ROLLBACK TO durabledict; RELEASE durabledict'))
    throw isUndone || !(error instanceof DurableDictError) ? error : (error.cause ?? error)
  }
  connection.exec('RELEASE durabledict')
  return result
}

function commit(connection: Connection): void {
  try {
    connection.exec('COMMIT')
  } catch (cause) {
    rollBack(connection)
    // The commit has not begun: without WAL, COMMIT waits for readers.
    throw isLocked(cause) ? cause : new CommitFault('COMMIT failed', { cause })
  }
}

function rollBack(connection: Connection): void {
  quietly(() => connection.exec('ROLLBACK'))
}

/**
 * Ignores an error: after some faults SQLite has rolled back already.
 *
 * @returns whether there was no error.
 */
function quietly(work: () => void): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
