import type { ColumnKind } from '../dialect.js'
import { type Dialect, quoted } from '../dialect.js'
import { UNSAFE_BUT_NUL, UNSAFE_WHERE_PADDED } from '../escape.js'
import type { SqlRow } from '../sql-session.js'

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

/** MariaDB's JSON is long text with a check constraint. Only MariaDB runs this comment. */
const json = `/*M!, EXISTS (SELECT 1 FROM information_schema.check_constraints k
  WHERE k.constraint_schema = c.table_schema AND k.table_name = c.table_name
  AND k.check_clause = CONCAT('json_valid(\`', c.column_name, '\`)')) AS json */`

/** A limit of at least this many rows counts as no limit. The default is 2^64 - 1. */
const NO_LIMIT = 2 ** 60

const CHARSETS = ['charset_client', 'charset_connection', 'charset_results']

/** Returns the fault of a session, if it has one. */
function faultOfSession(row: SqlRow): string | undefined {
  // NULL: results are returned as they are stored.
  const charset = CHARSETS.map(name => row[name]).find(one => one !== null && one !== 'utf8mb4')
  if (charset !== undefined) {
    return `its character set is ${charset}, which cannot hold all text; set it to utf8mb4 (option "charset", or SET NAMES utf8mb4)`
  }
  if (/(?:^|,)NO_BACKSLASH_ESCAPES(?:,|$)/.test(String(row.sql_mode))) {
    return `its sql_mode has NO_BACKSLASH_ESCAPES, which changes the meaning of text that a driver has escaped; remove it`
  }
  if (Number(row.select_limit) < NO_LIMIT) {
    return `its sql_select_limit cuts off the rows of queries; set it to DEFAULT`
  }
  // Otherwise statements outside transactions would share one that nobody ends, and all reads would be as old as its first.
  if (Number(row.autocommit) !== 1) return 'its autocommit is off, so that reads see an old state; set it to 1'
  if (!/^(?:NO_CHAIN|0)$/.test(String(row.completion))) {
    return `its completion_type is ${row.completion}, so that reads after a transaction see an old state; set it to NO_CHAIN`
  }
  return undefined
}

const waiting = (ms: number) => Math.max(1, Math.floor(ms / 1000))

/** Returns a locking SELECT with a time limit. MySQL reads the hint, and only MariaDB reads the comment. */
function locking(select: string, ms: number): string {
  const hinted = select.replace(/^SELECT/, `SELECT /*+ SET_VAR(innodb_lock_wait_timeout = ${waiting(ms)}) */`)
  return `${hinted} FOR UPDATE /*M! WAIT ${waiting(ms)} */`
}

/** MySQL and MariaDB, with InnoDB. */
export const mysql: Dialect = {
  // Most collations ignore a trailing space, so two keys could be equal.
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
  lockHead: (head, dict, ms) => [{ sql: locking(head, ms), parameters: [dict] }],
  session: {
    columns: {
      sql_mode: '@@SESSION.sql_mode',
      select_limit: '@@SESSION.sql_select_limit',
      autocommit: '@@SESSION.autocommit',
      completion: '@@SESSION.completion_type',
      charset_client: '@@SESSION.character_set_client',
      charset_connection: '@@SESSION.character_set_connection',
      charset_results: '@@SESSION.character_set_results',
      packet: '@@SESSION.max_allowed_packet',
      connection: 'CONNECTION_ID()',
    },
    fault: faultOfSession,
  },
  // Otherwise the model's own statements wait for locks for innodb_lock_wait_timeout, which is 50 s.
  interrupt: connection => ({ sql: `KILL QUERY ${connection}`, parameters: [] }),
  lockRows(table, key, keys, ms) {
    const some = keys.length === 0 ? '' : ` WHERE ${quote(key)} IN (${keys.map(() => '?').join(', ')})`
    const select = `SELECT ${quote(key)} AS locked FROM ${quoted({ quote }, table)}${some}`
    return [{ sql: locking(select, ms), parameters: keys }]
  },
  ignoringDuplicates: insert => insert.replace(/^INSERT/, 'INSERT IGNORE'),
  ownColumns: tables => ({
    sql: `SELECT table_name AS tab, column_name AS name FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name IN (${tables.map(() => '?').join(', ')})`,
    parameters: tables,
  }),
  clock: `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000`,
  contains: column => `instr(${column}, ?) > 0`,
  replacing: insert => insert.replace(/^INSERT/, 'REPLACE'),
  // Gap locks also exclude future rows, at MySQL's default isolation level (REPEATABLE READ).
  lockModel(_purpose, table, key) {
    return [{ sql: `SELECT ${quote(key)} AS locked FROM ${quoted({ quote }, table)} FOR UPDATE`, parameters: [] }]
  },
  lockModelForReaders: (_purpose, table, key) => [
    {
      sql: `SELECT ${quote(key)} AS locked FROM ${quoted({ quote }, table)} LOCK IN SHARE MODE`,
      parameters: [],
    },
  ],
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
      : `its collation, ${collation}, treats different keys as equal: declare it with a binary collation such as utf8mb4_bin`,
  unique: ({ schema = null, name }, column) => ({
    sql: `SELECT index_name AS found FROM information_schema.statistics WHERE ${where} AND non_unique = 0
      GROUP BY index_name HAVING COUNT(*) = 1 AND MAX(column_name) = ? AND MAX(sub_part) IS NULL LIMIT 1`,
    parameters: [schema, name, column],
  }),
}
