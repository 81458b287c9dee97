import { anyByReplacing, anyOf, hexOf, numberOf, oneOf, realOf } from './columns.js'

/** The layout of the tables that this version of the library reads and writes. */
export const FORMAT = 1

/** What later versions of the library may count up to. Whatever else is found in its place is damaged. */
export const HIGHEST_FORMAT = 65_535

/** The number of the oldest commit in the log. Parameters: dict. */
const OLDEST = '(SELECT number FROM durabledict_changes WHERE dict = ? ORDER BY number LIMIT 1)'

/**
 * The tables, shared by all dictionaries of a file. Each statement leaves alone what is there, so that processes may
 * create them at the same time.
 */
export const CREATE_TABLES = `
  -- What is stored: text or bytes, as the encoding makes it. In text, U+0001 and four hexadecimal digits stand for a
  -- character that SQLite's text cannot hold.
  CREATE TABLE IF NOT EXISTS durabledict_entries (
    dict TEXT NOT NULL,
    key TEXT NOT NULL,
    value NOT NULL,
    PRIMARY KEY (dict, key)
  ) WITHOUT ROWID;

  -- Where each dictionary's history stands. A version is a number, the epoch (one for each creation of the dictionary)
  -- and the nonce (one for each commit). log_rows and log_bytes measure what durabledict_changes holds. bound
  -- is for how long some replica relies on memory after a check, in milliseconds.
  CREATE TABLE IF NOT EXISTS durabledict_heads (
    dict TEXT NOT NULL PRIMARY KEY,
    format INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    number INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    log_rows INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    bound REAL NOT NULL
  ) WITHOUT ROWID;

  -- The latest part of the history, one row for each entry changed: 'set', 'delete', or 'clear' (of all, without a
  -- key). All rows of one commit have its number and nonce, the nonce of the commit before, and the id of its batch. position is
  -- the place of a row in its commit times 16384, plus the number of the commit's rows but one.
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
    PRIMARY KEY (dict, number, position)
  ) WITHOUT ROWID;
`

const TABLES = "('durabledict_entries', 'durabledict_heads', 'durabledict_changes')"

/** Names of tables are spelled as whoever created the trigger did. */
const TRIGGER = `type = 'trigger' AND tbl_name COLLATE NOCASE IN ${TABLES}`

/** Statements with no note on parameters have none. */
export const SQL = {
  /** How many of the tables there are. */
  tables: `SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table' AND name IN ${TABLES}`,

  /** Whether there is a trigger on one of the tables. */
  triggers: `SELECT 1 AS found FROM sqlite_master WHERE ${TRIGGER} LIMIT 1`,

  /** The same, of triggers that this connection alone has. */
  temporaryTriggers: `SELECT 1 AS found FROM sqlite_temp_master WHERE ${TRIGGER} LIMIT 1`,

  /** The highest format in the file. */
  format: `SELECT max(format) AS format FROM durabledict_heads
    WHERE typeof(format) = 'integer' AND format BETWEEN 1 AND ${HIGHEST_FORMAT}`,

  /** Parameters: dict. */
  head: `SELECT ${numberOf('format')}, ${hexOf('epoch')}, ${numberOf('number')}, ${hexOf('nonce')},
    ${numberOf('log_rows')}, ${numberOf('log_bytes')}, ${realOf('bound')} FROM durabledict_heads WHERE dict = ?`,

  /** Parameters: dict, format, epoch, nonce, bound. */
  createHead: `INSERT INTO durabledict_heads (dict, format, epoch, number, nonce, log_rows, log_bytes, bound)
    VALUES (?, ?, ?, 0, ?, 0, 0, ?)`,

  /** Parameters: dict. */
  removeHead: 'DELETE FROM durabledict_heads WHERE dict = ?',

  /** Parameters: number, nonce, log_rows, log_bytes, dict. */
  moveHead: 'UPDATE durabledict_heads SET number = ?, nonce = ?, log_rows = ?, log_bytes = ? WHERE dict = ?',

  /** Parameters: bound, dict. */
  raiseBound: 'UPDATE durabledict_heads SET bound = max(bound, ?) WHERE dict = ?',

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

  /** Parameters: dict, number, position, nonce, previous, batch, type, key, value, bytes. */
  log: `INSERT INTO durabledict_changes (dict, number, position, nonce, previous, batch, type, key, value, bytes)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,

  /** Parameters: dict, the number after which, the last number, how many at most. */
  changesAfter: `SELECT ${numberOf('number')}, ${numberOf('position')}, ${hexOf('nonce')}, ${hexOf('previous')},
    ${anyOf('batch')}, ${oneOf('type', ['set', 'delete', 'clear'])}, ${anyOf('key')}, ${anyOf('value')}
    FROM durabledict_changes AS log WHERE dict = ? AND log.number > ? AND log.number <= ?
    ORDER BY log.number, log.position LIMIT ?`,

  /** How many rows the log has, and how many up to a number. Parameters: that number, dict, the last number. */
  logRows: `SELECT count(*) AS log_rows, count(CASE WHEN number <= ? THEN 1 END) AS earlier
    FROM durabledict_changes WHERE dict = ? AND number <= ?`,

  /** The size of the oldest commit in the log. Parameters: dict, dict. */
  oldest: `SELECT count(*) AS log_rows, total(bytes) AS log_bytes FROM durabledict_changes
    WHERE dict = ? AND number = ${OLDEST}`,

  /** Parameters: dict, dict. */
  trim: `DELETE FROM durabledict_changes WHERE dict = ? AND number = ${OLDEST}`,

  /** What cannot be of this history. Parameters: dict, the first number that is not. */
  cutFrom: 'DELETE FROM durabledict_changes WHERE dict = ? AND number >= ?',

  /** Parameters: dict. */
  cut: 'DELETE FROM durabledict_changes WHERE dict = ?',
} as const
