import type { ColumnKind } from '../dialect.js'
import { type Dialect, quoted, type Statement } from '../dialect.js'
import { UNSAFE } from '../escape.js'
import type { SqlRow } from '../sql-session.js'

const KINDS: Readonly<Record<string, ColumnKind>> = {
  text: 'text',
  varchar: 'text',
  json: 'json',
  jsonb: 'json',
  bytea: 'bytes',
}

const quote = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`

const BOUND =
  `SELECT set_config('lock_timeout', ?, true) AS a, set_config('statement_timeout', ?, true) AS b, ` +
  `set_config('idle_in_transaction_session_timeout', ?, true) AS c`

/** The setting by which triggers recognize the library's own writes: the dictionary that the transaction writes to. */
export const WRITER_SETTING = 'durabledict.writer'

/** How long a transaction that holds the lock of the head waits for another lock, in ms. */
export const ROW_WAIT = 100

/** Row locks do not exclude future rows. */
const lockModel: Dialect['lockModel'] = (purpose, _table, _key, name) => [
  {
    sql:
      `SELECT CAST(pg_advisory_xact_lock${purpose === 'load' ? '_shared' : ''}` +
      `(hashtextextended(CAST(? AS text), 0)) AS text) AS locked`,
    parameters: [name],
  },
]

const bounds = (ms: number) => [`${ms}`, `${ms}`, `${ms}`]

export const postgresql: Dialect = {
  unsafeInKeys: UNSAFE,
  unsafeInText: UNSAFE,
  quote,
  placed(sql, first = 0) {
    let count = first
    return sql.replaceAll('?', () => {
      count += 1
      return `$${count}`
    })
  },
  types: { name: 'varchar(255)', whole: 'bigint', real: 'double precision', long: 'text' },
  // Otherwise a process that is suspended inside its transaction would block every other writer until it resumes.
  bound: ms => [{ sql: BOUND, parameters: bounds(ms) }],
  session: {
    columns: {
      client_encoding: `current_setting('client_encoding')`,
      standard_strings: `current_setting('standard_conforming_strings')`,
    },
    fault({ client_encoding, standard_strings }) {
      if (client_encoding !== 'UTF8') {
        return `its client_encoding is ${client_encoding}, which cannot hold all text; set it to UTF8 (SET client_encoding = 'UTF8')`
      }
      if (standard_strings === 'on') return undefined
      return 'its standard_conforming_strings is off, so backslashes change the meaning of text; set it to on'
    },
  },
  readCommitted: [{ sql: 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED', parameters: [] }],
  checkConstraints: [{ sql: 'SET CONSTRAINTS ALL IMMEDIATE', parameters: [] }],
  // Sets the limits in the same statement, before it waits for the lock. Under the lock, waits for rows are short: their transactions may
  // last, and may need the lock to end.
  lockHead(head, dict, ms) {
    const limits = `limits AS MATERIALIZED (${BOUND}, set_config('${WRITER_SETTING}', ?, true) AS d)`
    const select = `${head.replace(' FROM ', ' FROM limits, ')} FOR UPDATE OF durabledict_model_versions`
    return [
      {
        sql: `WITH ${limits}, head AS MATERIALIZED (${select}) SELECT head.*, set_config('lock_timeout', ?, true) AS waits FROM head`,
        parameters: [...bounds(ms), dict, dict, `${Math.max(1, Math.min(ms, ROW_WAIT))}`],
      },
    ]
  },
  awaitRows: (table, key, keys, ms) => [
    { sql: `SELECT set_config('lock_timeout', ?, true) AS a`, parameters: [`${ms}`] },
    {
      sql:
        `SELECT ${quote(key)} AS locked FROM ${quoted({ quote }, table)} WHERE ${quote(key)} IN (${keys.map(() => '?').join(', ')}) ` +
        `ORDER BY 1 FOR UPDATE`,
      parameters: keys,
    },
  ],
  // Also waits for inserted rows, which a row lock does not see.
  lockRows: (table, _key, _keys, ms) => [
    { sql: `SELECT set_config('lock_timeout', ?, true) AS a`, parameters: [`${ms}`] },
    { sql: `LOCK TABLE ${quoted({ quote }, table)} IN SHARE MODE`, parameters: [] },
  ],
  ignoringDuplicates: insert => `${insert} ON CONFLICT DO NOTHING`,
  replacing: (insert, key, others) =>
    `${insert} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${others.map(name => `${name} = excluded.${name}`).join(', ')}`,
  notifying: { sql: `RETURNING CAST(pg_notify(?, '') AS text) AS notified`, parameters: channel => [channel] },
  ownColumns: tables => ({
    sql: `SELECT CAST(c.relname AS text) AS tab, CAST(a.attname AS text) AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE a.attrelid IN (${tables.map(() => 'to_regclass(CAST(? AS text))').join(', ')}) AND a.attnum > 0 AND NOT a.attisdropped
        AND has_table_privilege(a.attrelid, 'SELECT')`,
    parameters: tables,
  }),
  // Without the word that the statement of the lock looks for.
  clock: `CAST(date_part('epoch', clock_timestamp()) * 1000 AS bigint)`,
  contains: column => `strpos(${column}, CAST(? AS text)) > 0`,
  joined(statements) {
    const last = statements.at(-1) as Statement
    const others = statements.slice(0, -1).map(({ sql }, index) => `w${index} AS (${sql})`)
    const sql = others.length === 0 ? last.sql : `WITH ${others.join(', ')} ${last.sql}`
    return { sql, parameters: statements.flatMap(({ parameters }) => parameters) }
  },
  lockModel,
  lockModelForReaders: lockModel,
  lockTables: {
    sql: `SELECT CAST(pg_advisory_xact_lock(hashtextextended('durabledict_model_versions', 0)) AS text) AS locked`,
    parameters: [],
  },
  columns: table => ({
    sql: `SELECT CAST(a.attname AS text) AS name, CAST(t.typname AS text) AS type,
        (SELECT CAST(n.nspname AS text) FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = a.attrelid) AS schema,
        COALESCE(c.collisdeterministic, true) AS deterministic
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation c ON c.oid = a.attcollation
      WHERE a.attrelid = to_regclass(CAST(? AS text)) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    parameters: [quoted({ quote }, table)],
  }),
  kindOf: ({ type }: SqlRow) => KINDS[String(type)],
  faultOfKey: ({ deterministic }: SqlRow) =>
    deterministic ? undefined : 'its collation treats different keys as equal: give it a deterministic one',
  unique: (table, column) => ({
    sql: `SELECT 1 AS found
      FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = to_regclass(CAST(? AS text)) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
        AND i.indexprs IS NULL AND i.indnkeyatts = 1 AND a.attname = ? LIMIT 1`,
    parameters: [quoted({ quote }, table), column],
  }),
}
