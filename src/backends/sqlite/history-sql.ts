import { anyByReplacing, anyOf, hexOf, isPlainKey, numberOf, textByReplacing, textOf } from './columns.js'

/** The columns that files of releases without a history lack: by table, with their types. */
export const ADDED_COLUMNS = {
  durabledict_heads: {
    history_position: 'INTEGER',
    history_floor: 'INTEGER',
    history_commits: 'INTEGER',
    history_nonce: 'TEXT',
    history_keep: 'INTEGER',
    history_days: 'REAL',
  },
  durabledict_changes: { note: 'TEXT' },
} as const

export const CREATE_HISTORY = `
  -- The history, one row for each commit. position counts the commits; number and nonce are those of the version after the commit.
  -- at is in milliseconds since 1970. keys is the number of keys that it changed; key is the key, if there was only one.
  CREATE TABLE IF NOT EXISTS durabledict_commits (
    dict TEXT NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    at INTEGER NOT NULL,
    author TEXT,
    reason TEXT,
    via TEXT NOT NULL,
    keys INTEGER NOT NULL,
    key TEXT,
    PRIMARY KEY (dict, position)
  ) WITHOUT ROWID;

  -- What the commits did, one row for each key. before and after are NULL if the key was absent, and 0 in place of a damaged value
  -- that was not kept. part and then key order the keys of a commit with several keys; else part is NULL.
  CREATE TABLE IF NOT EXISTS durabledict_commit_keys (
    dict TEXT NOT NULL,
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    part INTEGER,
    before,
    after,
    PRIMARY KEY (dict, key, position)
  ) WITHOUT ROWID;

  CREATE INDEX IF NOT EXISTS durabledict_commit_parts ON durabledict_commit_keys (dict, position, part)
    WHERE part IS NOT NULL;

  -- The newest commit of a key that was dropped, if it is newer than the floor of the history.
  CREATE TABLE IF NOT EXISTS durabledict_dropped (
    dict TEXT NOT NULL,
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (dict, key)
  ) WITHOUT ROWID;
`

export const HISTORY_TABLES = "('durabledict_commits', 'durabledict_commit_keys', 'durabledict_dropped')"

type Select = (column: string) => string

/** @param any - selects a column and its type. @param text - selects a column that should be text. */
const commit = (any: Select, text: Select) => `SELECT ${numberOf('position')}, ${numberOf('number')}, ${hexOf('nonce')},
  ${numberOf('at')}, ${text('author')}, ${text('reason')}, ${text('via')}, ${numberOf('keys')}, ${text('key')}, ${any('before')},
  ${any('after')}`

const COLUMNS = 'c.position, c.number, c.nonce, c.at, c.author, c.reason, c.via, c.keys, c.key, x.before, x.after'
const ONLY_KEY = `LEFT JOIN durabledict_commit_keys AS x
  ON x.dict = c.dict AND x.key = c.key AND x.position = c.position AND x.part IS NULL`

/** A position that this library writes. */
const STORED = `c.dict = ?1 AND c.position BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}`

const LISTED = 'dict = ?1 AND position IN (SELECT value FROM json_each(?2))'

/** A query for `Connection.arrays`. */
const both = (query: (any: Select, text: Select) => string) => ({
  safe: query(anyOf, textOf),
  replacing: query(anyByReplacing, textByReplacing),
})

/** A statement without a note on parameters has none. */
export const HISTORY_SQL = {
  /** The number of the tables that exist. */
  tables: `SELECT count(*) AS tables FROM sqlite_master WHERE type = 'table' AND name IN ${HISTORY_TABLES}`,

  /** Parameters: dict, position, number, nonce, at, author, reason, via, keys, key. */
  addCommit: `INSERT OR REPLACE INTO durabledict_commits
    (dict, position, number, nonce, at, author, reason, via, keys, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,

  /** Parameters: dict, key, position, part, before, after. */
  addKey: `INSERT OR REPLACE INTO durabledict_commit_keys (dict, key, position, part, before, after)
    VALUES (?, ?, ?, ?, ?, ?)`,

  /** Parameters: after, dict, key, position. */
  setAfter: 'UPDATE durabledict_commit_keys SET after = ? WHERE dict = ? AND key = ? AND position = ?',

  /** Parameters: dict. */
  countEntries: 'SELECT count(*) AS keys FROM durabledict_entries WHERE dict = ?',

  /** The keys of entries that may not be keys of a dictionary. Parameters: dict. */
  unusualKeys: both(
    any => `SELECT ${any('key')} FROM durabledict_entries WHERE dict = ? AND NOT (${isPlainKey('key')})`,
  ),

  /** Adds all entries as what a commit removed. Parameters: dict, position. */
  addEntries: `INSERT OR REPLACE INTO durabledict_commit_keys (dict, key, position, part, before, after)
    SELECT dict, key, ?2, 0, CASE WHEN typeof(value) IN ('text', 'blob') THEN value ELSE 0 END, NULL
    FROM durabledict_entries WHERE dict = ?1`,

  /** The commits between two positions, without both, newest first. Parameters: dict, the two positions, the most to return. */
  commits: both(
    (any, text) => `${commit(any, text)} FROM (SELECT ${COLUMNS} FROM durabledict_commits AS c ${ONLY_KEY}
    WHERE c.dict = ? AND c.position > ? AND c.position < ? ORDER BY c.position DESC LIMIT ?)`,
  ),

  /** The same, of one key. Parameters: dict, the two positions, key, the most to return. */
  commitsOfKey: both(
    (any, text) => `${commit(any, text)} FROM (SELECT ${COLUMNS} FROM durabledict_commit_keys AS k
    CROSS JOIN durabledict_commits AS c ON c.dict = k.dict AND c.position = k.position ${ONLY_KEY}
    WHERE k.dict = ? AND k.position > ? AND k.position < ? AND k.key = ? ORDER BY k.position DESC LIMIT ?)`,
  ),

  /** What a commit with several keys did. Parameters: dict, position, the most to return. */
  parts: both(
    (any, text) => `SELECT ${text('key')}, ${any('before')}, ${any('after')} FROM durabledict_commit_keys AS k
    WHERE dict = ? AND position = ? AND part IS NOT NULL ORDER BY part, key LIMIT ?`,
  ),

  /** Parameters: dict, position. */
  nonceAt: `SELECT ${hexOf('nonce')} FROM durabledict_commits WHERE dict = ? AND position = ?`,

  /** Parameters: dict. */
  dropped: `SELECT ${anyOf('key')}, ${numberOf('position')} FROM durabledict_dropped WHERE dict = ?`,

  /** Parameters: dict, key. */
  droppedOfKey: `SELECT ${anyOf('key')}, ${numberOf('position')} FROM durabledict_dropped WHERE dict = ? AND key = ?`,

  /** Whether the oldest commit is older than a time. Parameters: dict, that time. */
  isOld: `SELECT at < ?2 AS old FROM durabledict_commits WHERE dict = ?1 ORDER BY position LIMIT 1`,

  /** The oldest commit that is not older than a time. Parameters: dict, that time. */
  firstYoung: `SELECT position FROM durabledict_commits AS c WHERE ${STORED} AND at >= ?2 ORDER BY position LIMIT 1`,

  /** The number of stored commits. Parameters: dict. */
  count: `SELECT count(*) AS commits FROM durabledict_commits AS c WHERE ${STORED}`,

  /** The oldest commits but so many. Parameters: dict, that number. */
  oldest: `SELECT position FROM durabledict_commits AS c WHERE ${STORED} ORDER BY position LIMIT 1 OFFSET ?2`,

  /**
   * Commits of keys that have newer ones of their own, in the order in which they are dropped: always the oldest of the key with the most.
   * Parameters: dict, the most to return.
   */
  repeated: `SELECT position FROM (SELECT position, row_number() OVER (PARTITION BY key ORDER BY position DESC) AS rank
    FROM durabledict_commits AS c WHERE ${STORED} AND key IS NOT NULL)
    WHERE rank > 1 ORDER BY rank DESC, position LIMIT ?2`,

  /** Drop commits of one key each, and record that. Parameters: dict, their positions as JSON. */
  drop: [
    `INSERT OR REPLACE INTO durabledict_dropped (dict, key, position)
      SELECT dict, key, max(position) FROM durabledict_commits WHERE ${LISTED} AND key IS NOT NULL GROUP BY dict, key`,
    `DELETE FROM durabledict_commit_keys WHERE (dict, key, position) IN (
      SELECT dict, key, position FROM durabledict_commits WHERE ${LISTED})`,
    `DELETE FROM durabledict_commits WHERE ${LISTED}`,
  ],

  /** Drop all commits up to a position. Parameters: dict, that position. */
  dropUpTo: [
    `DELETE FROM durabledict_commit_keys WHERE (dict, key, position) IN (
      SELECT dict, key, position FROM durabledict_commits WHERE dict = ? AND position <= ? AND key IS NOT NULL)`,
    'DELETE FROM durabledict_commits WHERE dict = ? AND position <= ?',
    'DELETE FROM durabledict_dropped WHERE dict = ? AND position <= ?',
  ],

  /** Removes what dropped commits with several keys did. Parameters: dict, the floor, the most rows to remove. */
  sweep: `DELETE FROM durabledict_commit_keys WHERE (dict, key, position) IN (
    SELECT dict, key, position FROM durabledict_commit_keys
    WHERE dict = ? AND position <= ? AND part IS NOT NULL ORDER BY position, part LIMIT ?)`,

  /** Removes rows that cannot belong to this history. Parameters: dict, the newest position. */
  dropLater: [
    `DELETE FROM durabledict_commit_keys WHERE (dict, key, position) IN (
      SELECT dict, key, position FROM durabledict_commits WHERE dict = ? AND position > ? AND key IS NOT NULL)`,
    'DELETE FROM durabledict_commit_keys WHERE dict = ? AND position > ? AND part IS NOT NULL',
    'DELETE FROM durabledict_commits WHERE dict = ? AND position > ?',
    'DELETE FROM durabledict_dropped WHERE dict = ? AND position > ?',
  ],

  /** Parameters: dict. */
  dropCommits: 'DELETE FROM durabledict_commits WHERE dict = ?',

  /** Parameters: dict. */
  dropDropped: 'DELETE FROM durabledict_dropped WHERE dict = ?',

  /** Parameters: dict. */
  dropKeys: 'DELETE FROM durabledict_commit_keys WHERE dict = ?',

  /** Parameters: keep, days, position, floor, commits, dict. */
  setPolicy: `UPDATE durabledict_heads SET history_keep = ?, history_days = ?, history_position = ?, history_floor = ?,
    history_commits = ? WHERE dict = ?`,

  /** Parameters: author, dict. */
  countAuthor: 'SELECT count(*) AS commits FROM durabledict_commits WHERE author = ? AND dict = ?',

  /** Parameters: author, dict. */
  forgetAuthor: 'UPDATE durabledict_commits SET author = NULL WHERE author = ? AND dict = ?',

  /** The notes in the log. Parameters: dict. */
  notes: `SELECT ${numberOf('number')}, ${numberOf('position')}, ${anyOf('note')} FROM durabledict_changes AS log
    WHERE dict = ? AND log.note IS NOT NULL`,

  /** Parameters: note, dict, number, position. */
  setNote: 'UPDATE durabledict_changes SET note = ? WHERE dict = ? AND number = ? AND position = ?',

  /** Parameters: dict, key, position. */
  hasKey: 'SELECT 1 AS found FROM durabledict_commit_keys WHERE dict = ? AND key = ? AND position = ?',
} as const
