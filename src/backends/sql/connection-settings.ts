import { UnsupportedError } from '../../errors/errors.js'
import type { Dialect } from './dialect.js'
import { checkedColumns } from './replies.js'
import type { SqlRow, SqlSession } from './sql-session.js'
import { toCount } from './stored-tokens.js'

/** What the database says of the connection that a statement runs on. */
export interface SessionFacts {
  /** The most that a statement can take, in bytes. */
  readonly largest: number
  /** By which another connection can end its statements. */
  readonly connection?: number | undefined
}

const UNLIMITED: SessionFacts = { largest: Number.POSITIVE_INFINITY }

/** The columns by which a statement of ours also says what its connection is like: `, a AS b`, or nothing. */
export function sessionColumns({ session }: Dialect): string {
  const columns = Object.entries(session?.columns ?? {})
  return columns.map(([name, expression]) => `, ${expression} AS ${name}`).join('')
}

/**
 * Checks a row with those columns.
 *
 * @throws UnsupportedError if the connection would read or write something else than what is stored or given.
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

/** Asks the connection by itself. */
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
