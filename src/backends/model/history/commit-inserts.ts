import type { Dialect, Statement } from '../../sql/dialect.js'
import { escapeText } from '../../sql/escape.js'
import { sizeInStatement } from '../../sql/statement-size.js'
import { type GroupCommit, type Recorded, toParts } from './commit-rows.js'
import { AT, HISTORY_FORMAT, HISTORY_SQL, PART_LENGTH } from './tables.js'

/** The most text that one statement inserts, in bytes; one row may have more. */
const STATEMENT = 4 * PART_LENGTH

/** The most rows that one statement inserts. */
const ROWS = 500

/** The place of a commit. */
export interface CommitPlace {
  /** Identifies the dictionary in the tables. */
  readonly key: string
  readonly position: number
  /** Of the version after it. */
  readonly number: number
  readonly nonce: string
}

/** The values of one row of the table of commits. */
export type CommitRow = Statement['parameters']

/**
 * The rows of a commit.
 *
 * @param at - by the database's clock, in milliseconds since 1970; `null` if the database is to fill it in.
 * @param largest - the maximum size of a statement, in bytes.
 */
export function rowsOfCommit(
  { attribution, changes }: GroupCommit<Recorded>,
  { key, position, number, nonce }: CommitPlace,
  dialect: Dialect,
  at: number | null,
  largest: number,
): CommitRow[] {
  const { by, reason, via = 'library' } = attribution ?? {}
  // Every database compares escaped text as it is, also with blanks at its end.
  const escaped = (text: string | undefined) => (text === undefined ? null : escapeText(text, dialect.unsafeInKeys))
  const only = escaped(changes.length === 1 ? changes[0]?.key : undefined)
  return toParts(changes, largest).map((text, part) => [
    ...[key, position, part, HISTORY_FORMAT, number, nonce, at, escaped(by), escaped(reason), via, only, text],
  ])
}

/** Statements that insert rows, each of a bounded size. */
export function insertsOf(rows: readonly CommitRow[], dialect: Dialect, largest: number): Statement[] {
  const most = Math.min(STATEMENT, largest / 2)
  // Only a limit of the database needs exact sizes.
  const measure = largest === Number.POSITIVE_INFINITY ? lengthOf : sizeInStatement
  const groups: CommitRow[][] = []
  let size = 0
  for (const row of rows) {
    const more = row.reduce((sum: number, value) => sum + measure(value), 0)
    const group = groups.at(-1)
    if (group && size + more <= most && group.length < ROWS) group.push(row)
    else {
      groups.push([row])
      size = 0
    }
    size += more
  }
  return groups.map(group => ({ sql: HISTORY_SQL.insert(dialect, group.length), parameters: group.flat() }))
}

/** Inserts one row whose time the database fills in, and fails if it exists. */
export function insertNow(row: CommitRow, dialect: Dialect): Statement {
  return { sql: HISTORY_SQL.insertNow(dialect), parameters: row.filter((_, index) => index !== AT) }
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0
}
