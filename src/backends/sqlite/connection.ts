import type { SqliteHandle, SqliteStatement } from './handle.js'

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
}

/** A connection whose statements are prepared once, whatever engine it is of. */
export class Connection {
  readonly #handle: SqliteHandle
  readonly #statements = new Map<string, SqliteStatement>()

  constructor(handle: SqliteHandle) {
    this.#handle = handle
  }

  exec(sql: string): void {
    this.#handle.exec(sql)
  }

  get(sql: string, ...parameters: unknown[]): Row | undefined {
    return this.#prepared(sql).get(...parameters) as Row | undefined
  }

  all(sql: string, ...parameters: unknown[]): Row[] {
    return this.#prepared(sql).all(...parameters) as Row[]
  }

  run(sql: string, ...parameters: unknown[]): void {
    this.#prepared(sql).run(...parameters)
  }

  /** The one column of the one row that a pragma gives. */
  pragma(name: string): unknown {
    return Object.values(this.get(`PRAGMA ${name}`) ?? {})[0]
  }

  /** The rows of a query for `key` and `value`, in the form that the engine makes fastest. */
  pairs(sql: string, ...parameters: unknown[]): (readonly [key: unknown, value: unknown])[] {
    const statement = this.#prepare(sql)
    const { setReturnArrays, raw } = statement
    setReturnArrays?.call(statement, true)
    const rows = (raw ? raw.call(statement, true) : statement).all(...parameters)
    if (setReturnArrays || raw) return rows as [unknown, unknown][]
    return (rows as { key: unknown; value: unknown }[]).map(({ key, value }) => [key, value])
  }

  /** Drops the prepared statements. */
  forget(): void {
    this.#statements.clear()
  }

  #prepared(sql: string): SqliteStatement {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#prepare(sql)
    this.#statements.set(sql, statement)
    return statement
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
