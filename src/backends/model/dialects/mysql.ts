import { UNSAFE_BUT_NUL, UNSAFE_WHERE_PADDED } from '../../sql/escape.js'
import { type Dialect, quoted } from '../dialect.js'
import type { ColumnKind, SqlRow } from '../manager.js'

const KINDS: Readonly<Record<string, ColumnKind>> = {
  varchar: 'text',
  tinytext: 'text',
  text: 'text',
  mediumtext: 'text',
  longtext: 'text',
  json: 'json',
  varbinary: 'bytes',
  tinyblob: 'bytes',
  blob: 'bytes',
  mediumblob: 'bytes',
  longblob: 'bytes',
}

const quote = (identifier: string) => `\`${identifier.replaceAll('`', '``')}\``

const where = `table_schema = COALESCE(?, DATABASE()) AND table_name = ?`

/** MariaDB's JSON is long text with a check, which MariaDB alone is asked for. */
const json = `/*M!, EXISTS (SELECT 1 FROM information_schema.check_constraints k
  WHERE k.constraint_schema = c.table_schema AND k.table_name = c.table_name
  AND k.check_clause = CONCAT('json_valid(\`', c.column_name, '\`)')) AS json */`

/** MySQL and MariaDB, with InnoDB. */
export const mysql: Dialect = {
  // Most collations pad: a key would be the same as that with a blank behind it.
  unsafeInKeys: UNSAFE_WHERE_PADDED,
  unsafeInText: UNSAFE_BUT_NUL,
  quote,
  placed: sql => sql,
  types: {
    name: 'varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
    whole: 'bigint',
    real: 'double',
    long: 'longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  },
  bound: () => [],
  readCommitted: [{ sql: 'DO 0', parameters: [] }],
  checkConstraints: [],
  // The hint is MySQL's, the comment is read by MariaDB alone.
  lockHead(head, dict, ms) {
    const seconds = Math.max(1, Math.floor(ms / 1000))
    const hinted = head.replace(/^SELECT/, `SELECT /*+ SET_VAR(innodb_lock_wait_timeout = ${seconds}) */`)
    return [{ sql: `${hinted} FOR UPDATE /*M! WAIT ${seconds} */`, parameters: [dict] }]
  },
  ignoringDuplicates: insert => insert.replace(/^INSERT/, 'INSERT IGNORE'),
  replacing: insert => insert.replace(/^INSERT/, 'REPLACE'),
  // Those to come are locked by the gaps between, as far as transactions are isolated as MySQL does by itself (REPEATABLE READ).
  lockModel(_purpose, table, key) {
    return [{ sql: `SELECT ${quote(key)} AS locked FROM ${quoted({ quote }, table)} FOR UPDATE`, parameters: [] }]
  },
  columns: ({ schema = null, name }) => ({
    sql: `SELECT column_name AS name, data_type AS type, collation_name AS collation, table_schema AS \`schema\` ${json}
      FROM information_schema.columns c
      WHERE ${where}`,
    parameters: [schema, name],
  }),
  kindOf: ({ type, json }: SqlRow) => (Number(json) === 1 ? 'json' : KINDS[String(type).toLowerCase()]),
  faultOfKey: ({ collation }: SqlRow) =>
    /_bin$/.test(String(collation))
      ? undefined
      : `its collation, ${collation}, takes different keys for the same: declare it with one of the kind utf8mb4_bin`,
  unique: ({ schema = null, name }, column) => ({
    sql: `SELECT index_name AS found FROM information_schema.statistics WHERE ${where} AND non_unique = 0
      GROUP BY index_name HAVING COUNT(*) = 1 AND MAX(column_name) = ? AND MAX(sub_part) IS NULL LIMIT 1`,
    parameters: [schema, name, column],
  }),
}
