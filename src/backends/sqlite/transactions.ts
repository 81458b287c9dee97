import type { Connection } from './connection.js'
import { CommitFault, isLocked } from './faults.js'

/** Reads one consistent state (snapshot isolation, as SQLite's WAL mode gives it). */
export function reading<V>(connection: Connection, work: () => V): V {
  connection.exec('BEGIN')
  try {
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

/** Undoes what `work` wrote where it throws, and leaves what was written before it. */
export function undoable<V>(connection: Connection, work: () => V): V {
  connection.exec('SAVEPOINT durabledict')
  try {
    return work()
  } catch (error) {
    connection.exec('ROLLBACK TO durabledict')
    throw error
  } finally {
    connection.exec('RELEASE durabledict')
  }
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

/** After some faults SQLite has rolled back already. */
function rollBack(connection: Connection): void {
  try {
    connection.exec('ROLLBACK')
  } catch {}
}
