import type { SqlParameter, SqlRow, SqlSession } from './sql-session.js'

/** The SQL dialects that the library writes. MariaDB uses the one of MySQL, and libSQL the one of SQLite. */
export type DialectName = 'postgresql' | 'mysql' | 'sqlite'

/** What a column holds: text, JSON, or bytes. */
export type ColumnKind = 'text' | 'json' | 'bytes'

/** One statement with what is bound to it. Its placeholders are `?`, whatever the database. */
export interface Statement {
  readonly sql: string
  readonly parameters: readonly SqlParameter[]
}

/** A table, by its name in the database. */
export interface Table {
  readonly schema?: string | undefined
  readonly name: string
}

/** Where a dialect differs from the others. */
export interface Dialect {
  /** What text of keys cannot hold, or would not be told apart by. */
  readonly unsafeInKeys: RegExp
  readonly unsafeInText: RegExp
  /** How text is selected that may be none. Left out where the database holds nothing but text as text. */
  readonly anyText?: {
    /** Whether the column can be read as it is, whatever reads it. */
    isPlain(column: string): string
    /** The column's text in digits. */
    digits(column: string): string
    /** The text of such digits, in a statement. */
    literal(digits: string): string
    /** The column as it is where it is plain, else its digits. */
    selected(column: string): string
    /** What was selected; `undefined` where it is no text. */
    read(value: unknown): unknown
  }
  quote(identifier: string): string
  /** The statement as the database takes it. */
  placed(sql: string): string
  /** The types of the columns of our own tables. */
  readonly types: { readonly name: string; readonly whole: string; readonly real: string; readonly long: string }
  /** Run first in a transaction that writes: bounds what its statements wait for, and for how long others wait for us. */
  bound(ms: number): readonly Statement[]
  /** What a connection must be like, as far as the application or the server may have set it otherwise. */
  readonly session?: {
    /** Expressions by the names of columns. */
    readonly columns: Readonly<Record<string, string>>
    /** What is wrong with it and what to do, from a row with these columns. */
    fault(row: SqlRow): string | undefined
  }
  /**
   * Ends the statement that a connection is running, from another connection. Left out if `bound` limits all statements. The
   * connection is that of the column `connection` of `session`.
   */
  readonly interrupt?: (connection: number) => Statement
  /** Run first in a transaction whose reads must see what was committed while it waited for a lock. */
  readonly readCommitted: readonly Statement[]
  /** Has constraints that are deferred to the end of the transaction checked at once, where the database can. */
  readonly checkConstraints: readonly Statement[]
  /** Locks the head of the dictionary against other writers, and then gives it; bounded as by `bound`. */
  lockHead(head: string, dict: string, ms: number): readonly Statement[]
  /** The statement's end that leaves a row alone which is there already. */
  readonly ignoringDuplicates: (insert: string) => string
  /** The statement as one that takes the place of a row which is there already. */
  readonly replacing: (insert: string, key: readonly string[], others: readonly string[]) => string
  /** Ends the statement that moves the head: tells those who listen. */
  readonly notifying?: { readonly sql: string; parameters(channel: string): readonly SqlParameter[] }
  /**
   * Waits for transactions that have changed rows of the model and not ended: of these keys, or all. Left out if locking the head
   * has waited for them.
   */
  lockRows?(table: Table, key: string, keys: readonly string[], ms: number): readonly Statement[]
  /** Locks the model's rows against those who lock them likewise, until the transaction ends: for loads, and for writes. */
  lockModel(purpose: 'load' | 'write', table: Table, key: string, name: string): readonly Statement[]
  /** The same for a load by someone who may read alone. Left out if there is none. */
  lockModelForReaders?(purpose: 'load' | 'write', table: Table, key: string, name: string): readonly Statement[]
  /** The table's columns: `name`, `type`, and whatever `kindOf` needs. None where there is no such table. */
  columns(table: Table): Statement
  kindOf(column: SqlRow): ColumnKind | undefined
  /** Why the column, whose kind is text, cannot tell keys apart; `undefined` where it can. */
  faultOfKey(column: SqlRow): string | undefined
  /** Run first in a transaction that creates our own tables: excludes others who do, where the database does not by itself. */
  readonly lockTables?: Statement
  /** Gives a row where the column is unique by itself, compared as bytes are. */
  unique(table: Table, column: string): Statement
}

/** Runs a statement; gives its rows. */
export function run(session: SqlSession, dialect: Dialect, { sql, parameters }: Statement): Promise<readonly SqlRow[]> {
  return session.query(dialect.placed(sql), parameters)
}

/** Runs statements one after the other; gives the rows of the last. */
export async function runAll(
  session: SqlSession,
  dialect: Dialect,
  statements: readonly Statement[],
): Promise<readonly SqlRow[]> {
  let rows: readonly SqlRow[] = []
  for (const statement of statements) rows = await run(session, dialect, statement)
  return rows
}

/** The table's name as it stands in a statement. */
export function quoted({ quote }: Pick<Dialect, 'quote'>, { schema, name }: Table): string {
  return schema === undefined ? quote(name) : `${quote(schema)}.${quote(name)}`
}
