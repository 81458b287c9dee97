import type { SqlParameter, SqlRow, SqlSession } from './sql-session.js'

/** The SQL dialects that the library writes. MariaDB uses the one of MySQL, and libSQL the one of SQLite. */
export type DialectName = 'postgresql' | 'mysql' | 'sqlite'

/** What a column holds: text, JSON, or bytes. */
export type ColumnKind = 'text' | 'json' | 'bytes'

/** A statement and its parameters. Its placeholders are `?` for every database. */
export interface Statement {
  readonly sql: string
  readonly parameters: readonly SqlParameter[]
}

/** A table, by its name in the database. */
export interface Table {
  readonly schema?: string | undefined
  readonly name: string
}

/** The parts of SQL that differ between databases. */
export interface Dialect {
  /** Matches characters that a key's text cannot contain, or that comparisons ignore. */
  readonly unsafeInKeys: RegExp
  readonly unsafeInText: RegExp
  /** Selects text that may be malformed. Missing if the database stores only valid text. */
  readonly anyText?: {
    /** Returns the condition that every client reads the column correctly as it is. */
    isPlain(column: string): string
    /** Returns an expression for the column's text as digits. */
    digits(column: string): string
    /** Returns the SQL literal for the text of such digits. */
    literal(digits: string): string
    /** Returns an expression for the column if it is plain, else for its digits. */
    selected(column: string): string
    /** Decodes a selected value. Returns `undefined` if it is not valid text. */
    read(value: unknown): unknown
  }
  quote(identifier: string): string
  /**
   * Returns the statement with the database's own placeholders.
   *
   * @param first - how many parameters come before. Default 0.
   */
  placed(sql: string, first?: number): string
  /** The column types of the library's own tables. */
  readonly types: { readonly name: string; readonly whole: string; readonly real: string; readonly long: string }
  /** Runs first in a transaction that writes. Limits how long its statements wait for locks, and how long it can block others. */
  bound(ms: number): readonly Statement[]
  /** The connection settings that the library relies on, and that the application or the server may have changed. */
  readonly session?: {
    /** SQL expressions by column name. */
    readonly columns: Readonly<Record<string, string>>
    /** Describes the fault and its remedy, from a row with these columns. */
    fault(row: SqlRow): string | undefined
  }
  /**
   * Ends a connection's current statement from another connection, which is identified by the column `connection` of `session`.
   * Missing if `bound` limits all statements.
   */
  readonly interrupt?: (connection: number) => Statement
  /** Runs first in a transaction whose reads must see what others commit while it waits for a lock. */
  readonly readCommitted: readonly Statement[]
  /** Checks constraints immediately that are deferred to the end of the transaction, if the database can. */
  readonly checkConstraints: readonly Statement[]
  /** Locks the dictionary's head against other writers and then selects it, with the limits of `bound`. */
  lockHead(head: string, dict: string, ms: number): readonly Statement[]
  /** Returns the insert as one that keeps an existing row. */
  readonly ignoringDuplicates: (insert: string) => string
  /** Returns the insert as one that replaces an existing row. */
  readonly replacing: (insert: string, key: readonly string[], others: readonly string[]) => string
  /** Appended to the statement that moves the head, to notify listeners. */
  readonly notifying?: { readonly sql: string; parameters(channel: string): readonly SqlParameter[] }
  /**
   * Waits for open transactions that have changed the rows with these keys, or any row if there are none. Missing if locking the
   * head already waits for them.
   */
  lockRows?(table: Table, key: string, keys: readonly string[], ms: number): readonly Statement[]
  /**
   * Waits for transactions that have locked the rows with these keys, and locks them. Run before the head is locked. Missing if
   * transactions that change rows lock the head themselves.
   */
  awaitRows?(table: Table, key: string, keys: readonly string[], ms: number): readonly Statement[]
  /** Locks the model's rows for a load or a write, until the transaction ends. Excludes only callers of the same lock. */
  lockModel(purpose: 'load' | 'write', table: Table, key: string, name: string): readonly Statement[]
  /** The same lock for a load by a user with read rights only. Missing if the database has no such lock. */
  lockModelForReaders?(purpose: 'load' | 'write', table: Table, key: string, name: string): readonly Statement[]
  /** Selects the table's columns: `name`, `type`, and what `kindOf` needs. Has no rows if the table does not exist. */
  columns(table: Table): Statement
  kindOf(column: SqlRow): ColumnKind | undefined
  /** Returns why a text column cannot distinguish keys, or `undefined` if it can. */
  faultOfKey(column: SqlRow): string | undefined
  /** Selects the columns of the library's own tables that the user may read: `tab`, `name`. Cheaper than `columns`. */
  ownColumns(tables: readonly string[]): Statement
  /** The time by the database's clock, in milliseconds since 1970. */
  readonly clock: string
  /** The condition that the text of a column contains that of a parameter. */
  contains(column: string): string
  /** Joins statements that write to different tables into one, which returns the rows of the last. Missing if the database cannot. */
  joined?(statements: readonly Statement[]): Statement
  /** Runs first in a transaction that creates the library's tables, to exclude others, if the database does not do so itself. */
  readonly lockTables?: Statement
  /** Selects a row if the column has a unique index of its own that compares bytes. */
  unique(table: Table, column: string): Statement
}

/** Runs a statement and returns its rows. */
export function run(session: SqlSession, dialect: Dialect, { sql, parameters }: Statement): Promise<readonly SqlRow[]> {
  return session.query(dialect.placed(sql), parameters)
}

/** Runs statements one by one and returns the rows of the last one. */
export async function runAll(
  session: SqlSession,
  dialect: Dialect,
  statements: readonly Statement[],
): Promise<readonly SqlRow[]> {
  let rows: readonly SqlRow[] = []
  for (const statement of statements) rows = await run(session, dialect, statement)
  return rows
}

/** Returns the table's quoted name. */
export function quoted({ quote }: Pick<Dialect, 'quote'>, { schema, name }: Table): string {
  return schema === undefined ? quote(name) : `${quote(schema)}.${quote(name)}`
}
