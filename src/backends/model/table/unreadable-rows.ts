import { type Dialect, quoted, run, type Table } from '../../sql/dialect.js'
import type { SqlSession } from '../../sql/sql-session.js'

/** Where rows are looked at, by the database's own names. */
export interface Looked {
  readonly dialect: Dialect
  readonly table: Table
  readonly keyColumn: string
  /** The columns that will be read. */
  readonly columns: readonly string[]
}

/** Rows that a library must not be asked for: some of their text is none, at which libsql ends the process. */
export interface Unreadable {
  /** The keys of rows with such columns, as the database has them, and these columns. */
  readonly keys: ReadonlyMap<string, readonly string[]>
  /** The keys that are such text themselves, in digits; empty for one of another type in a row whose text is not plain. */
  readonly foreign: readonly string[]
}

/** How many rows are looked at by one statement, at most. */
const ROWS = 1_000

/**
 * Finds rows with text that is none: one statement, which has no rows where all text is ASCII.
 *
 * @param keys - the rows of these keys alone, a thousand at most. Default: all.
 */
export async function unreadableRows(
  session: SqlSession,
  { dialect, table, keyColumn, columns }: Looked,
  keys?: readonly string[],
): Promise<Unreadable> {
  const found = { keys: new Map<string, readonly string[]>(), foreign: [] as string[] }
  const { anyText: text } = dialect
  if (!text || keys?.length === 0) return found
  const names = columns.filter(name => name !== keyColumn)
  const cells = names.map(dialect.quote)
  const key = dialect.quote(keyColumn)
  const range = keys ? `${key} IN (${keys.map(() => '?').join(', ')})` : '1 = 1'
  const suspect = [key, ...cells].map(name => `NOT ${text.isPlain(name)}`).join(' OR ')
  const others = cells.map((name, at) => `CASE WHEN NOT ${text.isPlain(name)} THEN ${text.digits(name)} END AS c${at}`)
  const selected = [`CASE WHEN typeof(${key}) = 'text' THEN ${text.digits(key)} END AS k`, ...others].join(', ')
  const sql = (after: string) =>
    `SELECT ${selected} FROM ${quoted(dialect, table)} WHERE ${range} AND ${after} AND (${suspect}) ORDER BY ${key} LIMIT ${ROWS}`
  let last: unknown
  for (let after = '1 = 1'; ; ) {
    const rows = await run(session, dialect, { sql: sql(after), parameters: keys ?? [] })
    for (const row of rows) {
      const own = text.read(row.k)
      const bad = names.filter((_, at) => text.read(row[`c${at}`]) === undefined)
      if (typeof own !== 'string') found.foreign.push(String(row.k ?? ''))
      else if (bad.length > 0) found.keys.set(own, [...(found.keys.get(own) ?? []), ...bad])
      last = row.k ?? last
    }
    // Keys of other types come before text and after it.
    const isBehindText = last !== undefined && rows.at(-1)?.k === null
    if (rows.length < ROWS || isBehindText) return found
    after = last === undefined ? `${key} >= ''` : `${key} > ${text.literal(String(last))}`
  }
}

/** The keys of all rows that are text, as the database has them; needs `anyText`. */
export async function readableKeys(session: SqlSession, { dialect, table, keyColumn }: Looked): Promise<string[]> {
  const key = dialect.quote(keyColumn)
  const digits = dialect.anyText?.digits(key) ?? key
  const sql = `SELECT ${digits} AS k FROM ${quoted(dialect, table)} WHERE typeof(${key}) = 'text' ORDER BY ${key}`
  const keys = (await run(session, dialect, { sql, parameters: [] })).map(({ k }) => dialect.anyText?.read(k))
  return [...new Set(keys.filter(one => typeof one === 'string'))]
}
