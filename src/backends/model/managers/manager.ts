import type { ColumnKind, DialectName } from '../../sql/dialect.js'
import type { SqlParameter, SqlRow, SqlSession } from '../../sql/sql-session.js'

/** Columns by the names that the model gives them, with values as the model's users know them. */
export type Columns = Readonly<Record<string, unknown>>

/** Which rows of the model are wanted, in the order of the key column. Default: all. */
export interface RowQuery {
  /** The model's name of the key column. */
  readonly keyCol: string
  /** Only these columns, as plain values. Default: whole instances, as the model's users get them. */
  readonly columns?: readonly string[] | undefined
  /** Only the rows of these keys; at most a thousand. */
  readonly keys?: readonly string[] | undefined
  /** Only the rows behind this key, in the order of the key column. */
  readonly after?: string | undefined
  /** Only so many. */
  readonly limit?: number | undefined
}

/**
 * The model inside of one transaction. What it writes goes through the model as the application's own writes do: defaults,
 * timestamps, validations and hooks included. Nothing is committed before the transaction's function has resolved.
 */
export interface ModelSession extends SqlSession {
  rows(query: RowQuery): Promise<readonly object[]>
  /**
   * Inserts rows. Rejects where one of them is there already. A row that was deleted softly, and whose key is wanted anew, gives
   * way; `keyCol` is the model's name of the key column.
   */
  create(rows: readonly Columns[], keyCol?: string): Promise<unknown>
  /** Sets columns of the row with this key, which is there. */
  update(keyCol: string, key: string, columns: Columns): Promise<unknown>
  /** Removes the rows with these keys; at most a thousand. */
  remove(keyCol: string, keys: readonly string[]): Promise<unknown>
  /** Removes all rows. */
  removeAll(): Promise<unknown>
}

/** How a transaction is run. */
export interface TransactionOptions {
  /**
   * `'snapshot'`: everything that is read in it is of one state (`REPEATABLE READ` in PostgreSQL and MySQL; SQLite has nothing
   * else); nothing is written. Default: as the database is set up, `READ COMMITTED` at least.
   */
  readonly isolation?: 'snapshot' | undefined
  /** The most that it may take, in ms, for libraries that bound transactions themselves. */
  readonly limit: number
  /**
   * The most that one call of its session may take, and its `BEGIN`, `COMMIT` or `ROLLBACK`, in ms. After that it rejects, and the
   * connection is closed rather than returned to its pool: no one would ever get it out of a network that has gone silent.
   * Default: no limit.
   */
  readonly statementLimit?: number | undefined
}

/**
 * One model of an ORM or query builder: a table with a key column and a value column, among others. This is all that
 * `ModelDict` needs of it, so that it works with any library that fills it. The model's own names of columns are its
 * properties; the database's are found by `column`.
 *
 * @typeParam Row - an instance, as the model's users get it.
 */
export interface ModelManager<Row extends object = object> extends SqlSession {
  /** @param limit - the most that the statement may take, in ms; as {@link TransactionOptions.statementLimit}. */
  query(sql: string, parameters: readonly SqlParameter[], limit?: number): Promise<readonly SqlRow[]>
  /** The library, for messages: `'Prisma'`. */
  readonly library: string
  /** What the application calls the model; the default for the dictionary's name. */
  readonly model: string
  readonly dialect: DialectName
  /** The table, as the database calls it. */
  readonly table: { readonly schema?: string | undefined; readonly name: string }
  /** What all models of the same database have in common: the client, the pool, the data source. */
  readonly database?: object
  /** What the settings of its connections lack, as far as can be seen; each ends a sentence that begins with the library. */
  advice?(): readonly string[]
  /** What the database calls a column; `undefined` where the model is known to have no such column. */
  column(property: string): string | undefined
  /** What a column holds, where the model says so. Default: what the database says. */
  kind?(property: string): ColumnKind | undefined
  /** Whether `update`, `remove` or `removeAll` read the whole rows, as listeners need them. Default: they do not. */
  readonly readsWhatItChanges?: boolean | undefined
  /** Whether columns of JSON take and give plain values, which the library turns into text. Default: text. */
  readonly jsonAsValues?: boolean | undefined
  /**
   * Runs the function in a transaction of its own: committed when the function resolves, rolled back when it rejects. Rejects with
   * the function's own error, or with the database's. Every call takes one connection and gives it back, whatever happens.
   */
  transaction<R>(work: (session: ModelSession) => Promise<R>, options: TransactionOptions): Promise<R>
  /** Whether a value is an instance of the model. Default: an object with the key column among its own members. */
  isInstance?(value: object, keyCol: string): boolean
  /** The columns of an instance, with plain values. Default: its own members. */
  columnsOf?(instance: object): Columns
  /** An instance with these columns, as if it was read just now. Default: a plain object. */
  instance?(columns: Columns): Row
}
