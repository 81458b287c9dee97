import type { SqliteHandle, SqliteStatement } from './handle.js'
import { ColumnReader } from './text.js'

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** How statements of the various engines are told in which form to give rows. */
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
 * A connection whose statements are prepared once, whatever engine it is of.
 *
 * libsql (0.5) does not reset a prepared statement that failed with SQLITE_BUSY. While it is unfinished, it keeps the snapshot
 * and the lock of whatever its connection reads next: reads are stale, every write fails, and other programs cannot write. So
 * a prepared statement runs only where it needs no lock any more: inside `reading` or `writing`, whose locks are taken by
 * `exec`, which leaves nothing behind; or as a pragma that reads a setting of the connection.
 */
export class Connection {
  readonly #handle: SqliteHandle
  readonly #statements = new Map<string, SqliteStatement>()
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

  /** The one column of the one row that a pragma gives. */
  pragma(name: string): unknown {
    return Object.values(this.get(`PRAGMA ${name}`) ?? {})[0]
  }

  /**
   * The rows of a query for one of the columns in each row, in the form that the engine makes fastest.
   *
   * @param sql - the query; and the same for engines that replace what is not UTF-8.
   */
  arrays(sql: { readonly safe: string; readonly replacing: string }, ...parameters: unknown[]): unknown[][] {
    const statement = this.#prepare(this.#replaces() ? sql.replacing : sql.safe)
    const { setReturnArrays, raw } = statement
    setReturnArrays?.call(statement, true)
    const rows = (raw ? raw.call(statement, true) : statement).all(...parameters)
    if (setReturnArrays || raw) return rows as unknown[][]
    return rows.map(row => Object.values(row as object))
  }

  /** Drops the prepared statements. */
  forget(): void {
    this.#statements.clear()
  }

  /** A statement that failed is not used again. */
  #execute<V>(sql: string, run: (statement: SqliteStatement) => V): V {
    const statement = this.#statements.get(sql) ?? this.#prepare(sql)
    this.#statements.set(sql, statement)
    try {
      return run(statement)
    } catch (error) {
      this.#statements.delete(sql)
      throw error
    }
  }

  /** Whether it is node:sqlite or better-sqlite3, which replace what is not UTF-8. */
  #replaces(): boolean {
    const { setReadBigInts, source } = this.#prepare('SELECT 1')
    return setReadBigInts !== undefined || source !== undefined
  }

  /** Whatever the connection's own defaults are: rows by name, integers as numbers. */
  #prepare(sql: string): SqliteStatement & Switches {
    const statement = this.#handle.prepare(sql) as SqliteStatement & Switches
    statement.setReadBigInts?.(false)
    statement.setReturnArrays?.(false)
    statement.safeIntegers?.(false)
    return statement
  }
}
