import { UnsupportedError } from '../../errors/errors.js'
import type { Dialect } from './dialect.js'
import { checkedColumns } from './replies.js'
import type { SqlRow, SqlSession } from './sql-session.js'
import { toCount } from './stored-tokens.js'

/** What the database reports about a connection. */
export interface SessionFacts {
  /** The maximum size of a statement, in bytes. */
  readonly largest: number
  /** The id by which another connection can end its statements. */
  readonly connection?: number | undefined
}

const UNLIMITED: SessionFacts = { largest: Number.POSITIVE_INFINITY }

/** Returns the columns that add the connection's settings to a statement: `, a AS b`, or nothing. */
export function sessionColumns({ session }: Dialect): string {
  const columns = Object.entries(session?.columns ?? {})
  return columns.map(([name, expression]) => `, ${expression} AS ${name}`).join('')
}

/**
 * Checks a row with those columns.
 *
 * @throws UnsupportedError if the connection would lose or change text or rows.
 */
export function checkSession(library: string, row: SqlRow, { session }: Dialect, dictionary: string): SessionFacts {
  if (!session) return UNLIMITED
  checkedColumns(library, Object.keys(session.columns), [row])
  const fault = session.fault(row)
  if (fault === undefined) {
    return { largest: toCount(row.packet) ?? Number.POSITIVE_INFINITY, connection: toCount(row.connection) }
  }
  throw new UnsupportedError(
    `A connection of dictionary "${dictionary}" cannot be used: ${fault}. Nothing was read or written.`,
    { dictionary },
  )
}

/** Queries the settings of a connection with a statement of its own. */
export async function askSession(
  library: string,
  asked: SqlSession,
  dialect: Dialect,
  dictionary: string,
): Promise<SessionFacts> {
  if (!dialect.session) return UNLIMITED
  const rows = await asked.query(`SELECT 1 AS one${sessionColumns(dialect)}`, [])
  return checkSession(library, checkedColumns<SqlRow>(library, ['one'], rows)[0] ?? {}, dialect, dictionary)
}
