import type { DialectName } from '../../../sql/dialect.js'
import { checkedRows } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { closeConnection, type Discard } from '../../../sql/statement-limit.js'
import type { Columns } from '../manager.js'

/** Of what Knex offers, that which is used here; tables and columns are any names. */
export interface Knex {
  (table: string): Query
  readonly client: Client
  listenerCount?(event: string): number
  transaction<R>(
    work: (trx: Knex) => Promise<R>,
    options: { readonly connection: object; readonly isolationLevel?: 'repeatable read' },
  ): Promise<R>
}

/** Whether the application sees or changes queries before they are sent, or logs them. */
export function isHeard(knex: Knex): boolean {
  return ['start', 'query', 'query-response', 'query-error'].some(event => (knex.listenerCount?.(event) ?? 0) > 0)
}

/** What an instance runs its queries by: the pool, or the one connection of a transaction. */
export interface Client {
  readonly dialect?: string
  acquireConnection(): Promise<object>
  releaseConnection(connection: object): Promise<void>
  readonly config?: { readonly wrapIdentifier?: (name: string, wrap: (name: string) => string) => string }
  queryBuilder(): Query
  raw(sql: string, bindings: readonly unknown[]): Raw
}

interface Raw extends PromiseLike<unknown> {
  options(options: object): Raw
  connection(connection: object): Raw
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
  options(options: object): Query
  toSQL(): { toNative(): { readonly sql: string; readonly bindings: readonly unknown[] } }
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

/**
 * The same client for what we ask by ourselves: without the application's `postProcessResponse` and logs, and without the listeners
 * that may change a query before it starts.
 */
export function plainClient({ client }: Knex): Client {
  const config = { ...client.config, debug: false, compileSqlOnError: false, asyncStackTraces: false }
  return Object.create(client, {
    config: { value: config },
    emit: { value: () => true },
    postProcessResponse: { value: (response: unknown) => response },
  })
}

/** A connection as the pool's, for one statement or one transaction. */
export async function onConnection<R>(
  client: Client,
  work: (connection: object, discard: Discard) => Promise<R>,
): Promise<R> {
  const connection = await client.acquireConnection()
  try {
    return await work(connection, () => {
      // By this the pool drops it when it is wanted next.
      Object.assign(connection, { __knex__disposed: 'It did not answer.' })
      closeConnection(connection)
    })
  } finally {
    await client.releaseConnection(connection)
  }
}

/** What an application may have set for all queries of the driver of MySQL. */
const PLAINLY = { rowsAsArray: false, nestTables: false, typeCast: true }

/** The query, with the driver's own conversions. */
export function plainly<Q extends Raw | Query>(query: Q, dialect: DialectName): Q {
  return dialect === 'mysql' ? (query.options({ ...PLAINLY }) as Q) : query
}

export async function rawQuery(
  client: Client,
  dialect: DialectName,
  sql: string,
  parameters: readonly SqlParameter[],
  { connection, name }: { readonly connection?: object; readonly name?: string | undefined } = {},
): Promise<readonly SqlRow[]> {
  const { text, bindings } =
    dialect === 'postgresql' ? withQuestionMarks(sql, parameters) : { text: sql, bindings: parameters }
  const raw = plainly(client.raw(text, bindings), dialect)
  const query = name === undefined ? raw : raw.options({ name })
  const response = await (connection ? query.connection(connection) : query)
  return checkedRows('Knex', sql, rowsIn(response, dialect))
}

/** PostgreSQL: an object with the rows; MySQL: rows or a summary, and the fields; SQLite: rows or a summary. */
function rowsIn(response: unknown, dialect: DialectName): unknown {
  if (dialect === 'postgresql') return Object(response).rows
  return dialect === 'mysql' && Array.isArray(response) ? response[0] : response
}

/** Strings, quoted names, and placeholders. */
const PARTS = /'[^']*'|"[^"]*"|\$(\d+)|\?/g

/** Knex numbers the placeholders itself: each unescaped question mark is one. */
function withQuestionMarks(sql: string, parameters: readonly SqlParameter[]) {
  const bindings: (SqlParameter | undefined)[] = []
  const text = sql.replace(PARTS, (part, index: string | undefined) => {
    if (index === undefined) return part.replaceAll('?', '\\?')
    bindings.push(parameters[Number(index) - 1])
    return '?'
  })
  return { text, bindings }
}
