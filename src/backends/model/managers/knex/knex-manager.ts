import type { DialectName } from '../../../sql/dialect.js'
import { inOwnContext } from '../../../sql/own-context.js'
import { checkedColumns } from '../../../sql/replies.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { withinLimit, withLimitedBegin } from '../../../sql/statement-limit.js'
import { insertBatches } from '../insert-batches.js'
import { JsonColumns, TEXT } from '../json-columns.js'
import type { Columns, CompiledWrites, ModelManager, ModelSession, RowQuery, TransactionOptions } from '../manager.js'
import { plainValue } from '../plain-value.js'
import { PreparedNames } from '../prepared-names.js'
import { runTransaction, type Within } from '../run-transaction.js'
import {
  type Client,
  dialectOf,
  isHeard,
  type Knex,
  onConnection,
  physicalName,
  plainClient,
  plainly,
  type Query,
  rawQuery,
} from './shapes.js'

/** What is needed of an instance of Knex 3. */
export interface KnexInstance {
  (table: string): object
  readonly client: object
  readonly isTransaction?: boolean | undefined
  readonly raw: object
  readonly transaction: object
}

export interface KnexManagerOptions {
  /**
   * The database. Default: as Knex's client says.
   *
   * @example
   * knexManager(db, 'settings', { dialect: 'postgresql' })
   */
  readonly dialect?: DialectName | undefined
}

/**
 * A table of a Knex instance, for `ModelDict.open`. `wrapIdentifier` and `postProcessResponse` apply.
 *
 * @typeParam Row - a row that a select of all columns returns.
 * @throws TypeError if it is not a Knex instance, if it is a transaction, or if the database is unknown.
 *
 * @example
 * const dict = await ModelDict.open(knexManager(knex, 'settings'))
 */
export function knexManager<Row extends object = Record<string, unknown>>(
  knex: KnexInstance,
  table: string,
  options: KnexManagerOptions = {},
): ModelManager<Row> {
  return inOwnContext(() => managerFor(knex, table, options))
}

function managerFor<Row extends object>(
  knex: KnexInstance,
  table: string,
  options: KnexManagerOptions,
): ModelManager<Row> {
  const instance = instanceOf(knex)
  if (typeof table !== 'string' || table === '') {
    throw new TypeError(
      "knexManager() takes a Knex instance, then the name of its table: knexManager(knex, 'settings').",
    )
  }
  return new KnexManager<Row>(instance, table, options.dialect ?? dialectOf(instance))
}

function instanceOf(knex: unknown): Knex {
  const { client, raw, transaction, isTransaction } = (knex ?? {}) as Record<string, unknown>
  if (typeof knex !== 'function' || typeof raw !== 'function' || typeof transaction !== 'function' || !client) {
    throw new TypeError("knexManager() takes an instance of Knex 3: knexManager(knex, 'settings').")
  }
  if (isTransaction) throw new TypeError('knexManager() takes the Knex instance itself, not one of its transactions.')
  return knex as unknown as Knex
}

class KnexManager<Row extends object> implements ModelManager<Row> {
  readonly library = 'Knex'
  readonly model: string
  readonly dialect: DialectName
  readonly table: ModelManager['table']
  readonly #knex: Knex
  readonly #plain: Client
  readonly #json: JsonColumns
  readonly #names: PreparedNames

  constructor(knex: Knex, model: string, dialect: DialectName) {
    this.#knex = knex
    this.#plain = plainClient(knex)
    this.#names = PreparedNames.of(knex.client)
    this.model = model
    this.dialect = dialect
    const names = model.split('.').map(name => physicalName(knex, name.trim()))
    this.table = { ...(names.length > 1 && { schema: names.at(-2) }), name: names.at(-1) as string }
    this.#json = new JsonColumns(this)
  }

  get database(): object {
    return this.#knex.client
  }

  column(property: string): string {
    return physicalName(this.#knex, property)
  }

  query(sql: string, parameters: readonly SqlParameter[], limit?: number): Promise<readonly SqlRow[]> {
    return onConnection(this.#plain, (connection, discard) =>
      withinLimit(() => this.ask(this.#plain, sql, parameters, connection), limit, discard),
    )
  }

  /** Listeners of the application may alter a query that Knex runs by itself. */
  readonly writes: CompiledWrites = {
    compile: write => {
      if (isHeard(this.#knex)) return undefined
      const table = this.#knex(this.model)
      const query =
        'create' in write
          ? table.insert([write.create])
          : table.where(write.keyCol, '=', write.key).update(write.update)
      const { sql, bindings } = query.toSQL().toNative()
      return { sql, parameters: bindings }
    },
    connect: (work, limit) =>
      onConnection(this.#plain, (connection, discard) =>
        work({
          query: (sql, parameters) =>
            withinLimit(() => this.ask(this.#plain, sql, parameters, connection), limit, discard),
        }),
      ),
  }

  /** Runs a statement of ours. */
  ask(by: Client, sql: string, parameters: readonly SqlParameter[], connection?: object): Promise<readonly SqlRow[]> {
    const on = connection ? { connection } : {}
    if (this.dialect !== 'postgresql') return rawQuery(by, this.dialect, sql, parameters, on)
    return this.#names.send(sql, name => rawQuery(by, this.dialect, sql, parameters, { ...on, name }))
  }

  within(transaction: object): ModelSession | undefined {
    const { isTransaction, client } = transaction as Partial<KnexInstance>
    return isTransaction && client ? new KnexSession(this, this.#json, transaction as Knex) : undefined
  }

  transaction<R>(work: (session: ModelSession) => Promise<R>, options: TransactionOptions): Promise<R> {
    const { isolation, statementLimit } = options
    const snapshot = isolation === 'snapshot' && this.dialect !== 'sqlite'
    const level = snapshot ? ({ isolationLevel: 'repeatable read' } as const) : {}
    const begin = (within: Within<R>) =>
      onConnection(this.#plain, (connection, discard) =>
        withLimitedBegin(
          run => this.#knex.transaction(run, { ...level, connection }),
          (trx: Knex) => this.#inside(trx, isolation, session => within(session, discard)),
          statementLimit,
          discard,
        ),
      )
    return runTransaction(this.dialect, work, begin, statementLimit)
  }

  async #inside<R>(
    trx: Knex,
    isolation: TransactionOptions['isolation'],
    within: (session: ModelSession) => Promise<R>,
  ): Promise<R> {
    const session = new KnexSession(this, this.#json, trx)
    const result = await within(session)
    if (this.dialect === 'sqlite' && !isolation) await commit(session)
    return result
  }
}

/**
 * Commits a transaction of SQLite, and leaves Knex an empty one to commit. Knex takes a transaction whose COMMIT failed for ended,
 * and hands out its connection with the changes still in it: SQLite's fails while others read.
 */
async function commit(session: ModelSession): Promise<void> {
  await session.query('COMMIT', [])
  await session.query('BEGIN', [])
}

class KnexSession implements ModelSession {
  readonly #of: KnexManager<object>
  readonly #json: JsonColumns
  readonly #trx: Knex
  readonly #plain: Client

  constructor(of: KnexManager<object>, json: JsonColumns, trx: Knex) {
    this.#of = of
    this.#json = json
    this.#trx = trx
    this.#plain = plainClient(trx)
  }

  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return this.#of.ask(this.#plain, sql, parameters)
  }

  async rows({ columns, ...query }: RowQuery): Promise<readonly object[]> {
    if (!columns) return (await narrowed(this.#table, query)) as object[]
    const json = await this.#json.read(this)
    const from = narrowed(this.#plain.queryBuilder().from(this.#of.model), query)
    const selected = from.select(columns.map(name => this.#selected(name, json)))
    const physical = columns.map(name => this.#of.column(name))
    const rows = checkedColumns<SqlRow>('Knex', physical, await plainly(selected, this.#of.dialect))
    return rows.map(row => Object.fromEntries(columns.map(name => [name, plainValue(row[this.#of.column(name)])])))
  }

  #selected(name: string, json: ReadonlySet<unknown>): unknown {
    if (!json.has(this.#of.column(name))) return name
    return this.#plain.raw(`cast(?? as ${TEXT[this.#of.dialect]}) as ??`, [name, name])
  }

  async create(rows: readonly Columns[]): Promise<void> {
    for (const batch of insertBatches(rows)) await this.#table.insert(batch)
  }

  async update(keyCol: string, key: string, columns: Columns): Promise<void> {
    await this.#table.where(keyCol, '=', key).update(columns)
  }

  async remove(keyCol: string, keys: readonly string[]): Promise<void> {
    await this.#table.whereIn(keyCol, keys).delete()
  }

  async removeAll(): Promise<void> {
    await this.#table.delete()
  }

  get #table(): Query {
    return this.#trx(this.#of.model)
  }
}

function narrowed(from: Query, { keyCol, keys, after, limit }: RowQuery): Query {
  const select = from.orderBy(keyCol)
  if (keys) select.whereIn(keyCol, keys)
  if (after !== undefined) select.where(keyCol, '>', after)
  if (limit !== undefined) select.limit(limit)
  return select
}
