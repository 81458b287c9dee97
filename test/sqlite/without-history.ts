import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { ADDED_COLUMNS } from '../../src/backends/sqlite/history-sql.js'

/** Changes the layout of the file to that of releases without a history. */
export function forgetHistory(raw: OwnHandle): void {
  for (const table of ['commits', 'commit_keys', 'dropped']) raw.exec(`DROP TABLE durabledict_${table}`)
  for (const [table, columns] of Object.entries(ADDED_COLUMNS)) {
    for (const column of Object.keys(columns)) raw.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`)
  }
}

/** Sets an entry of the dictionary "d" with the statements of a release without a history. */
export function writeWithoutHistory(raw: OwnHandle, key: string, value: string): void {
  raw.exec(`BEGIN IMMEDIATE;
    INSERT INTO durabledict_entries (dict, key, value) VALUES ('d', '${key}', '${value}')
      ON CONFLICT (dict, key) DO UPDATE SET value = excluded.value;
    INSERT INTO durabledict_changes (dict, number, position, nonce, previous, batch, type, key, value, bytes)
      SELECT dict, number + 1, 0, '${nonce}', nonce, 'batch', 'set', '${key}', '${value}', 2 FROM durabledict_heads WHERE dict = 'd';
    UPDATE durabledict_heads SET number = number + 1, nonce = '${nonce}', log_rows = log_rows + 1, log_bytes = log_bytes + 2
      WHERE dict = 'd';
    COMMIT`)
}

const nonce = 'abcdef012345abcdef012345'
