/** A parameter of one of the library's statements. */
export type SqlParameter = string | number | null

/** A row that one of the library's statements returns, by the statement's column names. */
export type SqlRow = Readonly<Record<string, unknown>>

/** What runs statements: one connection inside a transaction, or any connection otherwise. */
export interface SqlSession {
  /**
   * Runs one statement of the library, in the database's own SQL. Placeholders are `$1`, `$2`, … in PostgreSQL, and `?` elsewhere.
   * Returns the rows, or an empty list if the statement has none.
   */
  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]>
}
