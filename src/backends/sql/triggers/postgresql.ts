import { builtin } from '../../../process/builtin.js'
import { quoted, type Statement } from '../dialect.js'
import { postgresql } from '../dialects/postgresql.js'
import { CHAIN_BODY } from './postgresql-chain.js'
import { dropTriggers, literal, type NotedTable, noteFunctions, notingStatements } from './postgresql-notes.js'
import { TRIGGER_FORMAT, TRIGGER_PREFIX, type TriggeredTable } from './triggered-table.js'

const { quote } = postgresql

/**
 * The statements that make every change of a table a chained change. Run them in one transaction, by the owner of the table. They
 * may run again, and replace the triggers of an earlier release. The version tables must exist.
 *
 * A row trigger notes what changes. A deferred constraint trigger locks the head when the transaction commits, and writes one
 * change with all that was noted.
 */
export function postgresqlTriggers(table: TriggeredTable): string[] {
  return notingStatements(notedTable(table))
}

/** The statements that remove what {@link postgresqlTriggers} made for this table. What all tables share stays. */
export function dropPostgresqlTriggers(table: TriggeredTable): string[] {
  const noted = notedTable(table)
  const { note, truncate } = noteFunctions(noted)
  return [dropTriggers(noted), `DROP FUNCTION IF EXISTS ${note}()`, `DROP FUNCTION IF EXISTS ${truncate}()`]
}

/** Selects the triggers of a table: `name`, `enabled`; and the function that remains when the table was created again. */
export function findPostgresqlTriggers({ table, dictionary }: Pick<TriggeredTable, 'table' | 'dictionary'>): Statement {
  const id = idOf(dictionary)
  return {
    sql: `SELECT CAST(tgname AS text) AS name, CASE WHEN tgenabled IN ('O', 'A') THEN 1 ELSE 0 END AS enabled FROM pg_trigger
      WHERE tgrelid = to_regclass(CAST(? AS text)) AND NOT tgisinternal AND strpos(tgname, '${TRIGGER_PREFIX}') = 1 AND strpos(tgname, ?) > 0
      UNION ALL SELECT CAST(proname AS text), 0 FROM pg_proc WHERE proname = ?`,
    parameters: [quoted(postgresql, table), `_${id}`, `durabledict_note_${id}`],
  }
}

/** The names of the triggers of a table. */
export function postgresqlTriggerNames(
  table: Pick<TriggeredTable, 'dictionary' | 'wholeRows'>,
): readonly [string, string] {
  const name = `${TRIGGER_PREFIX}${TRIGGER_FORMAT}${table.wholeRows ? 'r' : ''}_${idOf(table.dictionary)}`
  return [name, `${name}_t`]
}

function notedTable(triggered: TriggeredTable): NotedTable {
  const { table, keyColumn, valueColumn, dictionary, wholeRows, versions } = triggered
  const { schema } = versions
  const within = (name: string) => quoted(postgresql, { schema, name })
  const [head, changes, commits, edits] = [versions.versions, versions.changes, versions.commits, versions.edits].map(
    within,
  ) as [string, string, string, string]
  return {
    ...{ table, keyColumn, dictionary },
    valueColumns: wholeRows ? undefined : [valueColumn],
    value: row => column(triggered, row),
    type: typeOf(triggered),
    edits: { schema, name: versions.edits },
    schema:
      schema === undefined
        ? `(SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(${literal(head)}))`
        : literal(quote(schema)),
    chain: CHAIN_BODY({ versions: head, changes, commits, edits }),
    id: idOf(dictionary),
    triggers: postgresqlTriggerNames(triggered),
  }
}

function idOf(dictionary: string): string {
  return builtin.crypto.createHash('sha256').update(dictionary).digest('hex').slice(0, 16)
}

/** The value column as the notes keep it: text, or bytes in base64. */
function column({ valueColumn, kind }: TriggeredTable, row: string): string {
  const value = `${row}${quote(valueColumn)}`
  if (kind === 'bytes') return `translate(encode(${value}, 'base64'), chr(10), '')`
  return kind === 'json' ? `coalesce(${value}::text, 'null')` : `${value}::text`
}

function typeOf({ wholeRows, kind }: TriggeredTable): string {
  if (kind === 'bytes') return wholeRows ? 'row bytes' : 'bytes'
  return wholeRows ? 'row' : 'set'
}
