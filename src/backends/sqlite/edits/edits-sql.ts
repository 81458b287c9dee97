import { FORMAT } from '../sql.js'

/** The layout of the triggers that this release creates. It is part of their names; a higher one belongs to a later release. */
export const EDITS_FORMAT = 1

export const EDITS_PREFIX = 'durabledict_edits_'

export const CREATE_EDITS = `
  -- What the triggers know of the statement that is running, for each dictionary: its moment and total_changes(), by which its
  -- rows are recognized, how many rows it has changed, the batch and the nonce of its change, and whether its change is too large for the log.
  -- key and before are what a row is about to replace.
  CREATE TABLE IF NOT EXISTS durabledict_edits (
    dict TEXT NOT NULL PRIMARY KEY,
    key,
    before,
    moment INTEGER,
    changes INTEGER,
    edited INTEGER NOT NULL DEFAULT 0,
    batch TEXT,
    nonce TEXT,
    cut INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
`

/** The column by which the library's own transactions are recognized. No other connection sees it set. */
export const EDIT_COLUMNS = { durabledict_heads: { writing: 'INTEGER' } } as const

/** A statement without a note on parameters has none. */
export const EDITS_SQL = {
  /** The view and the triggers, of any release. */
  objects: `SELECT name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')
    AND (name = 'durabledict_edit' OR substr(name, 1, ${EDITS_PREFIX.length}) = '${EDITS_PREFIX}'
      AND tbl_name COLLATE NOCASE IN ('durabledict_entries', 'durabledict_heads', 'durabledict_edit', 'durabledict_edits'))`,

  /** Whether the file ever had them. */
  table: `SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'durabledict_edits'`,

  /** One row for each dictionary. */
  fill: `INSERT INTO durabledict_edits (dict) SELECT dict FROM durabledict_heads
    WHERE dict NOT IN (SELECT dict FROM durabledict_edits)`,

  /** Parameters: dict. */
  begin: 'UPDATE durabledict_heads SET writing = 1 WHERE dict = ?',

  /** Parameters: dict. */
  end: 'UPDATE durabledict_heads SET writing = NULL WHERE dict = ?',

  /** Edits may have been missed: everything is reloaded, and the histories begin again. */
  restart: `DELETE FROM durabledict_changes;
    UPDATE durabledict_heads SET number = number + 1, nonce = lower(hex(randomblob(12))), log_rows = 0, log_bytes = 0,
      history_nonce = NULL WHERE format = ${FORMAT} AND typeof(number) = 'integer'`,
} as const
