// @ts-check
import { NAME } from '../worker/store.js'
import { TABLE } from '../worker/stores/models/models.js'

/**
 * Creates a model's table and the version tables, as an application's migration does.
 * @param {'postgresql' | 'mysql' | 'sqlite'} dialect @param {string} table the statement that creates the model's table
 * @param {(sql: string) => Promise<unknown>} run runs a statement
 * @param {{ triggers: boolean, schema?: string }} options
 */
export async function migrate(dialect, table, run, { triggers, schema }) {
  // Imported late: it may have to be built first.
  const { versionTables, versionTriggers } = await import('../../dist/index.js')
  const place = { table: TABLE, name: NAME, ...(schema !== undefined && { schema }) }
  const more = triggers ? versionTriggers(dialect, place) : []
  for (const sql of [table, ...versionTables(dialect), ...more]) await run(sql)
}
