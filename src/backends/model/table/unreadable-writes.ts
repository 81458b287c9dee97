import { quoted, run } from '../../sql/dialect.js'
import type { SqlSession } from '../../sql/sql-session.js'
import { type Looked, unreadableRows } from './unreadable-rows.js'

/**
 * Empties columns that are unreadable and about to be overwritten, for libraries that read a row before they change it.
 *
 * @param overwritten - by the database's names. Default: all, since the rows are removed.
 * @throws Error where another column is unreadable.
 */
export async function emptyUnreadable(
  session: SqlSession,
  looked: Looked,
  keys: readonly string[],
  overwritten = looked.columns,
): Promise<void> {
  for (const [key, columns] of (await unreadableRows(session, looked, keys)).keys) {
    const other = columns.find(name => !overwritten.includes(name))
    if (other !== undefined) throw unchangeable(looked, other)
    await empty(session, looked, key, columns)
  }
}

/** The same for all rows, which are removed; those whose key is unreadable are removed at once. */
export async function emptyAllUnreadable(session: SqlSession, looked: Looked): Promise<void> {
  const { dialect, table, keyColumn } = looked
  const { keys, foreign } = await unreadableRows(session, looked)
  for (const [key, columns] of keys) await empty(session, looked, key, columns)
  const digits = dialect.anyText?.digits(dialect.quote(keyColumn))
  const sql = `DELETE FROM ${quoted(dialect, table)} WHERE ${digits} = ?`
  for (const key of foreign) await run(session, dialect, { sql, parameters: [key] })
}

async function empty(
  session: SqlSession,
  { dialect, table, keyColumn }: Looked,
  key: string,
  columns: readonly string[],
): Promise<void> {
  const set = columns.map(name => `${dialect.quote(name)} = ''`).join(', ')
  const sql = `UPDATE ${quoted(dialect, table)} SET ${set} WHERE ${dialect.quote(keyColumn)} = ?`
  await run(session, dialect, { sql, parameters: [key] })
}

function unchangeable({ dialect, table }: Looked, column: string): Error {
  return new Error(
    `A row of table ${quoted(dialect, table)} cannot be changed: its column "${column}" holds bytes that are not valid UTF-8, and the ` +
      'library of the model reads the row as a whole. Repair that column by hand.',
  )
}
