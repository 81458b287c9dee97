/** A prepared statement, as far as it is needed here. */
export interface SqliteStatement {
  get(...parameters: unknown[]): unknown
  all(...parameters: unknown[]): unknown[]
  run(...parameters: unknown[]): unknown
}

/**
 * The least that is asked of a connection. `DatabaseSync` of node:sqlite and `Database` of better-sqlite3 and libsql
 * fit as they are.
 */
export interface SqliteHandle {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

/** Whether it has what {@link SqliteHandle} asks for. */
export function isSqliteHandle(value: unknown): value is SqliteHandle {
  const { exec, prepare } = (value ?? {}) as Partial<SqliteHandle>
  return typeof exec === 'function' && typeof prepare === 'function'
}
