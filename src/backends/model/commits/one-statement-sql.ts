import { type Dialect, quoted, type Statement, type Table } from '../../sql/dialect.js'
import { ROW_WAIT, WRITER_SETTING } from '../../sql/dialects/postgresql.js'
import type { SqlParameter } from '../../sql/sql-session.js'
import { TRIGGER_PREFIX } from '../../sql/triggers/triggered-table.js'
import { FORMAT, SQL } from '../versions/tables.js'
import type { KnownHead } from '../versions/versions.js'

/** The write of one row, with what it rests on. */
export interface OneStatement {
  readonly table: Table
  readonly keyColumn: string
  readonly valueColumn: string
  /** The library's own statement. */
  readonly write: { readonly sql: string; readonly parameters: readonly unknown[] }
  /** As the database has it. */
  readonly key: string
  /** What the row holds before; `undefined` if there is none. */
  readonly before: string | undefined
  readonly after: string
  /** The head before. */
  readonly known: KnownHead
  /** Moves the head: ends with a condition, so that more can be appended. */
  readonly move: Statement
  /** The inserts into the log and the history. */
  readonly inserts: readonly Statement[]
  readonly channel: string
  /** Identifies the dictionary. */
  readonly dictionary: string
  /** The most that it waits for a lock, in ms. */
  readonly patience: number
}

/** A table whose rows are nothing but what a statement writes, at the end of the statement. The library's triggers alter no rows. */
const PLAIN_TABLE = `EXISTS (SELECT 1 FROM pg_class c WHERE oid = to_regclass(CAST(? AS text)) AND relkind = 'r' AND NOT relhasrules
  AND NOT relhassubclass AND NOT relrowsecurity AND (NOT relhastriggers OR NOT EXISTS (
    SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND strpos(t.tgname, '${TRIGGER_PREFIX}') <> 1)))`

/**
 * PostgreSQL: a whole commit of one row as one statement, which fails as a whole (division by zero) unless the head is the known
 * one, the row holds what it is believed to hold, and afterwards what was written. It returns the recorded bound.
 *
 * `moved` runs first and takes the lock of the head, as every other commit does. What it waited for has then moved the head, so that
 * no statement works on an old snapshot. The other parts run only after its condition.
 *
 * @returns the statement with placeholders of the database.
 */
export function oneStatement(dialect: Dialect, its: OneStatement): { sql: string; parameters: SqlParameter[] } {
  const { table, keyColumn, valueColumn, write, key, before, after, known, inserts, channel, patience, dictionary } =
    its
  const [name, column, value] = [quoted(dialect, table), dialect.quote(keyColumn), dialect.quote(valueColumn)]
  const stored = `SELECT CAST(${value} AS text) COLLATE "C" FROM ${name} WHERE ${column} = ?`
  const isAsBefore = before === undefined ? `NOT EXISTS (${stored})` : `(${stored}) = CAST(? AS text)`
  const isWritten = `(SELECT v FROM written WHERE k = CAST(? AS text)) = CAST(? AS text)`
  const session = `current_setting('client_encoding') = 'UTF8' AND current_setting('standard_conforming_strings') = 'on'`
  const checks = `bound IS NOT NULL AND ${session} AND ${PLAIN_TABLE} AND ${isAsBefore} AND ${isWritten}`
  const { head, text = null } = known
  const own = [
    `limits AS MATERIALIZED (SELECT set_config('lock_timeout', ?, true) AS a, set_config('${WRITER_SETTING}', ?, true) AS b)`,
    `moved AS (${its.move.sql} ${SQL.ifUnmoved} RETURNING bound, CAST(pg_notify(?, '') AS text) AS notified,
      set_config('lock_timeout', '${ROW_WAIT}', true) AS waits)`,
    ...inserts.map(({ sql }, index) => `w${index} AS (${sql})`),
  ]
  const rest = `, ${own.join(', ')} SELECT bound, 1 / CASE WHEN ${checks} THEN 1 ELSE 0 END AS done FROM (SELECT 1) one LEFT JOIN moved ON true`
  const returning = `RETURNING CAST(${column} AS text) COLLATE "C" AS k, CAST(${value} AS text) COLLATE "C" AS v`
  return {
    sql: `WITH written AS (${write.sql} ${returning})${dialect.placed(rest, write.parameters.length)}`,
    parameters: [
      ...(write.parameters as SqlParameter[]),
      `${patience}`,
      dictionary,
      ...its.move.parameters,
      ...[FORMAT, head.epoch, head.number, head.nonce, head.bytes, text, channel],
      ...inserts.flatMap(({ parameters }) => parameters),
      ...[name, key, ...(before === undefined ? [] : [before]), key, after],
    ],
  }
}
