import type { DialectName } from '../../../sql/dialect.js'
import { checkedRows } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import type { Columns } from '../manager.js'

/** Of what Kysely offers, that which is used here; tables and columns are any names. */
export interface Kysely {
  getExecutor(): { readonly adapter: object }
  selectFrom(table: string): Select
  insertInto(table: string): { values(rows: readonly Columns[]): Builder }
  updateTable(table: string): { set(columns: Columns): Where }
  deleteFrom(table: string): Where
  transaction(): TransactionBuilder
  connection(): { execute<R>(work: (connected: Kysely) => Promise<R>): Promise<R> }
  withoutPlugins(): Kysely
  executeQuery(query: object): Promise<{ readonly rows: readonly SqlRow[] }>
}

interface TransactionBuilder {
  setIsolationLevel(level: 'repeatable read'): TransactionBuilder
  execute<R>(work: (trx: Kysely) => Promise<R>): Promise<R>
}

export interface Builder {
  compile(): { readonly query: unknown; readonly sql: string; readonly parameters: readonly unknown[] }
  execute(): Promise<readonly object[]>
}

interface Where extends Builder {
  where(column: string, operator: '=' | '>' | 'in', value: unknown): this
}

export interface Select extends Where {
  select(column: string): Select
  selectAll(): Select
  orderBy(column: string): Select
  limit(count: number): Select
}

const DIALECTS: Readonly<Record<string, DialectName>> = {
  PostgresAdapter: 'postgresql',
  MysqlAdapter: 'mysql',
  SqliteAdapter: 'sqlite',
}

/** @throws TypeError where the class of the adapter, and those that it extends, have other names. */
export function dialectOf(db: Kysely): DialectName {
  const { adapter } = db.getExecutor()
  for (let type = Object.getPrototypeOf(adapter); type; type = Object.getPrototypeOf(type)) {
    const dialect = DIALECTS[type.constructor.name]
    if (dialect) return dialect
  }
  throw new TypeError(
    `Kysely's ${adapter.constructor.name} does not tell which database it is for: give kyselyManager() the option ` +
      "{ dialect: 'postgresql' }, 'mysql' or 'sqlite'. ModelDict knows no other.",
  )
}

interface Identifier {
  readonly name: string
}

interface SelectNode {
  readonly from: {
    readonly froms: readonly [{ readonly table: { readonly schema?: Identifier; readonly identifier: Identifier } }]
  }
  readonly selections: readonly [{ readonly selection: { readonly column: { readonly column: Identifier } } }]
}

/** What the database calls a table, after all plugins. */
export function tableName(db: Kysely, table: string): { readonly schema?: string; readonly name: string } {
  const { schema, identifier } = (db.selectFrom(table).selectAll().compile().query as SelectNode).from.froms[0].table
  return { ...(schema && { schema: schema.name }), name: identifier.name }
}

/** What the database calls a column, after all plugins. */
export function columnName(db: Kysely, table: string, column: string): string {
  const { selections } = db.selectFrom(table).select(column).compile().query as SelectNode
  return selections[0].selection.column.column.name
}

/** Plugins may tell queries apart by it; raw ones go past them. */
const QUERY_ID = { queryId: 'durabledict' }

export async function rawQuery(
  db: Kysely,
  sql: string,
  parameters: readonly SqlParameter[],
  name?: string,
): Promise<readonly SqlRow[]> {
  const query = { kind: 'RawNode', sqlFragments: [sql], parameters: [] }
  const text = name === undefined ? sql : new NamedStatement(name, sql)
  const { rows } = await db.executeQuery({ sql: text, parameters, query, queryId: QUERY_ID })
  return checkedRows('Kysely', sql, rows)
}

/** A statement in the form in which `pg` takes it with a name. To everything else it is its text. */
class NamedStatement {
  readonly name: string
  readonly text: string

  constructor(name: string, text: string) {
    this.name = name
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/** Whether the driver takes statements with names, as `pg` does. */
export async function takesNames(db: Kysely): Promise<boolean> {
  try {
    const [row] = await rawQuery(db, 'SELECT 1 AS one', [], 'durabledict_probe')
    return Number(row?.one) === 1
  } catch {
    return false
  }
}
