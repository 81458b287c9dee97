import type { Dialect, DialectName } from '../../sql/dialect.js'
import { dialectOf } from '../../sql/dialects/dialects.js'
import type { SqlRow } from '../../sql/sql-session.js'
import { commitTable } from '../history/tables.js'
import { replicasTable } from '../replicas/tables.js'
import { CHANGES, expression, VERSIONS } from './table-names.js'

/** The layout of the tables that this version of the library reads and writes. */
export const FORMAT = 1

/** How much history is kept for each dictionary, at most: commits, and characters of their keys and values. */
export const LOG_COMMITS = 10_000
export const LOG_BYTES = 8 * 1024 * 1024

/** The log is trimmed once in so many commits: each time it is looked through as a whole. */
export const TRIM_EVERY = 64

/** How many bytes a UTF-16 unit takes at most in UTF-8. */
const MOST_BYTES = 3

/**
 * The statements that create the tables of the versions, the history and the replicas, shared by all dictionaries of a database; each leaves
 * alone what is there. For migrations; `createTables` runs them. Tables of an earlier release need `historyMigration` and `replicasMigration` instead.
 *
 * @example
 * for (const statement of versionTables('postgresql')) await pool.query(statement)
 */
export function versionTables(dialect: DialectName): string[] {
  const its = dialectOf({ dialect, library: 'the caller' })
  const { name, whole, real, long } = its.types
  return [
    // The head of each dictionary's history. A version is a number, the epoch (one for each founding of the history) and the
    // nonce (one for each commit). bytes is how much was ever logged; bound is for how long some replica relies on memory after
    // a check, in milliseconds. history says in JSON which commits the table of commits has and how many it keeps; dropped lists
    // the keys of which newer commits were dropped.
    `CREATE TABLE IF NOT EXISTS ${VERSIONS} (
  dict ${name} NOT NULL PRIMARY KEY,
  format ${whole} NOT NULL,
  epoch ${name} NOT NULL,
  number ${whole} NOT NULL,
  nonce ${name} NOT NULL,
  bytes ${whole} NOT NULL,
  bound ${real} NOT NULL,
  history ${long},
  dropped ${long}
)`,
    // The latest part of the history, one row for each commit, with the nonce of the commit before and the id of its batch.
    // effects is a list in JSON: ["set", key, text], ["bytes", key, base64], ["row", key], ["delete", key], ["clear"]; a key
    // with "row" must be read again; everything must, if effects is null. notes says in JSON whose effects they are, if anybody said so.
    `CREATE TABLE IF NOT EXISTS ${CHANGES} (
  dict ${name} NOT NULL,
  number ${whole} NOT NULL,
  nonce ${name} NOT NULL,
  previous ${name} NOT NULL,
  batch ${name} NOT NULL,
  effects ${long},
  bytes ${whole} NOT NULL,
  notes ${long},
  PRIMARY KEY (dict, number)
)`,
    commitTable(its),
    replicasTable(its),
  ]
}

/** The columns of a change, in the order of `insertChange`. */
const CHANGE_KEY = ['dict', 'number'] as const
const CHANGE_COLUMNS = ['nonce', 'previous', 'batch', 'effects', 'bytes'] as const

export const HEAD_COLUMNS = ['format', 'epoch', 'number', 'nonce', 'bytes', 'bound'] as const
const LINK_COLUMNS = ['number', 'nonce', 'previous', 'batch'] as const

function insertOf(columns: readonly string[]): string {
  return `INSERT INTO ${CHANGES} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}

/** Statements of ours, with `?` for parameters. */
export const SQL = {
  /** With further columns. Parameters: dict. */
  head: (dialect: Dialect, more: string) =>
    `SELECT ${HEAD_COLUMNS.map(name => selected(dialect, name)).join(', ')}${more} FROM ${VERSIONS} WHERE dict = ?`,

  /** In place of a head that is none. Parameters: format, epoch, nonce, dict. */
  renewHead: `UPDATE ${VERSIONS} SET format = ?, epoch = ?, number = 0, nonce = ?, bytes = 0, bound = 0 WHERE dict = ?`,

  /** Parameters: dict, format, epoch, nonce. */
  createHead: `INSERT INTO ${VERSIONS} (dict, format, epoch, number, nonce, bytes, bound) VALUES (?, ?, ?, 0, ?, 0, 0)`,

  /** Parameters: number, nonce, bytes, those of the further columns, dict. */
  moveHead: (more: readonly string[], from = '') =>
    `UPDATE ${VERSIONS} SET ${['number', 'nonce', 'bytes', ...more].map(name => `${name} = ?`).join(', ')}${from} WHERE dict = ?`,

  /**
   * Appended to `moveHead`, with a table expression `limits`: only if the head and the record of the history are these. Parameters: format,
   * epoch, number, nonce, bytes, history.
   */
  ifUnmoved:
    'AND format = ? AND epoch = ? AND number = ? AND nonce = ? AND bytes = ? AND history IS NOT DISTINCT FROM ?',

  /** Parameters: bound, dict, bound. */
  raiseBound: `UPDATE ${VERSIONS} SET bound = ? WHERE dict = ? AND bound < ?`,

  /**
   * Takes the place of a change of that number: there is one only where the head was restored or removed without the log.
   * Parameters: dict, number, nonce, previous, batch, effects, bytes, those of the further columns.
   */
  insertChange: (dialect: Dialect, more: readonly string[]) => {
    const columns = [...CHANGE_COLUMNS, ...more]
    return dialect.replacing(insertOf([...CHANGE_KEY, ...columns]), CHANGE_KEY, columns)
  },

  /** The same, with the column of the notes. Fails if a change has that number. */
  insertNewChange: insertOf([...CHANGE_KEY, ...CHANGE_COLUMNS, 'notes']),

  /** As many as are kept, without effects that are larger than what is written. Parameters: dict, number. */
  changesAfter: (dialect: Dialect, withNotes: boolean) =>
    `SELECT ${LINK_COLUMNS.map(name => selected(dialect, name)).join(', ')}, ` +
    `CASE WHEN length(effects) <= ${LOG_BYTES * MOST_BYTES} THEN ${expression(dialect, 'effects')} END AS effects` +
    `${withNotes ? `, CASE WHEN length(notes) <= ${LOG_BYTES} THEN ${expression(dialect, 'notes')} END AS notes` : ''} ` +
    `FROM ${CHANGES} WHERE dict = ? AND number > ? ORDER BY ${CHANGES}.number LIMIT ${LOG_COMMITS + TRIM_EVERY}`,

  /** Parameters: dict, number. */
  change: (dialect: Dialect) => `SELECT ${selected(dialect, 'nonce')} FROM ${CHANGES} WHERE dict = ? AND number = ?`,

  /** Parameters: dict, number, bytes. */
  trim: `DELETE FROM ${CHANGES} WHERE dict = ? AND (number <= ? OR bytes <= ?)`,
} as const

/** A column that may hold anything where the database knows no types; `fromTables` reads it. */
function selected(dialect: Dialect, column: string): string {
  const value = expression(dialect, column)
  return value === column ? column : `${value} AS ${column}`
}

/** Decodes rows of these tables. Malformed text becomes `false`, which the library never writes. */
export function fromTables({ anyText }: Dialect, rows: readonly SqlRow[]): readonly SqlRow[] {
  if (!anyText) return rows
  const read = (cell: unknown) => (typeof cell === 'string' ? (anyText.read(cell) ?? false) : cell)
  return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, read(cell)])))
}
