import { type Dialect, runAll } from '../../sql/dialect.js'
import { isLockTimeout } from '../../sql/error-kinds.js'
import type { SqlSession } from '../../sql/sql-session.js'
import { rowsInUse } from '../faults.js'
import type { Rows } from '../table/rows.js'

/** What waits for the transactions of external writers. */
export interface Waiting {
  readonly session: SqlSession
  readonly rows: Rows
  readonly dialect: Dialect
  readonly dictionary: string
  /** The most that the call may take, in ms. */
  readonly timeout: number
}

/** Waits for open transactions, which could otherwise change the rows after they are read. */
export async function untilCommitted(waiting: Waiting, keys: readonly string[]): Promise<void> {
  const { session, rows, dialect, dictionary, timeout } = waiting
  try {
    // Half of the time, so that there is time to say why.
    await runAll(session, dialect, rows.lock(keys, timeout / 2))
  } catch (error) {
    throw isLockTimeout(error) ? rowsInUse(error, dictionary) : error
  }
}
