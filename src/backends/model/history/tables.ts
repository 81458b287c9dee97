import { type Dialect, type DialectName, run } from '../../sql/dialect.js'
import { dialectOf } from '../../sql/dialects/dialects.js'
import type { SqlSession } from '../../sql/sql-session.js'
import { bounded, CHANGES, expression, REPLICAS, VERSIONS } from '../versions/table-names.js'

export const COMMITS = 'durabledict_model_commits'

/** The layout of a commit and of the record in the head that this release writes. */
export const HISTORY_FORMAT = 1

/** The longest text of one row of a commit, in UTF-16 units. A longer one has several rows. */
export const PART_LENGTH = 128 * 1024

/** How many bytes a UTF-16 unit takes at most in UTF-8. */
const MOST_BYTES = 3

/** The longest record in the head, in bytes. */
const LONGEST_RECORD = 4_096

const COMMIT_KEY = ['dict', 'position', 'part'] as const
const COMMIT_COLUMNS = [
  ...['format', 'number', 'nonce', 'at', 'author', 'reason', 'via', 'entry_key', 'changes'],
] as const

/** Where the time is among the columns. */
export const AT = COMMIT_KEY.length + COMMIT_COLUMNS.indexOf('at')

/** The statement that creates the table of commits. */
export function commitTable(dialect: Dialect): string {
  const { name, whole, long } = dialect.types
  // One row for each commit: what one group of writes did, who made it and why. A commit with much text has further rows, with
  // the same columns and part 1, 2, … number and nonce are those of the version after it, at is in milliseconds since 1970.
  // entry_key is the key if the commit touched exactly one. changes is a list in JSON of [key, before, after]; null if absent.
  return `CREATE TABLE IF NOT EXISTS ${COMMITS} (
  dict ${name} NOT NULL,
  position ${whole} NOT NULL,
  part ${whole} NOT NULL,
  format ${whole} NOT NULL,
  number ${whole} NOT NULL,
  nonce ${name} NOT NULL,
  at ${whole} NOT NULL,
  author ${long},
  reason ${long},
  via ${name} NOT NULL,
  entry_key ${long},
  changes ${long} NOT NULL,
  PRIMARY KEY (dict, position, part)
)`
}

/** The columns that tables of an earlier release lack. */
function addedColumns({ types }: Dialect): string[] {
  return [
    `ALTER TABLE ${VERSIONS} ADD COLUMN history ${types.long}`,
    `ALTER TABLE ${VERSIONS} ADD COLUMN dropped ${types.long}`,
    `ALTER TABLE ${CHANGES} ADD COLUMN notes ${types.long}`,
  ]
}

/**
 * The statements that add the history to version tables that an earlier release created. Run them once, in a migration;
 * `createTables` runs those that are needed.
 *
 * @example
 * for (const statement of historyMigration('postgresql')) await pool.query(statement)
 */
export function historyMigration(dialect: DialectName): string[] {
  const its = dialectOf({ dialect, library: 'the caller' })
  return [...addedColumns(its), commitTable(its)]
}

/** The statements of `historyMigration` for columns that are missing. The table must exist. */
export async function missingColumns(session: SqlSession, dialect: Dialect): Promise<string[]> {
  const columns = await ownColumns(session, dialect)
  return addedColumns(dialect).filter(statement => {
    const [, table, column] = /^ALTER TABLE (\w+) ADD COLUMN (\w+)/.exec(statement) ?? []
    return !columns.has(`${table}.${column}`)
  })
}

/** What the tables have room for. A user without rights on a table writes as an earlier release does. */
export interface Room {
  readonly hasHistory: boolean
  /** Whether there is a registry of the replicas. */
  readonly hasReplicas: boolean
}

export async function roomOfTables(session: SqlSession, dialect: Dialect): Promise<Room> {
  const columns = await ownColumns(session, dialect)
  const hasHistory = [`${VERSIONS}.history`, `${CHANGES}.notes`, `${COMMITS}.changes`].every(one => columns.has(one))
  return { hasHistory, hasReplicas: hasHistory && columns.has(`${REPLICAS}.renewal`) }
}

async function ownColumns(session: SqlSession, dialect: Dialect): Promise<ReadonlySet<string>> {
  const rows = await run(session, dialect, dialect.ownColumns([VERSIONS, CHANGES, COMMITS, REPLICAS]))
  return new Set(rows.map(({ tab, name }) => `${tab}.${name}`))
}

/** Further columns of the head: the record of the history. */
export function recordColumn(dialect: Dialect, column = 'history'): string {
  return `, ${bounded(dialect, column, LONGEST_RECORD, 'history')}`
}

/** The columns of a page, beside those of the head. */
const TEXTS = ['nonce', 'author', 'reason', 'via', 'entry_key'] as const

function selectedPage(dialect: Dialect): string {
  const head = ['epoch', 'nonce'].map(name => `${expression(dialect, `v.${name}`)} AS ${name}`)
  const texts = TEXTS.map(name => `${expression(dialect, `c.${name}`)} AS c_${name}`)
  const numbers = ['position', 'part', 'format', 'number', 'at'].map(name => `c.${name} AS c_${name}`)
  const changes = bounded(dialect, 'c.changes', PART_LENGTH * MOST_BYTES, 'c_changes')
  return `SELECT v.number AS number, ${head.join(', ')}${recordColumn(dialect, 'v.history')}, ${[...numbers, ...texts, changes].join(', ')}`
}

function chosen(columns: string, condition: string, limit: number): string {
  return `SELECT ${columns} FROM ${COMMITS} WHERE dict = ? AND part = 0${condition} ORDER BY position DESC LIMIT ${limit}`
}

export const HISTORY_SQL = {
  /** Takes the place of what a restored database left there. Parameters: the values of so many rows. */
  insert: (dialect: Dialect, rows: number) => {
    const columns = [...COMMIT_KEY, ...COMMIT_COLUMNS]
    const row = `(${columns.map(() => '?').join(', ')})`
    const insert = `INSERT INTO ${COMMITS} (${columns.join(', ')}) VALUES ${Array(rows).fill(row).join(', ')}`
    return dialect.replacing(insert, COMMIT_KEY, COMMIT_COLUMNS)
  },

  /** Parameters: the values of one row, without `at`. */
  insertNow: ({ clock }: Dialect) => {
    const columns = [...COMMIT_KEY, ...COMMIT_COLUMNS]
    const values = columns.map((_, index) => (index === AT ? clock : '?'))
    return `INSERT INTO ${COMMITS} (${columns.join(', ')}) VALUES (${values.join(', ')})`
  },

  /** Parameters: dict. */
  deleteAll: `DELETE FROM ${COMMITS} WHERE dict = ?`,

  /** Parameters: dict, position. */
  deleteUpTo: `DELETE FROM ${COMMITS} WHERE dict = ? AND position <= ?`,

  /** Parameters: dict, positions. */
  deleteSome: (count: number) =>
    `DELETE FROM ${COMMITS} WHERE dict = ? AND position IN (${Array(count).fill('?').join(', ')})`,

  /** The oldest commits after a position. Parameters: dict, position. */
  index: (dialect: Dialect, limit: number | undefined) =>
    `SELECT position, at, ${expression(dialect, 'entry_key')} AS entry_key FROM ${COMMITS} ` +
    `WHERE dict = ? AND part = 0 AND position > ? ORDER BY position${limit === undefined ? '' : ` LIMIT ${limit}`}`,

  /** Parameters: dict. */
  dropped: (dialect: Dialect) => `SELECT ${expression(dialect, 'dropped')} AS dropped FROM ${VERSIONS} WHERE dict = ?`,

  /** Parameters: history, dropped, dict. */
  setRecord: `UPDATE ${VERSIONS} SET history = ?, dropped = ? WHERE dict = ?`,

  /** What the log says of each change besides its effects. Parameters: dict. */
  notes: (dialect: Dialect) =>
    `SELECT number, ${expression(dialect, 'notes')} AS notes FROM ${CHANGES} WHERE dict = ? AND notes IS NOT NULL`,

  /** Parameters: notes, dict, number. */
  setNotes: `UPDATE ${CHANGES} SET notes = ? WHERE dict = ? AND number = ?`,

  /** Parameters: dict, author. */
  countAuthor: `SELECT COUNT(*) AS found FROM ${COMMITS} WHERE dict = ? AND author = ? AND part = 0`,

  /** Parameters: dict, author. */
  forgetAuthor: `UPDATE ${COMMITS} SET author = NULL WHERE dict = ? AND author = ?`,

  /**
   * The head with commits, of one state of the database: the first row of each, and how many more it has. Parameters: dict, those of
   * the condition, dict.
   *
   * @param condition - which commits.
   */
  page: (dialect: Dialect, condition: string, limit: number) =>
    `${selectedPage(dialect)}, (SELECT COUNT(*) FROM ${COMMITS} p WHERE p.dict = v.dict AND p.position = c.position AND p.part > 0) ` +
    `AS c_more FROM ${VERSIONS} v LEFT JOIN (${chosen('*', condition, limit)}) c ON 1 = 1 WHERE v.dict = ? ORDER BY c.position DESC`,

  /** The same with all rows of each commit. */
  wholePage: (dialect: Dialect, condition: string, limit: number) =>
    `${selectedPage(dialect)}, 0 AS c_more FROM ${VERSIONS} v ` +
    `LEFT JOIN (${chosen('position AS place', condition, limit)}) page ON 1 = 1 ` +
    `LEFT JOIN ${COMMITS} c ON c.dict = v.dict AND c.position = page.place WHERE v.dict = ? ORDER BY c.position DESC, c.part`,

  /** Commits that touched a key, or have its JSON in a value. Parameters: key, dict, JSON of the key. */
  touching: (dialect: Dialect) =>
    `(entry_key = ? OR (entry_key IS NULL AND position IN (SELECT position FROM ${COMMITS} WHERE dict = ? AND entry_key IS NULL ` +
    `AND ${dialect.contains('changes')})))`,
} as const
