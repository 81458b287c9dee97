import type { DialectName } from '../../../sql/dialect.js'
import { checkedRows } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import type { Columns } from '../manager.js'

/** The used members of a Drizzle column. */
export interface Column {
  readonly name: string
  readonly dataType: string
  readonly notNull: boolean
}

/** What a select can give: a column, or SQL. */
export type Selected = object

/** A table of Drizzle. Symbols are the keys of its metadata. */
export type Table = Readonly<Record<symbol, unknown>>

/** A statement that is sent when it is awaited. */
interface Compilable extends PromiseLike<unknown> {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] }
}

/** The used members of a Drizzle database or transaction. */
export interface Database {
  readonly dialect: { readonly casing?: { getColumnCasing(column: Column): string } }
  readonly session: Session
  readonly resultKind?: 'sync' | 'async'
  readonly $client?: unknown
  select(columns?: Record<string, Selected>): { from(table: Table): Select }
  insert(table: Table): { values(rows: readonly Columns[]): Compilable }
  update(table: Table): { set(columns: Columns): { where(condition: unknown): Compilable } }
  delete(table: Table): PromiseLike<unknown> & { where(condition: unknown): PromiseLike<unknown> }
  transaction: Session['transaction']
}

interface Select extends PromiseLike<readonly SqlRow[]> {
  where(condition: unknown): Select
  orderBy(order: unknown): Select
  limit(count: number): Select
  $dynamic(): Select
  $withCache(enabled: false): Select
}

/** What a database runs its statements by. */
export interface Session {
  readonly client: unknown
  readonly cache?: object
  prepareQuery(
    query: { sql: string; params: readonly unknown[] },
    fields?: undefined,
    nameOrMethod?: string | undefined,
    arrays?: boolean,
  ): { execute(): Promise<unknown>; all(): Promise<readonly SqlRow[]> }
  transaction<R>(
    work: (tx: Database) => Promise<R>,
    config?: { readonly isolationLevel: 'repeatable read' },
  ): Promise<R>
}

const KIND = Symbol.for('drizzle:entityKind')

const TABLES: Readonly<Record<string, DialectName>> = {
  PgTable: 'postgresql',
  MySqlTable: 'mysql',
  SQLiteTable: 'sqlite',
}

const EXPECTED = 'drizzleManager() takes a database and a table of Drizzle 0.45: drizzleManager(db, settings).'

/** @throws TypeError if they do not match, or are not supported. */
export function dialectOf(db: Database, table: Table): DialectName {
  const methods = [db?.select, db?.insert, db?.transaction, db?.session?.prepareQuery]
  if (methods.some(method => typeof method !== 'function')) throw new TypeError(EXPECTED)
  const dialect = kindsOf(table)
    .map(kind => TABLES[kind])
    .find(Boolean)
  if (!dialect) throw new TypeError(EXPECTED)
  if ('rollback' in db) throw new TypeError('drizzleManager() takes the database itself, not one of its transactions.')
  if (db.resultKind === 'sync') {
    throw new TypeError(
      "This driver's transactions are synchronous, and cannot wait for anything: use drizzle-orm/libsql for SQLite, with " +
        "drizzle({ connection: { url: 'file:app.db' } }).",
    )
  }
  return dialect
}

/** What an object is to Drizzle: of its class and those that it extends. */
function kindsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const kinds: string[] = []
  for (let type = value.constructor; type?.[KIND as never]; type = Object.getPrototypeOf(type)) {
    kinds.push(type[KIND as never])
  }
  return kinds
}

/** Whether Drizzle keeps results of the application's queries, which its own writes drop from the cache. */
export function hasCache({ session }: Database): boolean {
  return session.cache !== undefined && !kindsOf(session.cache).includes('NoopCache')
}

export function nameOf(table: Table): string {
  return table[Symbol.for('drizzle:Name')] as string
}

export function schemaOf(table: Table): string | undefined {
  return table[Symbol.for('drizzle:Schema')] as string | undefined
}

export function columnsOf(table: Table): Readonly<Record<string, Column | undefined>> {
  return table[Symbol.for('drizzle:Columns')] as Record<string, Column>
}

export async function rawQuery(
  { session }: Pick<Database, 'session'>,
  dialect: DialectName,
  sql: string,
  params: readonly SqlParameter[],
  name?: string,
): Promise<readonly SqlRow[]> {
  if (dialect === 'sqlite') {
    return checkedRows('Drizzle', sql, await session.prepareQuery({ sql, params }, undefined, 'all', false).all())
  }
  const result = await session.prepareQuery({ sql, params }, undefined, name).execute()
  // MySQL: rows or a summary, and the fields; PostgreSQL: an object with the rows, or the rows.
  const rows = dialect === 'mysql' ? Object(result)[0] : (Object(result).rows ?? result)
  return checkedRows('Drizzle', sql, rows)
}
