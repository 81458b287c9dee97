import { MAX_DEPTH } from '../../../encodings/walk.js'
import { DurableDictError, StoreUnavailableError, UnsupportedError } from '../../../errors/errors.js'
import { describeError } from '../../../errors/for-key.js'
import { askSession } from '../../sql/connection-settings.js'
import type { ColumnKind } from '../../sql/dialect.js'
import { type Dialect, quoted, run, type Table } from '../../sql/dialect.js'
import type { SqlRow } from '../../sql/sql-session.js'
import { type Room, roomOfTables } from '../history/tables.js'
import type { ModelManager } from '../managers/manager.js'
import type { JsonColumn } from './json-column.js'

/** What of a model is to be looked at. */
export interface Inspected {
  readonly manager: ModelManager
  readonly dialect: Dialect
  readonly dictionary: string
  readonly keyCol: string
  readonly valueCol: string
  /** Whether the versions are in the database. */
  readonly keepsVersions: boolean
}

/** What was found out about it. */
export interface Inspection extends Room {
  /** What the database calls the key column. */
  readonly keyColumn: string
  readonly valueColumn: string
  /** The table with the schema that it was found in: the same for every library, and for no other table. */
  readonly table: Table
  readonly kind: ColumnKind
  /** For a column of JSON: what it does with it. */
  readonly json: JsonColumn
  /** What the database calls the columns of the table. */
  readonly columns: ReadonlySet<string>
}

/**
 * Whether the model's table can hold a dictionary: it is there, with a key column of text that is unique, and a value column.
 *
 * @throws TypeError for a column that the model does not have; StoreUnavailableError where the table or a column is missing in the
 * database; UnsupportedError for a column that cannot do what is asked of it.
 */
export async function inspect(inspected: Inspected): Promise<Inspection> {
  const { manager, keyCol, valueCol } = inspected
  const [key, value] = [physical(manager, 'keyCol', keyCol), physical(manager, 'valueCol', valueCol)]
  if (key === value) throw new TypeError(`Options "keyCol" and "valueCol" name the same column "${keyCol}".`)
  await askSession(manager.library, manager, inspected.dialect, inspected.dictionary)
  const columns = await columnsOf(inspected)
  const [keyRow, valueRow] = [found(inspected, columns, key), found(inspected, columns, value)]
  await checkKey(inspected, key, keyRow)
  const kind = manager.kind?.(valueCol) ?? inspected.dialect.kindOf(valueRow)
  if (kind) {
    const { schema } = keyRow
    const table = typeof schema === 'string' ? { schema, name: manager.table.name } : manager.table
    return {
      keyColumn: key,
      valueColumn: value,
      table,
      kind,
      json: jsonColumn(inspected, valueRow),
      columns: new Set(columns.map(({ name }) => String(name))),
      ...(inspected.keepsVersions ? await roomOfTables(manager, inspected.dialect) : NO_ROOM),
    }
  }
  throw unfit(
    inspected,
    `column "${value}" is of type ${String(valueRow.type)}; values need one of text, JSON or bytes.`,
  )
}

/** The versions are not in the database. */
const NO_ROOM: Room = { hasHistory: false, hasReplicas: false }

/** MariaDB takes JSON of 32 levels, MySQL of 100; the others any. A few less, for what is around a value. */
const MYSQL_DEPTH = 30

function jsonColumn({ manager }: Inspected, { type }: SqlRow): JsonColumn {
  const mysql = manager.dialect === 'mysql'
  const reorders = type === 'jsonb' || (mysql && String(type).toLowerCase() === 'json')
  return { reorders, maxDepth: mysql ? MYSQL_DEPTH : MAX_DEPTH }
}

/** Returns the error if the database does not answer. */
export function notInspected(cause: unknown, dictionary: string): unknown {
  if (cause instanceof DurableDictError || cause instanceof TypeError) return cause
  return new StoreUnavailableError(
    `The database of dictionary "${dictionary}" cannot be asked for its tables: ${describeError(cause)}`,
    { dictionary, cause },
  )
}

function physical(manager: ModelManager, option: string, property: string): string {
  const column = manager.column(property)
  if (column !== undefined) return column
  throw new TypeError(
    `Option "${option}" names "${property}", which model ${manager.model} of ${manager.library} does not have.`,
  )
}

async function columnsOf({ manager, dialect, dictionary }: Inspected): Promise<readonly SqlRow[]> {
  const columns = await run(manager, dialect, dialect.columns(manager.table))
  if (columns.length > 0) return columns
  throw missing(dictionary, `has no table ${quoted(dialect, manager.table)}`)
}

function found({ manager, dialect, dictionary }: Inspected, columns: readonly SqlRow[], name: string): SqlRow {
  const column = columns.find(one => one.name === name)
  if (column) return column
  const names = columns.map(one => String(one.name)).join(', ')
  throw missing(dictionary, `has no column "${name}" in table ${quoted(dialect, manager.table)}, which has ${names}`)
}

async function checkKey(inspected: Inspected, key: string, column: SqlRow): Promise<void> {
  const { manager, dialect } = inspected
  if (dialect.kindOf(column) !== 'text') {
    throw unfit(inspected, `key column "${key}" is of type ${String(column.type)}; it must be text.`)
  }
  const fault = dialect.faultOfKey(column)
  if (fault !== undefined) throw unfit(inspected, `key column "${key}" cannot tell keys apart: ${fault}.`)
  if ((await run(manager, dialect, dialect.unique(manager.table, key))).length > 0) return
  throw unfit(
    inspected,
    `key column "${key}" has no unique constraint of its own that tells all keys apart, so that two writers could insert the same key: add one.`,
  )
}

function missing(dictionary: string, what: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `The database of dictionary "${dictionary}" ${what}. Run the migrations of the model first.`,
    { dictionary },
  )
}

function unfit({ manager, dialect, dictionary }: Inspected, what: string): UnsupportedError {
  return new UnsupportedError(
    `Table ${quoted(dialect, manager.table)} cannot hold dictionary "${dictionary}": ${what}`,
    { dictionary },
  )
}
