import { EDIT_OBJECTS } from '../../src/backends/sqlite/edits/edit-objects.js'
import { EDIT_COLUMNS } from '../../src/backends/sqlite/edits/edits-sql.js'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { ADDED_COLUMNS } from '../../src/backends/sqlite/history-sql.js'

/** Changes the layout of the file to that of releases without triggers. */
export function forgetEdits(raw: OwnHandle): void {
  for (const name of EDIT_OBJECTS.keys()) {
    raw.exec(name === 'durabledict_edit' ? `DROP VIEW ${name}` : `DROP TRIGGER IF EXISTS ${name}`)
  }
  raw.exec('DROP TABLE durabledict_edits')
  dropColumns(raw, EDIT_COLUMNS)
}

/** Changes the layout of the file to that of releases without a history. */
export function forgetHistory(raw: OwnHandle): void {
  forgetEdits(raw)
  for (const table of ['commits', 'commit_keys', 'dropped']) raw.exec(`DROP TABLE durabledict_${table}`)
  dropColumns(raw, ADDED_COLUMNS)
}

function dropColumns(raw: OwnHandle, added: Readonly<Record<string, Readonly<Record<string, string>>>>): void {
  for (const [table, columns] of Object.entries(added)) {
    for (const column of Object.keys(columns)) raw.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`)
  }
}

/** Sets an entry of the dictionary "d" with the statements of a release without a history. */
export function writeWithoutHistory(raw: OwnHandle, key: string, value: string): void {
  const before = raw.prepare(`SELECT number, nonce, log_rows, log_bytes FROM durabledict_heads WHERE dict = 'd'`).get()
  const { number, nonce: previous, log_rows: rows, log_bytes: bytes } = before as Record<string, number>
  const next = Number(number) + 1
  raw.exec(`BEGIN IMMEDIATE;
    INSERT INTO durabledict_entries (dict, key, value) VALUES ('d', '${key}', '${value}')
      ON CONFLICT (dict, key) DO UPDATE SET value = excluded.value;
    DELETE FROM durabledict_changes WHERE dict = 'd' AND number >= ${next};
    INSERT INTO durabledict_changes (dict, number, position, nonce, previous, batch, type, key, value, bytes)
      VALUES ('d', ${next}, 0, '${nonce}', '${previous}', 'batch', 'set', '${key}', '${value}', 2);
    UPDATE durabledict_heads SET number = ${next}, nonce = '${nonce}', log_rows = ${rows} + 1, log_bytes = ${bytes} + 2
      WHERE dict = 'd';
    COMMIT`)
}

const nonce = 'abcdef012345abcdef012345'

/** Executes statements that change entries behind the back of the library, as if there were no triggers. */
export function bypassTriggers(raw: OwnHandle, sql: string): void {
  raw.exec(`UPDATE durabledict_heads SET writing = 1; ${sql}; UPDATE durabledict_heads SET writing = NULL`)
}
