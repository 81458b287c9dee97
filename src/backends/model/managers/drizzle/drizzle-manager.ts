import type { ColumnKind, DialectName } from '../../../sql/dialect.js'
import { inOwnContext } from '../../../sql/own-context.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { withinLimit } from '../../../sql/statement-limit.js'
import { insertBatches } from '../insert-batches.js'
import type {
  Columns,
  CompiledWrites,
  ModelManager,
  ModelSession,
  RowQuery,
  RowWrite,
  TransactionOptions,
} from '../manager.js'
import { plainValue } from '../plain-value.js'
import { type PgPool, poolAdvice } from '../pool-advice.js'
import { PreparedNames } from '../prepared-names.js'
import { runTransaction, type Within } from '../run-transaction.js'
import { type DrizzleOperators, type DrizzleOrm, drizzleOrm, loadedOrm } from './orm.js'
import {
  columnsOf,
  type Database,
  dialectOf,
  hasCache,
  nameOf,
  rawQuery,
  type Selected,
  schemaOf,
  type Table,
} from './shapes.js'
import { type Transactions, transactionsOf } from './transactions.js'

/** What is needed of a database of Drizzle 0.45. */
export interface DrizzleDatabase {
  insert(table: never): unknown
  update(table: never): unknown
  delete(table: never): unknown
  transaction(work: never, config?: never): unknown
}

/** What is needed of a table of Drizzle 0.45. */
export interface DrizzleTable<Row extends object = object> {
  readonly $inferSelect: Row
}

/** Options of `drizzleManager`. */
export interface DrizzleManagerOptions {
  /**
   * The package: `import * as drizzleOrm from 'drizzle-orm'`. A bundled program needs it, since a bundler does not see what
   * the library would import. Default: the one that is installed.
   *
   * @example
   * import * as drizzleOrm from 'drizzle-orm'
   *
   * drizzleManager(db, settings, { drizzleOrm })
   */
  drizzleOrm?: DrizzleOperators | undefined
}

/**
 * A table of a Drizzle database, for `ModelDict.open`. Defaults, `$defaultFn`, `$onUpdate` and types of columns apply.
 *
 * @typeParam Row - a row that a select returns, inferred from the table.
 * @throws TypeError if they are not a database and a table of Drizzle, if the driver's transactions are synchronous, if the database
 * is a single connection of PostgreSQL or MySQL rather than a pool, or if it is a transaction.
 *
 * @example
 * const dict = await ModelDict.open(drizzleManager(db, settings))
 */
export function drizzleManager<Row extends object>(
  db: DrizzleDatabase,
  table: DrizzleTable<Row>,
  { drizzleOrm }: DrizzleManagerOptions = {},
): ModelManager<Row> {
  const its = table as unknown as Table
  return inOwnContext(() => {
    const database = primaryOf(db)
    return new DrizzleManager<Row>(database, its, dialectOf(database, its), drizzleOrm as DrizzleOrm | undefined)
  })
}

function isPool(client: unknown): client is PgPool {
  return typeof (client as { totalCount?: unknown } | null)?.totalCount === 'number'
}

/** Of a database with replicas (`withReplicas`), the one that is written to. */
function primaryOf(db: object): Database {
  return ((db as { $primary?: object } | undefined)?.$primary ?? db) as Database
}

class DrizzleManager<Row extends object> implements ModelManager<Row> {
  readonly library = 'Drizzle'
  readonly jsonAsValues = true
  readonly model: string
  readonly dialect: DialectName
  readonly table: ModelManager['table']
  readonly #db: Database
  readonly #its: Table
  readonly #transactions: Transactions
  readonly #orm: DrizzleOrm | undefined

  constructor(db: Database, table: Table, dialect: DialectName, orm: DrizzleOrm | undefined) {
    this.#orm = orm
    this.#db = db
    this.#its = table
    this.#transactions = transactionsOf(db, dialect)
    this.model = nameOf(table)
    this.dialect = dialect
    const schema = schemaOf(table)
    this.table = { ...(schema !== undefined && { schema }), name: this.model }
  }

  get database(): object {
    const { client } = this.#db.session
    return typeof client === 'object' && client !== null ? client : this.#db
  }

  advice(): readonly string[] {
    const { client } = this.#db.session
    return this.dialect === 'postgresql' && isPool(client) ? poolAdvice(client) : []
  }

  column(property: string): string | undefined {
    const column = columnsOf(this.#its)[property]
    return column && (this.#db.dialect.casing?.getColumnCasing(column) ?? column.name)
  }

  kind(property: string): ColumnKind | undefined {
    const type = columnsOf(this.#its)[property]?.dataType
    if (type === 'buffer') return 'bytes'
    return type === 'json' ? 'json' : undefined
  }

  query(sql: string, parameters: readonly SqlParameter[], limit?: number): Promise<readonly SqlRow[]> {
    return this.#transactions.outside((by, discard = () => {}) =>
      withinLimit(() => this.ask(by, sql, parameters), limit, discard),
    )
  }

  readonly writes: CompiledWrites = {
    compile: write => {
      const orm = loadedOrm(this.#orm)
      if (!orm || hasCache(this.#db)) return undefined
      const { sql, params } = this.#compiled(write, orm).toSQL()
      return { sql, parameters: params }
    },
    connect: (work, limit) =>
      this.#transactions.outside((by, discard = () => {}) =>
        work({ query: (sql, parameters) => withinLimit(() => this.ask(by, sql, parameters), limit, discard) }),
      ),
  }

  #compiled(write: RowWrite, { eq }: DrizzleOrm) {
    if ('create' in write) return this.#db.insert(this.#its).values([write.create])
    const { update, keyCol, key } = write
    return this.#db
      .update(this.#its)
      .set(update)
      .where(eq(columnsOf(this.#its)[keyCol], key))
  }

  /** Runs a statement of ours. */
  ask(by: Pick<Database, 'session'>, sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    if (this.dialect !== 'postgresql') return rawQuery(by, this.dialect, sql, parameters)
    return PreparedNames.of(this.database).send(sql, name => rawQuery(by, this.dialect, sql, parameters, name))
  }

  within(transaction: object): ModelSession | undefined {
    const { rollback, session } = transaction as { rollback?: unknown; session?: unknown }
    if (typeof rollback !== 'function' || !session) return undefined
    return new DrizzleSession(this, transaction as Database, this.#its, this.#orm)
  }

  transaction<R>(work: (session: ModelSession) => Promise<R>, options: TransactionOptions): Promise<R> {
    const { isolation, statementLimit } = options
    const begin = (within: Within<R>) =>
      this.#transactions.run(
        (tx, discard) => within(new DrizzleSession(this, tx, this.#its, this.#orm), discard),
        isolation,
        statementLimit,
      )
    return runTransaction(this.dialect, work, begin, statementLimit)
  }
}

class DrizzleSession implements ModelSession {
  readonly #of: DrizzleManager<object>
  readonly #tx: Database
  readonly #its: Table
  readonly #orm: DrizzleOrm | undefined

  constructor(of: DrizzleManager<object>, tx: Database, table: Table, orm: DrizzleOrm | undefined) {
    this.#orm = orm
    this.#of = of
    this.#tx = tx
    this.#its = table
  }

  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return this.#of.ask(this.#tx, sql, parameters)
  }

  async rows({ columns, keyCol, keys, after, limit }: RowQuery): Promise<readonly object[]> {
    const { and, asc, gt, inArray } = await drizzleOrm(this.#orm)
    const key = columnsOf(this.#its)[keyCol]
    const conditions = [keys && inArray(key, keys), after !== undefined && gt(key, after)].filter(Boolean)
    const selected = columns && (await this.#selected(columns))
    const from = selected ? this.#tx.select(selected) : this.#tx.select()
    const select = from
      .from(this.#its)
      .where(and(...conditions))
      .orderBy(asc(key))
      .$dynamic()
    const rows = await (limit === undefined ? select : select.limit(limit)).$withCache(false)
    if (!columns) return rows
    return rows.map(row => Object.fromEntries(columns.map(name => [name, plainValue(row[name])])))
  }

  /** On PostgreSQL, the driver parses JSON, and Drizzle once more where that gave a string: we take the text. */
  async #selected(columns: readonly string[]): Promise<Record<string, Selected>> {
    const { sql } = await drizzleOrm(this.#orm)
    const all = columnsOf(this.#its)
    const parsed = (name: string) => this.#of.dialect === 'postgresql' && all[name]?.dataType === 'json'
    const asText = (name: string) => sql`${all[name]}::text`.mapWith(JSON.parse)
    return Object.fromEntries(columns.map(name => [name, parsed(name) ? asText(name) : (all[name] as Selected)]))
  }

  async create(rows: readonly Columns[]): Promise<void> {
    const values = await Promise.all(rows.map(row => this.#withJsonNull(row)))
    for (const batch of insertBatches(values)) await this.#tx.insert(this.#its).values(batch)
  }

  async update(keyCol: string, key: string, columns: Columns): Promise<void> {
    const { eq } = await drizzleOrm(this.#orm)
    const values = await this.#withJsonNull(columns)
    await this.#tx
      .update(this.#its)
      .set(values)
      .where(eq(columnsOf(this.#its)[keyCol], key))
  }

  /** To Drizzle, null is that of SQL; a column of JSON that must not be null gets that of JSON. */
  async #withJsonNull(row: Columns): Promise<Columns> {
    const all = columnsOf(this.#its)
    const isJsonNull = ([name, value]: [string, unknown]) =>
      value === null && all[name]?.dataType === 'json' && all[name].notNull
    const nulls = Object.entries(row).filter(isJsonNull)
    if (nulls.length === 0) return row
    const { sql } = await drizzleOrm(this.#orm)
    return { ...row, ...Object.fromEntries(nulls.map(([name]) => [name, sql`'null'`])) }
  }

  async remove(keyCol: string, keys: readonly string[]): Promise<void> {
    const { inArray } = await drizzleOrm(this.#orm)
    await this.#tx.delete(this.#its).where(inArray(columnsOf(this.#its)[keyCol], keys))
  }

  async removeAll(): Promise<void> {
    await this.#tx.delete(this.#its)
  }
}
