import type { ColumnKind } from '../dialect.js'
import { type Dialect, quoted } from '../dialect.js'
import { UNSAFE } from '../escape.js'
import type { SqlRow } from '../sql-session.js'
import { digitsOf, fromDigits, isPlain, literal } from './sqlite-text.js'

const quote = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`

/** Uses SQLite's type affinity, and the names that ORMs use for JSON. */
function kindOf({ type }: SqlRow): ColumnKind | undefined {
  const declared = String(type).toUpperCase()
  if (declared.includes('JSON')) return 'json'
  if (declared.includes('INT')) return undefined
  if (/CHAR|CLOB|TEXT/.test(declared)) return 'text'
  return declared === '' || declared.includes('BLOB') ? 'bytes' : undefined
}

export const sqlite: Dialect = {
  unsafeInKeys: UNSAFE,
  unsafeInText: UNSAFE,
  anyText: {
    isPlain,
    digits: digitsOf,
    literal,
    selected: column => `CASE WHEN ${isPlain(column)} THEN ${column} ELSE ${digitsOf(column)} END`,
    read: fromDigits,
  },
  quote,
  placed: sql => sql,
  types: { name: 'text', whole: 'integer', real: 'real', long: 'text' },
  bound: () => [],
  readCommitted: [],
  checkConstraints: [],
  // A transaction that begins with a read can no longer write after another connection has written.
  lockHead: (head, dict) => [
    { sql: 'UPDATE durabledict_model_versions SET format = format WHERE dict = ?', parameters: [dict] },
    { sql: head, parameters: [dict] },
  ],
  ignoringDuplicates: insert => `${insert} ON CONFLICT DO NOTHING`,
  ownColumns: tables => ({
    sql: `SELECT m.name AS tab, i.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) i
      WHERE m.type = 'table' AND m.name IN (${tables.map(() => '?').join(', ')})`,
    parameters: tables,
  }),
  clock: `CAST(round((julianday('now') - 2440587.5) * 86400000) AS integer)`,
  contains: column => `instr(${column}, ?) > 0`,
  replacing: (insert, key, others) =>
    `${insert} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${others.map(name => `${name} = excluded.${name}`).join(', ')}`,
  // Locks the whole file and changes nothing.
  lockModel(_purpose, table, key) {
    const sql = `UPDATE ${quoted({ quote }, table)} SET ${quote(key)} = ${quote(key)} WHERE 1 = 0`
    return [{ sql, parameters: [] }]
  },
  columns: ({ name }) => ({ sql: 'SELECT name, type FROM pragma_table_info(?)', parameters: [name] }),
  kindOf,
  faultOfKey: () => undefined,
  // The last condition rejects a column that is compared differently from its index (NOCASE, RTRIM). A UNION with a column uses the
  // column's own comparison.
  unique: ({ name }, column) => ({
    sql: `SELECT l.name AS found FROM pragma_index_list(?) l WHERE l."unique" = 1 AND l.partial = 0
      AND (SELECT count(*) FROM pragma_index_xinfo(l.name) WHERE key = 1) = 1
      AND (SELECT count(*) FROM pragma_index_xinfo(l.name) WHERE key = 1 AND name = ? AND coll = 'BINARY') = 1
      AND (SELECT count(*) FROM (SELECT ${quote(column)} AS k FROM ${quote(name)} WHERE 0 UNION SELECT 'A' UNION SELECT 'a ')
        WHERE k = 'a') = 0 LIMIT 1`,
    parameters: [name, column],
  }),
}
