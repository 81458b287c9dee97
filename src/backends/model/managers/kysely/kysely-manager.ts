import type { DialectName } from '../../../sql/dialect.js'
import { inOwnContext } from '../../../sql/own-context.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { insertBatches } from '../insert-batches.js'
import { JsonColumns } from '../json-columns.js'
import type { Columns, CompiledWrites, ModelManager, ModelSession, RowQuery, TransactionOptions } from '../manager.js'
import { plainRows } from '../plain-rows.js'
import { PreparedNames } from '../prepared-names.js'
import { runTransaction } from '../run-transaction.js'
import {
  type Builder,
  columnName,
  dialectOf,
  type Kysely,
  rawQuery,
  type Select,
  tableName,
  takesNames,
} from './shapes.js'

/** What is needed of an instance of Kysely 0.28. */
export interface KyselyDatabase {
  readonly isTransaction: boolean
  getExecutor(): { readonly adapter: object }
  selectFrom(table: never): unknown
  insertInto(table: never): unknown
  updateTable(table: never): unknown
  deleteFrom(table: never): unknown
  transaction(): unknown
  connection(): unknown
  withoutPlugins(): unknown
}

export interface KyselyManagerOptions {
  /**
   * The database. Default: as the adapter of Kysely's dialect says by the name of its class.
   *
   * @example
   * kyselyManager(db, 'settings', { dialect: 'postgresql' })
   */
  readonly dialect?: DialectName | undefined
}

/**
 * A table of a Kysely instance, for `ModelDict.open`. Plugins apply to the names of tables and columns, and to instances.
 *
 * @typeParam Row - a row that a select of all columns returns: `Selectable<SettingsTable>`.
 * @throws TypeError if it is not a Kysely instance, if it is a transaction, or if the database is unknown.
 *
 * @example
 * const dict = await ModelDict.open(kyselyManager(db, 'settings'))
 */
export function kyselyManager<Row extends object = Record<string, unknown>>(
  db: KyselyDatabase,
  table: string,
  options: KyselyManagerOptions = {},
): ModelManager<Row> {
  return inOwnContext(() => managerFor(db, table, options))
}

function managerFor<Row extends object>(
  db: KyselyDatabase,
  table: string,
  options: KyselyManagerOptions,
): ModelManager<Row> {
  const kysely = instanceOf(db)
  if (typeof table !== 'string' || table === '') {
    throw new TypeError(
      "kyselyManager() takes a Kysely instance, then the name of its table: kyselyManager(db, 'settings').",
    )
  }
  return new KyselyManager<Row>(kysely, table, options.dialect ?? dialectOf(kysely))
}

function instanceOf(db: unknown): Kysely {
  const { selectFrom, withoutPlugins, getExecutor, isTransaction } = (db ?? {}) as Record<string, unknown>
  if (![selectFrom, withoutPlugins, getExecutor].every(member => typeof member === 'function')) {
    throw new TypeError("kyselyManager() takes an instance of Kysely 0.28: kyselyManager(db, 'settings').")
  }
  if (isTransaction)
    throw new TypeError('kyselyManager() takes the Kysely instance itself, not one of its transactions.')
  return db as Kysely
}

class KyselyManager<Row extends object> implements ModelManager<Row> {
  readonly library = 'Kysely'
  readonly model: string
  readonly dialect: DialectName
  readonly table: ModelManager['table']
  readonly #db: Kysely
  readonly #plain: Kysely
  readonly #json: JsonColumns
  readonly #columns = new Map<string, string>()
  /** Missing until the driver is known to take them. */
  #names: PreparedNames | undefined

  constructor(db: Kysely, model: string, dialect: DialectName) {
    this.#db = db
    // What we ask by ourselves is to come as it is.
    this.#plain = db.withoutPlugins()
    this.model = model
    this.dialect = dialect
    this.table = tableName(db, model)
    this.#json = new JsonColumns(this)
  }

  /** The same for all instances that plugins and schemas are added to. */
  get database(): object {
    return this.#db.getExecutor().adapter
  }

  column(property: string): string {
    const name = this.#columns.get(property) ?? columnName(this.#db, this.model, property)
    this.#columns.set(property, name)
    return name
  }

  async query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    if (this.dialect === 'postgresql') {
      this.#names ??= await PreparedNames.of(this.database).unlessRefused(() => takesNames(this.#plain))
    }
    return this.ask(this.#plain, sql, parameters)
  }

  /** Plugins apply, as they do to the statements of a transaction. */
  readonly writes: CompiledWrites = {
    compile: write => {
      const { sql, parameters } =
        'create' in write
          ? this.#db.insertInto(this.model).values([write.create]).compile()
          : this.#db.updateTable(this.model).set(write.update).where(write.keyCol, '=', write.key).compile()
      return { sql, parameters }
    },
    connect: work =>
      this.#db.connection().execute(connected => {
        const plain = connected.withoutPlugins()
        return work({ query: (sql, parameters) => this.ask(plain, sql, parameters) })
      }),
  }

  /** Runs a statement of ours. */
  ask(by: Kysely, sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return this.#names
      ? this.#names.send(sql, name => rawQuery(by, sql, parameters, name))
      : rawQuery(by, sql, parameters)
  }

  within(transaction: object): ModelSession | undefined {
    const { isTransaction, getExecutor } = transaction as Partial<KyselyDatabase>
    if (isTransaction !== true || typeof getExecutor !== 'function') return undefined
    return new KyselySession(this, this.#json, transaction as Kysely)
  }

  transaction<R>(work: (session: ModelSession) => Promise<R>, { isolation }: TransactionOptions): Promise<R> {
    let transaction = this.#db.transaction()
    if (isolation === 'snapshot' && this.dialect !== 'sqlite') {
      transaction = transaction.setIsolationLevel('repeatable read')
    }
    return runTransaction(this.dialect, work, within =>
      transaction.execute(trx => within(new KyselySession(this, this.#json, trx))),
    )
  }
}

class KyselySession implements ModelSession {
  readonly #of: KyselyManager<object>
  readonly #json: JsonColumns
  readonly #trx: Kysely
  readonly #plain: Kysely

  constructor(of: KyselyManager<object>, json: JsonColumns, trx: Kysely) {
    this.#of = of
    this.#json = json
    this.#trx = trx
    this.#plain = trx.withoutPlugins()
  }

  query(sql: string, parameters: readonly SqlParameter[]): Promise<readonly SqlRow[]> {
    return this.#of.ask(this.#plain, sql, parameters)
  }

  async rows({ columns, ...query }: RowQuery): Promise<readonly object[]> {
    if (!columns) return narrowed(this.#trx.selectFrom(this.#of.model).selectAll(), query).execute()
    const json = await this.#json.read(this)
    return plainRows(this.#of, this, name => json.has(this.#of.column(name)), { ...query, columns })
  }

  async create(rows: readonly Columns[]): Promise<void> {
    for (const batch of insertBatches(rows)) await this.#trx.insertInto(this.#of.model).values(batch).execute()
  }

  update(keyCol: string, key: string, columns: Columns): Promise<unknown> {
    return this.#trx.updateTable(this.#of.model).set(columns).where(keyCol, '=', key).execute()
  }

  remove(keyCol: string, keys: readonly string[]): Promise<unknown> {
    return this.#trx.deleteFrom(this.#of.model).where(keyCol, 'in', keys).execute()
  }

  removeAll(): Promise<unknown> {
    return this.#trx.deleteFrom(this.#of.model).execute()
  }
}

function narrowed(from: Select, { keyCol, keys, after, limit }: RowQuery): Builder {
  let select = from.orderBy(keyCol)
  if (keys) select = select.where(keyCol, 'in', keys)
  if (after !== undefined) select = select.where(keyCol, '>', after)
  return limit === undefined ? select : select.limit(limit)
}
