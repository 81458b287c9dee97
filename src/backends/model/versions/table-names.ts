import type { Dialect } from '../../sql/dialect.js'

export const VERSIONS = 'durabledict_model_versions'
export const CHANGES = 'durabledict_model_changes'
/** PostgreSQL: what open transactions have changed without the library. */
export const EDITS = 'durabledict_model_edits'

/** How a column is selected that may hold anything if the database knows no types; `fromTables` reads it. */
export function expression({ anyText }: Dialect, column: string): string {
  return anyText?.selected(column) ?? column
}
