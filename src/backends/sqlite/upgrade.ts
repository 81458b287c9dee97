import type { Connection } from './connection.js'
import { createEdits } from './edits/edit-triggers.js'
import { EDIT_COLUMNS } from './edits/edits-sql.js'
import { ADDED_COLUMNS, CREATE_HISTORY, HISTORY_SQL } from './history-sql.js'
import { CREATE_REGISTRY, REGISTRY_COLUMNS } from './registry-sql.js'

/** The number of the tables of the history. */
const TABLES = 3

/**
 * Adds the tables and columns of the history and of the registry, and the triggers of edits, if they are missing, to a file of an earlier
 * release, which ignores them. Call it inside a transaction that writes.
 */
export function upgrade(connection: Connection): void {
  const isComplete = connection.get(HISTORY_SQL.tables)?.tables === TABLES
  connection.exec(CREATE_HISTORY)
  connection.exec(CREATE_REGISTRY)
  for (const added of [ADDED_COLUMNS, REGISTRY_COLUMNS, EDIT_COLUMNS]) {
    for (const [table, columns] of Object.entries(added)) addColumns(connection, table, columns)
  }
  // What a table contained is unknown: the history of every dictionary begins again.
  if (!isComplete) connection.exec('UPDATE durabledict_heads SET history_nonce = NULL WHERE history_nonce IS NOT NULL')
  createEdits(connection)
}

function addColumns(connection: Connection, table: string, columns: Readonly<Record<string, string>>): void {
  const existing = new Set(connection.all(`PRAGMA table_info(${table})`).map(({ name }) => name))
  for (const [name, type] of Object.entries(columns)) {
    if (!existing.has(name)) connection.exec(`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`)
  }
}
