import { anyOf, hexOf, numberOf, realOf } from './columns.js'

/** The columns that tables of releases without a registry lack: by table, with their types. */
export const REGISTRY_COLUMNS = {
  durabledict_heads: { covered: 'REAL', unregistered: 'REAL' },
} as const

export const CREATE_REGISTRY = `
  -- The registry, one row for each open dictionary. renewal counts its renewals, from a random number on; seen_at is the time of the latest one, in milliseconds
  -- since 1970; ttl is how long the row counts after it, in milliseconds. bound is the longest time for which the replica relies on its
  -- memory after a check, if it does; held is the version in its memory. said is JSON: host, pid, service, library and live.
  -- In durabledict_heads, covered is the largest bound of these rows. unregistered is the largest bound of replicas without a row.
  CREATE TABLE IF NOT EXISTS durabledict_replicas (
    dict TEXT NOT NULL,
    id TEXT NOT NULL,
    format INTEGER NOT NULL,
    renewal INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ttl REAL NOT NULL,
    bound REAL,
    held TEXT,
    said TEXT NOT NULL,
    PRIMARY KEY (dict, id)
  );
`

/** The format of the rows that this library writes. */
export const REGISTRY_FORMAT = 1

export const REGISTRY_SQL = {
  /** The recorded bounds. Parameters: dict. */
  bounds: `SELECT ${realOf('bound')}, ${realOf('covered')}, ${realOf('unregistered')} FROM durabledict_heads WHERE dict = ?`,

  /** Parameters: bound, covered, unregistered, dict. */
  setBounds: 'UPDATE durabledict_heads SET bound = ?, covered = ?, unregistered = ? WHERE dict = ?',

  /** Parameters: dict. */
  rows: `SELECT rowid AS place, ${anyOf('id')}, ${numberOf('renewal')}, ${realOf('seen_at')}, ${realOf('ttl')}, ${realOf('bound')},
    typeof(bound) AS bound_type, ${anyOf('held')}, ${anyOf('said')} FROM durabledict_replicas WHERE dict = ?`,

  /** Parameters: dict, id, format, renewal of a new row, seen_at, ttl, bound, held, said. */
  register: `INSERT INTO durabledict_replicas (dict, id, format, renewal, seen_at, ttl, bound, held, said)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (dict, id) DO UPDATE SET format = excluded.format, renewal = renewal + 1, seen_at = excluded.seen_at,
      ttl = excluded.ttl, bound = excluded.bound, held = excluded.held, said = excluded.said`,

  /** Parameters: dict, id. */
  renewal: `SELECT ${numberOf('renewal')} FROM durabledict_replicas WHERE dict = ? AND id = ?`,

  /** Parameters: held, dict, id. */
  acknowledge: 'UPDATE durabledict_replicas SET held = ? WHERE dict = ? AND id = ?',

  /** Parameters: dict, id. */
  leave: 'DELETE FROM durabledict_replicas WHERE dict = ? AND id = ?',

  /** Parameters: rowid. */
  drop: 'DELETE FROM durabledict_replicas WHERE rowid = ?',

  /** The nonce of a change in the log. Parameters: dict, number. */
  nonceAt: `SELECT ${hexOf('nonce')} FROM durabledict_changes WHERE dict = ? AND number = ? LIMIT 1`,
} as const
