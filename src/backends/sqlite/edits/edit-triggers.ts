import type { Connection } from '../connection.js'
import { EDIT_OBJECTS } from './edit-objects.js'
import { CREATE_EDITS, EDITS_FORMAT, EDITS_PREFIX, EDITS_SQL } from './edits-sql.js'

/** Whether edits by hand become changes: the triggers are those of this release, or of a later one. Call it inside a transaction. */
export function hasEdits(connection: Connection): boolean {
  const found = new Map(connection.all(EDITS_SQL.objects).map(({ name, sql }) => [String(name), sql]))
  if ([...found.keys()].some(name => formatOf(name) > EDITS_FORMAT)) return true
  const isTableThere = connection.get(EDITS_SQL.table) !== undefined
  return isTableThere && [...EDIT_OBJECTS].every(([name, sql]) => found.get(name) === sql)
}

/**
 * Creates the triggers, or replaces them if they were altered. If they were there before, edits may have been missed. Call it inside a
 * transaction that writes.
 */
export function createEdits(connection: Connection): void {
  if (hasEdits(connection)) return
  const isRepair = connection.get(EDITS_SQL.table) !== undefined
  connection.exec(CREATE_EDITS)
  for (const { name } of connection.all(EDITS_SQL.objects)) {
    if (formatOf(String(name)) > 0) connection.exec(`DROP TRIGGER ${name}`)
  }
  connection.exec('DROP VIEW IF EXISTS durabledict_edit')
  for (const sql of EDIT_OBJECTS.values()) connection.exec(sql)
  connection.exec(EDITS_SQL.fill)
  if (isRepair) connection.exec(EDITS_SQL.restart)
}

/** Returns 0 for what is not a trigger of this library. */
function formatOf(name: string): number {
  return Number(FORMAT.exec(name)?.[1] ?? 0)
}

const FORMAT = new RegExp(`^${EDITS_PREFIX}(\\d+)_[a-z_]+$`)
