import type { SqliteHandle, SqliteStatement } from './handle.js'
import { ColumnReader } from './text.js'

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** The methods by which the engines' statements set the form of rows. */
interface Switches {
  /** node:sqlite */
  setReadBigInts?(on: boolean): void
  setReturnArrays?(on: boolean): void
  /** better-sqlite3 and libsql */
  safeIntegers?(on: boolean): unknown
  raw?(on: boolean): SqliteStatement
  /** better-sqlite3 */
  readonly source?: string
}

/**
 * A connection of any engine, whose statements are prepared once.
 *
 * libsql (0.5) does not reset a prepared statement that failed with SQLITE_BUSY. While that statement is unfinished,
 * it keeps the snapshot and the lock of the connection's next read: reads are stale, every write fails, and other
 * programs cannot write. A prepared statement therefore runs only if it needs no lock. It runs inside `reading` or
 * `writing`, whose locks `exec` takes without this problem, or it is a pragma that reads a setting of the connection.
 */
export class Connection {
  readonly #handle: SqliteHandle
  readonly #statements = new Map<string, SqliteStatement & Switches>()
  #columns: ColumnReader | undefined

  constructor(handle: SqliteHandle) {
    this.#handle = handle
  }

  /** Reads columns in the encoding of this database. */
  get columns(): ColumnReader {
    this.#columns ??= new ColumnReader(String(this.pragma('encoding')))
    return this.#columns
  }

  exec(sql: string): void {
    this.#handle.exec(sql)
  }

  get(sql: string, ...parameters: unknown[]): Row | undefined {
    return this.#execute(sql, statement => statement.get(...parameters)) as Row | undefined
  }

  all(sql: string, ...parameters: unknown[]): Row[] {
    return this.#execute(sql, statement => statement.all(...parameters)) as Row[]
  }

  run(sql: string, ...parameters: unknown[]): void {
    this.#execute(sql, statement => statement.run(...parameters))
  }

  /** Returns the single value that a pragma returns. */
  pragma(name: string): unknown {
    return Object.values(this.get(`PRAGMA ${name}`) ?? {})[0]
  }

  /**
   * Returns the rows of a query as arrays, in the form that is fastest for the engine.
   *
   * @param sql - the query, and its variant for engines that replace invalid UTF-8. Do not use its text with another method.
   */
  arrays(sql: { readonly safe: string; readonly replacing: string }, ...parameters: unknown[]): unknown[][] {
    return this.#execute(this.#replaces() ? sql.replacing : sql.safe, statement => {
      const { setReturnArrays, raw } = statement
      setReturnArrays?.call(statement, true)
      const rows = (raw ? raw.call(statement, true) : statement).all(...parameters)
      if (setReturnArrays || raw) return rows as unknown[][]
      return rows.map(row => Object.values(row as object))
    })
  }

  /** Drops the prepared statements. */
  forget(): void {
    this.#statements.clear()
  }

  /** Does not reuse a statement that failed. */
  #execute<V>(sql: string, run: (statement: SqliteStatement & Switches) => V): V {
    const statement = this.#statements.get(sql) ?? this.#prepare(sql)
    this.#statements.set(sql, statement)
    try {
      return run(statement)
    } catch (error) {
      this.#statements.delete(sql)
      throw error
    }
  }

  /** Returns whether the engine is node:sqlite or better-sqlite3, which replace invalid UTF-8. */
  #replaces(): boolean {
    const { setReadBigInts, source } = this.#execute('SELECT 1', statement => statement)
    return setReadBigInts !== undefined || source !== undefined
  }

  /**
   * Prepares a statement that returns rows by name and integers as numbers, whatever the defaults of the connection
   * are.
   */
  #prepare(sql: string): SqliteStatement & Switches {
    const statement = this.#handle.prepare(sql) as SqliteStatement & Switches
    statement.setReadBigInts?.(false)
    statement.setReturnArrays?.(false)
    statement.safeIntegers?.(false)
    return statement
  }
}
