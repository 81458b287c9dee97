/** The methods of a prepared statement that are used. */
export interface SqliteStatement {
  get(...parameters: unknown[]): unknown
  all(...parameters: unknown[]): unknown[]
  run(...parameters: unknown[]): unknown
}

/**
 * The methods of a connection that are used. `DatabaseSync` of node:sqlite and `Database` of better-sqlite3 and
 * libsql have them.
 */
export interface SqliteHandle {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

/** Returns whether the value has the methods of {@link SqliteHandle}. */
export function isSqliteHandle(value: unknown): value is SqliteHandle {
  const { exec, prepare } = (value ?? {}) as Partial<SqliteHandle>
  return typeof exec === 'function' && typeof prepare === 'function'
}
