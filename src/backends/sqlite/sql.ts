import { anyByReplacing, anyOf, hexOf, numberOf, oneOf, realOf } from './columns.js'
import { HISTORY_TABLES } from './history-sql.js'

/** The format of the tables that this version of the library reads and writes. */
export const FORMAT = 1

/** The highest format that a later version of the library may use. A larger number is damage. */
export const HIGHEST_FORMAT = 65_535

/** The number of the oldest commit in the log. Parameters: dict. */
const OLDEST = '(SELECT number FROM durabledict_changes WHERE dict = ? ORDER BY number LIMIT 1)'

/**
 * The tables, shared by all dictionaries of a file. The statements keep existing tables, so that processes may create
 * them concurrently.
 */
export const CREATE_TABLES = `
  -- The stored values: text or bytes, as the encoding returns them. In text, U+0001 and four hexadecimal digits encode a
  -- character that SQLite text cannot contain.
  CREATE TABLE IF NOT EXISTS durabledict_entries (
    dict TEXT NOT NULL,
    key TEXT NOT NULL,
    value NOT NULL,
    PRIMARY KEY (dict, key)
  ) WITHOUT ROWID;

  -- The current version of each dictionary: a number, the epoch (one for each creation of the dictionary)
  -- and the nonce (one for each commit). log_rows and log_bytes are the size of its part of durabledict_changes. bound
  -- is the longest time for which a replica relies on its memory after a check, in milliseconds. history_position is the position
  -- of the newest commit of the history; commits up to history_floor are gone. history_commits counts the rows of
  -- durabledict_commits. history_nonce is the nonce of the state after the newest commit: if the head has another one, a release
  -- without a history has written since. writing is 1 while the library writes, so that triggers do not log its changes again. The policy is history_keep (NULL: the default; 0: no history) and history_days.
  CREATE TABLE IF NOT EXISTS durabledict_heads (
    dict TEXT NOT NULL PRIMARY KEY,
    format INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    number INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    log_rows INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    bound REAL NOT NULL,
    history_position INTEGER,
    history_floor INTEGER,
    history_commits INTEGER,
    history_nonce TEXT,
    history_keep INTEGER,
    history_days REAL,
    covered REAL,
    unregistered REAL,
    writing INTEGER
  ) WITHOUT ROWID;

  -- The log of the latest changes, one row for each change of an entry: 'set', 'delete', or 'clear' (all entries, no
  -- key). All rows of a commit have its number and nonce, the nonce of the previous commit, and the id of its batch. position is
  -- the index of a row in its commit times 16384, plus the number of rows of the commit minus one. note is JSON: whose change this row
  -- and those after it are, if someone said so.
  CREATE TABLE IF NOT EXISTS durabledict_changes (
    dict TEXT NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    previous TEXT NOT NULL,
    batch TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT,
    value,
    bytes INTEGER NOT NULL,
    note TEXT,
    PRIMARY KEY (dict, number, position)
  ) WITHOUT ROWID;
`

const TABLES = "('durabledict_entries', 'durabledict_heads', 'durabledict_changes')"

/** SQLite stores the table name as spelled by the author of the trigger. */
const TRIGGER = `type = 'trigger' AND (tbl_name COLLATE NOCASE IN ${TABLES} OR tbl_name COLLATE NOCASE IN ${HISTORY_TABLES})`

const HEAD = `${numberOf('format')}, ${hexOf('epoch')}, ${numberOf('number')}, ${hexOf('nonce')}, ${numberOf('log_rows')},
  ${numberOf('log_bytes')}, ${realOf('bound')}`

const HISTORY = `${numberOf('history_position')}, ${numberOf('history_floor')}, ${numberOf('history_commits')}, ${hexOf('history_nonce')},
  ${numberOf('history_keep')}, ${realOf('history_days')}`

/** @param note - the expression that selects the note of a row. */
const changesAfter = (note: string) => `SELECT ${numberOf('number')}, ${numberOf('position')}, ${hexOf('nonce')},
  ${hexOf('previous')}, ${anyOf('batch')}, ${oneOf('type', ['set', 'delete', 'clear'])}, ${anyOf('key')}, ${anyOf('value')}, ${note}
  FROM durabledict_changes AS log WHERE dict = ? AND log.number > ? AND log.number <= ?
  ORDER BY log.number, log.position LIMIT ?`

/** A statement without a note on parameters has none. */
export const SQL = {
  /** The number of the library's tables that exist. */
  tables: `SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table' AND name IN ${TABLES}`,

  /** Whether there is a trigger on one of the tables that is not the library's. Parameters: the names of the library's as JSON. */
  triggers: `SELECT 1 AS found FROM sqlite_master WHERE ${TRIGGER} AND name NOT IN (SELECT value FROM json_each(?)) LIMIT 1`,

  /** The same for the temporary triggers of this connection. */
  temporaryTriggers: `SELECT 1 AS found FROM sqlite_temp_master WHERE ${TRIGGER} LIMIT 1`,

  /** The highest format in the file. */
  format: `SELECT max(format) AS format FROM durabledict_heads
    WHERE typeof(format) = 'integer' AND format BETWEEN 1 AND ${HIGHEST_FORMAT}`,

  /** Parameters: dict. */
  head: `SELECT ${HEAD}, ${HISTORY} FROM durabledict_heads WHERE dict = ?`,

  /** The same in a file that a release without a history created. Parameters: dict. */
  oldHead: `SELECT ${HEAD} FROM durabledict_heads WHERE dict = ?`,

  /** Parameters: dict, format, epoch, nonce, bound, history_position, history_floor, history_nonce, history_keep, history_days. */
  createHead: `INSERT INTO durabledict_heads (dict, format, epoch, number, nonce, log_rows, log_bytes, bound,
    history_position, history_floor, history_commits, history_nonce, history_keep, history_days)
    VALUES (?, ?, ?, 0, ?, 0, 0, ?, ?, ?, 0, ?, ?, ?)`,

  /** Parameters: dict. */
  removeHead: 'DELETE FROM durabledict_heads WHERE dict = ?',

  /** Parameters: number, nonce, log_rows, log_bytes, history_position, history_floor, history_commits, history_nonce, dict. */
  moveHead: `UPDATE durabledict_heads SET number = ?, nonce = ?, log_rows = ?, log_bytes = ?, history_position = ?,
    history_floor = ?, history_commits = ?, history_nonce = ?, writing = NULL WHERE dict = ?`,

  /** Parameters: dict. */
  entries: {
    safe: `SELECT ${anyOf('key')}, ${anyOf('value')} FROM durabledict_entries WHERE dict = ?`,
    replacing: `SELECT ${anyByReplacing('key')}, ${anyByReplacing('value')} FROM durabledict_entries WHERE dict = ?`,
  },

  /** Parameters: dict, key. */
  entry: `SELECT ${anyOf('value')} FROM durabledict_entries WHERE dict = ? AND key = ?`,

  /** Parameters: dict, key, value. */
  set: `INSERT INTO durabledict_entries (dict, key, value) VALUES (?, ?, ?)
    ON CONFLICT (dict, key) DO UPDATE SET value = excluded.value`,

  /** Parameters: dict, key. */
  remove: 'DELETE FROM durabledict_entries WHERE dict = ? AND key = ?',

  /** Parameters: dict. */
  any: 'SELECT 1 AS found FROM durabledict_entries WHERE dict = ? LIMIT 1',

  /** Parameters: dict. */
  clear: 'DELETE FROM durabledict_entries WHERE dict = ?',

  /** Parameters: dict, number, position, nonce, previous, batch, type, key, value, bytes, note. */
  log: `INSERT INTO durabledict_changes (dict, number, position, nonce, previous, batch, type, key, value, bytes, note)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,

  /** The changes after a number. Parameters: dict, that number, the last number, the most rows to return. */
  changesAfter: changesAfter(anyOf('note')),

  /** The same in a file that a release without a history created. */
  oldChangesAfter: changesAfter("NULL AS note, 'null' AS note_type"),

  /** The number of rows in the log, and of those up to a number. Parameters: that number, dict, the last number. */
  logRows: `SELECT count(*) AS log_rows, count(CASE WHEN number <= ? THEN 1 END) AS earlier
    FROM durabledict_changes WHERE dict = ? AND number <= ?`,

  /** The size of the oldest commit in the log. Parameters: dict, dict. */
  oldest: `SELECT count(*) AS log_rows, total(bytes) AS log_bytes FROM durabledict_changes
    WHERE dict = ? AND number = ${OLDEST}`,

  /** Parameters: dict, dict. */
  trim: `DELETE FROM durabledict_changes WHERE dict = ? AND number = ${OLDEST}`,

  /** Removes changes that cannot belong to this history. Parameters: dict, the first of their numbers. */
  cutFrom: 'DELETE FROM durabledict_changes WHERE dict = ? AND number >= ?',

  /** Parameters: dict. */
  cut: 'DELETE FROM durabledict_changes WHERE dict = ?',
} as const
