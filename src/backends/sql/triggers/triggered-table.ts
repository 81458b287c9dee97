import type { ColumnKind, Table } from '../dialect.js'

/** The tables that hold the versions of dictionaries, with the columns of `versionTables`. */
interface VersionTables {
  /** The schema of all three. Default: the one in which they are found when the statements run. */
  readonly schema?: string | undefined
  readonly versions: string
  readonly changes: string
  readonly commits: string
  /** Notes of open transactions. The statements create it. Only PostgreSQL needs it. */
  readonly edits: string
}

/** A table with entries, whose changes by any statement are to be chained. */
export interface TriggeredTable {
  /** With the schema where the database has schemas. */
  readonly table: Table
  readonly keyColumn: string
  readonly valueColumn: string
  readonly kind: ColumnKind
  /** What identifies the dictionary in the version tables. */
  readonly dictionary: string
  /** Whether a change of any column is a change of the entry, and followers read the row again. */
  readonly wholeRows: boolean
  readonly versions: VersionTables
}

/** The layout of triggers that this release creates. It is part of their names. */
export const TRIGGER_FORMAT = 1

/** How much one transaction or statement may change for its keys to be recorded, in units: see `EDIT_UNITS`. Beyond, everything is reloaded. */
export const LARGEST_EDIT = 8 * 1024 * 1024

/** How many units each changed row takes, besides its characters. 10,000 rows are the most. */
export const EDIT_UNITS = 838

/** How the names of all these triggers begin. */
export const TRIGGER_PREFIX = 'durabledict_edits_'

/** The id of the batch by which triggers of SQLite and MySQL recognize the library's own transactions: they log it before they write rows. */
export const MARK = 'writing'

/** How many rows of one statement SQLite and MySQL record in one change, and how many characters. Beyond, everything is reloaded. */
export const STATEMENT_ROWS = 250
export const LARGEST_STATEMENT = 256 * 1024
