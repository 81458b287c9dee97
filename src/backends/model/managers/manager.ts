import type { ColumnKind, DialectName } from '../../sql/dialect.js'
import type { SqlParameter, SqlRow, SqlSession } from '../../sql/sql-session.js'

/** Column values by the model's property names, in the form that the model's users see. */
export type Columns = Readonly<Record<string, unknown>>

/** Selects rows of the model, in the order of the key column. Default: all rows. */
export interface RowQuery {
  /** The model's name of the key column. */
  readonly keyCol: string
  /** Reads only these columns, as plain values. Default: whole instances, as the model's users get them. */
  readonly columns?: readonly string[] | undefined
  /** Reads only the rows with these keys, at most a thousand. */
  readonly keys?: readonly string[] | undefined
  /** Reads only the rows after this key, in the order of the key column. */
  readonly after?: string | undefined
  /** The maximum number of rows. */
  readonly limit?: number | undefined
}

/**
 * The model inside one transaction. Writes pass through the model as the application's own writes do, with its defaults, timestamps,
 * validations and hooks. Nothing is committed before the transaction's function resolves.
 */
export interface ModelSession extends SqlSession {
  rows(query: RowQuery): Promise<readonly object[]>
  /**
   * Inserts rows. Rejects if one of them exists. A soft-deleted row with the same key is replaced.
   *
   * @param keyCol - the model's name of the key column.
   */
  create(rows: readonly Columns[], keyCol?: string): Promise<unknown>
  /** Sets columns of an existing row. */
  update(keyCol: string, key: string, columns: Columns): Promise<unknown>
  /** Removes the rows with these keys, at most a thousand. */
  remove(keyCol: string, keys: readonly string[]): Promise<unknown>
  /** Removes all rows. */
  removeAll(): Promise<unknown>
}

/** Options of a transaction. */
export interface TransactionOptions {
  /**
   * `'snapshot'`: all reads see one state, and nothing is written (`REPEATABLE READ` in PostgreSQL and MySQL; SQLite always isolates
   * this way). Default: the database's own default, at least `READ COMMITTED`.
   */
  readonly isolation?: 'snapshot' | undefined
  /** The maximum duration in ms, for libraries that limit transactions themselves. */
  readonly limit: number
  /**
   * The maximum duration of each call on its session, and of `BEGIN`, `COMMIT` and `ROLLBACK`, in ms. A call that takes longer
   * rejects. Its connection is then closed rather than returned to the pool, because on a silent network it would hang for ever.
   * Default: no limit.
   */
  readonly statementLimit?: number | undefined
}

/** A write of one row: of a new one, or of columns of an existing one. */
export type RowWrite =
  | { readonly create: Columns }
  | { readonly update: Columns; readonly keyCol: string; readonly key: string }

/**
 * For libraries that only build statements. A write can then be a part of a larger statement, which saves round trips. Only used on
 * PostgreSQL.
 */
export interface CompiledWrites {
  /**
   * Returns the `INSERT` or `UPDATE` that {@link ModelSession.create} or {@link ModelSession.update} would send, with placeholders of
   * the database; `undefined` if they would do more or something else.
   */
  compile(write: RowWrite): { readonly sql: string; readonly parameters: readonly unknown[] } | undefined
  /**
   * Runs the work with one connection, outside a transaction.
   *
   * @param limit - the maximum duration of a statement in ms, as {@link TransactionOptions.statementLimit}.
   */
  connect<R>(work: (session: SqlSession) => Promise<R>, limit?: number): Promise<R>
}

/**
 * One model of an ORM or query builder: a table with a key column, a value column, and possibly others. This is the only interface
 * that `ModelDict` uses, so it works with any library that implements it. The model names columns by property; `column` translates
 * a property to the database's name.
 *
 * @typeParam Row - an instance, as the model's users get it.
 */
export interface ModelManager<Row extends object = object> extends SqlSession {
  /** @param limit - the maximum duration in ms, as {@link TransactionOptions.statementLimit}. */
  query(sql: string, parameters: readonly SqlParameter[], limit?: number): Promise<readonly SqlRow[]>
  /** The library's name in messages: `'Prisma'`. */
  readonly library: string
  /** The application's name of the model, and the default name of the dictionary. */
  readonly model: string
  readonly dialect: DialectName
  /** The table's name in the database. */
  readonly table: { readonly schema?: string | undefined; readonly name: string }
  /** The object that all models of a database share: the client, the pool, or the data source. */
  readonly database?: object
  /** Returns what its connection settings visibly lack. Each string ends a sentence that begins with the library's name. */
  advice?(): readonly string[]
  /** Returns the database's name of a column, or `undefined` if the model has no such column. */
  column(property: string): string | undefined
  /** Returns what a column holds, if the model defines it. Default: the database's definition. */
  kind?(property: string): ColumnKind | undefined
  /** Whether `update`, `remove` or `removeAll` read whole rows, for example for the model's listeners. Default: `false`. */
  readonly readsWhatItChanges?: boolean | undefined
  /** Whether JSON columns use plain values, which the library converts to text. Default: they use text. */
  readonly jsonAsValues?: boolean | undefined
  /** Default: each write has a transaction of several statements. */
  readonly writes?: CompiledWrites | undefined
  /**
   * Runs the function in a transaction of its own. It commits when the function resolves, and rolls back when the function rejects.
   * Rejects with the function's own error, or with the database's. Every call takes one connection and always returns it.
   */
  transaction<R>(work: (session: ModelSession) => Promise<R>, options: TransactionOptions): Promise<R>
  /**
   * The model inside a transaction of the application: what the library's transaction callback gets. `undefined` for any other value.
   * Missing if writes cannot be part of the application's transactions.
   */
  within?(transaction: object): ModelSession | undefined
  /** Returns whether a value is an instance of the model. Default: an object with an own member for the key column. */
  isInstance?(value: object, keyCol: string): boolean
  /** Returns the columns of an instance, with plain values. Default: its own members. */
  columnsOf?(instance: object): Columns
  /** Returns an instance with these columns, as a query would. Default: a plain object. */
  instance?(columns: Columns): Row
}
