import type { Dialect, DialectName } from '../../sql/dialect.js'
import { dialectOf } from '../../sql/dialects/dialects.js'
import { LONGEST_RECORD } from '../../sql/replicas/record.js'
import { bounded, CHANGES, expression, REPLICAS, VERSIONS } from '../versions/table-names.js'

/** The statement that creates the table of the replicas. */
export function replicasTable({ types }: Dialect): string {
  const { name, whole, real, long } = types
  // One row for each open dictionary of a process. record says in JSON who it is; version is what it holds, and bound for how long
  // it relies on memory, in milliseconds. renewed is in milliseconds since 1970, and a row that was not renewed for ttl expires.
  // renewal is another one after each renewal. The row with the id '' is about the dictionary: record says in JSON which part of
  // the recorded bound these rows cover, and which bound replicas without a row have.
  return `CREATE TABLE IF NOT EXISTS ${REPLICAS} (
  dict ${name} NOT NULL,
  id ${name} NOT NULL,
  format ${whole} NOT NULL,
  record ${long} NOT NULL,
  version ${name},
  bound ${real} NOT NULL,
  ttl ${whole} NOT NULL,
  renewed ${whole} NOT NULL,
  renewal ${name} NOT NULL,
  PRIMARY KEY (dict, id)
)`
}

/**
 * The statement that adds the table of the replicas to version tables that an earlier release created. Run it once, in a migration;
 * `createTables` runs it if it is needed.
 *
 * @example
 * for (const statement of replicasMigration('postgresql')) await pool.query(statement)
 */
export function replicasMigration(dialect: DialectName): string[] {
  return [replicasTable(dialectOf({ dialect, library: 'the caller' }))]
}

const COLUMNS = ['format', 'record', 'version', 'bound', 'ttl', 'renewed', 'renewal'] as const

const list = (count: number) => Array(count).fill('?').join(', ')

/** A text column that may hold anything where the database knows no types. */
const text = (dialect: Dialect, column: string, name: string) => `${expression(dialect, column)} AS ${name}`

const record = (dialect: Dialect) => bounded(dialect, 'r.record', LONGEST_RECORD, 'record')

export const REPLICAS_SQL = {
  /** Takes the place of an earlier row. Parameters: dict, id, format, record, version, bound, ttl, renewal. */
  put: (dialect: Dialect) => {
    const values = COLUMNS.map(name => (name === 'renewed' ? dialect.clock : '?'))
    const insert = `INSERT INTO ${REPLICAS} (dict, id, ${COLUMNS.join(', ')}) VALUES (?, ?, ${values.join(', ')})`
    return dialect.replacing(insert, ['dict', 'id'], COLUMNS)
  },

  /** The ids and the records of some rows. Parameters: dict, ids. */
  some: (dialect: Dialect, count: number) =>
    `SELECT ${text(dialect, 'r.id', 'id')}, ${record(dialect)}, ${text(dialect, 'r.version', 'version')} FROM ${REPLICAS} r
    WHERE r.dict = ? AND r.id IN (${list(count)})`,

  /** All rows, with the recorded bound; one row without an id if there is none. Parameters: dict. */
  all: (dialect: Dialect) =>
    `SELECT v.bound AS recorded, ${text(dialect, 'r.id', 'id')}, r.format AS format, ${record(dialect)},
    ${text(dialect, 'r.version', 'version')}, r.bound AS bound, r.renewed AS renewed, ${dialect.clock} AS at
    FROM ${VERSIONS} v LEFT JOIN ${REPLICAS} r ON r.dict = v.dict WHERE v.dict = ?`,

  /** Parameters: renewal, then ids and versions, dicts, ids. */
  renew: (dialect: Dialect, dicts: number, ids: number) =>
    `UPDATE ${REPLICAS} SET renewed = ${dialect.clock}, renewal = ?,
    version = CASE id ${'WHEN ? THEN ? '.repeat(ids)}ELSE version END WHERE dict IN (${list(dicts)}) AND id IN (${list(ids)})`,

  /** The heads of the dictionaries of rows that `renew` has changed. Parameters: dicts, renewal. */
  renewed: (dialect: Dialect, dicts: number, from: string) =>
    `SELECT ${text(dialect, 'r.dict', 'dict')}, ${text(dialect, 'r.id', 'id')}, v.number AS number, ${text(dialect, 'v.epoch', 'epoch')},
    ${text(dialect, 'v.nonce', 'nonce')}, v.bound AS bound, NULL AS renewal, NULL AS ttl, NULL AS record, NULL AS size, NULL AS most
    FROM ${from} r JOIN ${VERSIONS} v ON v.dict = r.dict WHERE r.dict IN (${list(dicts)}) AND r.renewal = ?`,

  /**
   * Appended to `renewed`: rows that may have expired, and those about their dictionaries, with the number of rows and the largest bound.
   * Parameters: dicts.
   */
  stale: (dialect: Dialect, dicts: number) =>
    `UNION ALL SELECT ${text(dialect, 'r.dict', 'dict')}, ${text(dialect, 'r.id', 'id')}, NULL, NULL, NULL, NULL,
    ${text(dialect, 'r.renewal', 'renewal')}, r.ttl, ${record(dialect)},
    (SELECT COUNT(*) FROM ${REPLICAS} s WHERE s.dict = r.dict), (SELECT MAX(s.bound) FROM ${REPLICAS} s WHERE s.dict = r.dict AND s.id <> '')
    FROM ${REPLICAS} r WHERE r.dict IN (${list(dicts)})
    AND (r.id = '' OR r.renewed <= ${dialect.clock} - r.ttl OR r.renewed > ${dialect.clock} + r.ttl)`,

  /** Parameters: dict, id, renewal. */
  drop: `DELETE FROM ${REPLICAS} WHERE dict = ? AND id = ? AND renewal = ?`,

  /** Parameters: dict, id. */
  remove: `DELETE FROM ${REPLICAS} WHERE dict = ? AND id = ?`,

  /** Parameters: version, dict, id. */
  acknowledge: `UPDATE ${REPLICAS} SET version = ? WHERE dict = ? AND id = ?`,

  /** Which of the log's changes have these numbers, up to the head. Parameters: dict, numbers, dict. */
  nonces: (dialect: Dialect, count: number) =>
    `SELECT c.number AS number, ${text(dialect, 'c.nonce', 'nonce')} FROM ${CHANGES} c WHERE c.dict = ? AND c.number IN (${list(count)})
    AND c.number <= (SELECT v.number FROM ${VERSIONS} v WHERE v.dict = ?)`,

  /** The largest bound of a replica. Parameters: dict. */
  largest: `SELECT MAX(bound) AS bound FROM ${REPLICAS} WHERE dict = ? AND id <> ''`,

  /** Parameters: bound, dict. */
  setBound: `UPDATE ${VERSIONS} SET bound = ? WHERE dict = ?`,
} as const
