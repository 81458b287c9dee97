import type { Dialect } from '../../sql/dialect.js'

export const VERSIONS = 'durabledict_model_versions'
export const CHANGES = 'durabledict_model_changes'
/** PostgreSQL: what open transactions have changed without the library. */
export const EDITS = 'durabledict_model_edits'
export const REPLICAS = 'durabledict_model_replicas'

/** How a column is selected that may hold anything if the database knows no types; `fromTables` reads it. */
export function expression({ anyText }: Dialect, column: string): string {
  return anyText?.selected(column) ?? column
}

/** A text column, unless its text is longer than the library writes. */
export function bounded(dialect: Dialect, column: string, most: number, name: string): string {
  return `CASE WHEN length(${column}) <= ${most} THEN ${expression(dialect, column)} END AS ${name}`
}
