import type { Columns, DialectName, SqlParameter, SqlRow } from '../manager.js'

/** Of what Knex offers, that which is used here; tables and columns are any names. */
export interface Knex {
  (table: string): Query
  readonly client: Client
  transaction<R>(work: (trx: Knex) => Promise<R>, options: { isolationLevel?: 'repeatable read' }): Promise<R>
}

/** What an instance runs its queries by: the pool, or the one connection of a transaction. */
export interface Client {
  readonly dialect?: string
  readonly config?: { readonly wrapIdentifier?: (name: string, wrap: (name: string) => string) => string }
  queryBuilder(): Query
  raw(sql: string, bindings: readonly unknown[]): PromiseLike<unknown>
}

/** Each call changes it; awaiting it sends it. */
export interface Query extends PromiseLike<unknown> {
  from(table: string): Query
  select(columns: readonly unknown[]): Query
  where(column: string, operator: '=' | '>', value: string): Query
  whereIn(column: string, values: readonly string[]): Query
  orderBy(column: string): Query
  limit(count: number): Query
  insert(rows: readonly Columns[]): Query
  update(columns: Columns): Query
  delete(): Query
}

const DIALECTS: Readonly<Record<string, DialectName>> = {
  postgresql: 'postgresql',
  mysql: 'mysql',
  sqlite3: 'sqlite',
}

/** @throws TypeError where Knex's client is for another database. */
export function dialectOf({ client }: Knex): DialectName {
  const dialect = DIALECTS[client.dialect ?? '']
  if (dialect) return dialect
  throw new TypeError(
    `Knex's client is for ${client.dialect ?? 'an unknown database'}: ModelDict knows PostgreSQL, MySQL, MariaDB and SQLite. ` +
      "For a client that speaks the SQL of one of them give knexManager() the option { dialect: 'postgresql' }, 'mysql' or 'sqlite'.",
  )
}

/** What the database calls a table or a column. */
export function physicalName({ client }: Knex, name: string): string {
  return client.config?.wrapIdentifier?.(name, unquoted => unquoted) ?? name
}

/** The same client without the application's `postProcessResponse`: what we ask by ourselves is to come as it is. */
export function plainClient({ client }: Knex): Client {
  return Object.create(client, { postProcessResponse: { value: (response: unknown) => response } })
}

export async function rawQuery(
  client: Client,
  dialect: DialectName,
  sql: string,
  parameters: readonly SqlParameter[],
): Promise<readonly SqlRow[]> {
  const { text, bindings } =
    dialect === 'postgresql' ? withQuestionMarks(sql, parameters) : { text: sql, bindings: parameters }
  const response = await client.raw(text, bindings)
  // PostgreSQL: an object with the rows; MySQL: rows or a summary, and the fields; SQLite: rows or a summary.
  const rows = Array.isArray(response)
    ? dialect === 'mysql'
      ? response[0]
      : response
    : (response as { rows?: unknown }).rows
  return Array.isArray(rows) ? rows : []
}

/** Strings, quoted names, and placeholders. */
const PARTS = /'[^']*'|"[^"]*"|\$(\d+)|\?/g

/** Knex numbers the placeholders itself, wherever a question mark stands that is not escaped. */
function withQuestionMarks(sql: string, parameters: readonly SqlParameter[]) {
  const bindings: (SqlParameter | undefined)[] = []
  const text = sql.replace(PARTS, (part, index: string | undefined) => {
    if (index === undefined) return part.replaceAll('?', '\\?')
    bindings.push(parameters[Number(index) - 1])
    return '?'
  })
  return { text, bindings }
}
