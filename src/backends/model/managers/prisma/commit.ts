import { sqlCodes } from '../../../sql/sql-codes.js'
import type { ModelSession } from '../manager.js'

/** Ends a transaction of Prisma that has committed by itself. */
class Committed<R> extends Error {
  readonly result: R

  constructor(result: R) {
    super('The transaction was committed')
    this.result = result
  }
}

type Work<R> = (session: ModelSession) => Promise<R>

/**
 * Runs a transaction of SQLite with a rollback journal, whose COMMIT fails while others read: Prisma's adapters then keep the
 * connection with its lock and its changes. So the COMMIT is a statement of ours, and Prisma, which ends what is not open any more,
 * rolls back nothing.
 */
export async function committingAlone<R>(work: Work<R>, run: (work: Work<R>) => Promise<R>): Promise<R> {
  try {
    return await run(async session => {
      const result = await work(session)
      await commit(session)
      throw new Committed(result)
    })
  } catch (error) {
    if (error instanceof Committed) return error.result
    throw error
  }
}

async function commit(session: ModelSession): Promise<void> {
  try {
    await session.query('COMMIT', [])
  } catch (error) {
    await session.query('ROLLBACK', [])
    throw error
  }
}

/** How many entries the log has that Prisma's adapters keep in memory. */
const LOG_ENTRIES = 100

/**
 * Runs the work. Where SQLite was busy, what Prisma's adapter has logged is displaced: it keeps the error, and by that the statement
 * which failed, which must not be kept (see unfinished-statements.ts).
 */
export async function forgettingFailures<V>(
  work: () => Promise<V>,
  query: (sql: string) => Promise<unknown>,
): Promise<V> {
  try {
    return await work()
  } catch (error) {
    if (sqlCodes(error).some(code => BUSY.has(code))) {
      for (let entry = 0; entry < LOG_ENTRIES; entry += 1) await query('SELECT 1').catch(() => {})
    }
    throw error
  }
}

/** SQLITE_BUSY, plain and extended. */
const BUSY: ReadonlySet<string> = new Set(['5', '261', '517', '773', 'SQLITE_BUSY'])
