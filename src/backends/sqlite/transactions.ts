import { DurableDictError } from '../../errors/errors.js'
import type { Connection } from './connection.js'
import { CommitFault, isLocked } from './faults.js'

/**
 * Reads one consistent state (snapshot isolation in WAL mode, serializable otherwise). The lock is taken, and waited for, by
 * `exec`, before any prepared statement runs: see {@link Connection}.
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
 * Writes all of it or nothing, alone (serializable: the write lock is taken before anything is read). Throws
 * {@link CommitFault} where COMMIT failed; whatever else is thrown, nothing was written.
 */
export function writing<V>(connection: Connection, work: () => V): V {
  connection.exec('BEGIN IMMEDIATE')
  let answer: V
  try {
    answer = work()
  } catch (error) {
    rollBack(connection)
    throw error
  }
  commit(connection)
  return answer
}

/**
 * Undoes what `work` wrote where it throws, and leaves what was written before it. That cannot be where SQLite or a trigger
 * (`RAISE(ROLLBACK)`) has rolled back the whole transaction: then it throws the error of SQLite, so that nothing follows.
 */
export function undoable<V>(connection: Connection, work: () => V): V {
  connection.exec('SAVEPOINT durabledict')
  let answer: V
  try {
    answer = work()
  } catch (error) {
    const isUndone = quietly(() => connection.exec('ROLLBACK TO durabledict; RELEASE durabledict'))
    throw isUndone || !(error instanceof DurableDictError) ? error : (error.cause ?? error)
  }
  connection.exec('RELEASE durabledict')
  return answer
}

function commit(connection: Connection): void {
  try {
    connection.exec('COMMIT')
  } catch (cause) {
    rollBack(connection)
    // Not begun: without WAL, COMMIT waits for readers.
    throw isLocked(cause) ? cause : new CommitFault('COMMIT failed', { cause })
  }
}

function rollBack(connection: Connection): void {
  quietly(() => connection.exec('ROLLBACK'))
}

/** After some faults SQLite has rolled back already. @returns whether it had not. */
function quietly(work: () => void): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
