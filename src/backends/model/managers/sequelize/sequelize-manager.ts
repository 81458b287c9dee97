import type { ColumnKind, DialectName } from '../../../sql/dialect.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { withinLimit } from '../../../sql/statement-limit.js'
import type { Columns, ModelManager, ModelSession, TransactionOptions } from '../manager.js'
import { connectingAdvice } from '../pool-advice.js'
import { runTransaction } from '../run-transaction.js'
import { isColumn, kindOf } from './columns.js'
import { inTransaction, onConnection } from './connections.js'
import { runQuery, SequelizeSession } from './session.js'
import type { Instance, Model, Sequelize, SequelizeModel, Transaction } from './shape.js'

export type { SequelizeModel } from './shape.js'

const DIALECTS: Readonly<Record<string, DialectName>> = {
  postgres: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mysql',
}

/** The dialects in which Sequelize knows schemas; elsewhere it makes them part of the table's name. */
const WITH_SCHEMAS = ['postgres', 'mariadb']

/**
 * A model of Sequelize 6 for `ModelDict`, on PostgreSQL, MySQL or MariaDB.
 *
 * @param model - the class, as `sequelize.define` returns it or `init` initializes it. Its scopes do not matter.
 * @throws TypeError if it is anything else.
 *
 * @example
 * const dict = await ModelDict.open(sequelizeManager(Setting))
 */
export function sequelizeManager<Row extends object>(model: SequelizeModel<Row>): ModelManager<Row> {
  if (!isSequelizeModel(model)) {
    throw new TypeError('sequelizeManager takes a Sequelize model that is initialized: sequelizeManager(Setting).')
  }
  return new SequelizeManager<Row>(model as unknown as Model)
}

/** Whether it is an initialized model of Sequelize. */
export function isSequelizeModel(value: unknown): value is SequelizeModel<object> {
  if (typeof value !== 'function') return false
  const { sequelize, rawAttributes, bulkCreate, unscoped } = value as Partial<Model>
  return Boolean(sequelize && rawAttributes) && typeof bulkCreate === 'function' && typeof unscoped === 'function'
}

class SequelizeManager<Row extends object> implements ModelManager<Row> {
  readonly library = 'Sequelize'
  readonly jsonAsValues = true
  readonly dialect: DialectName
  readonly model: string
  readonly #model: Model
  readonly #unscoped: Model
  readonly #sequelize: Sequelize

  constructor(model: Model) {
    this.#sequelize = model.sequelize as Sequelize
    const name = this.#sequelize.getDialect()
    const dialect = DIALECTS[name]
    if (!dialect) throw new TypeError(`sequelizeManager knows ${Object.keys(DIALECTS).join(', ')}, not "${name}".`)
    this.dialect = dialect
    this.model = model.name
    this.#model = model
    this.#unscoped = model.unscoped()
  }

  get database(): object {
    return this.#sequelize
  }

  advice(): readonly string[] {
    return this.dialect === 'postgresql' ? connectingAdvice(this.#sequelize.options.dialectOptions) : []
  }

  get table(): { readonly schema?: string | undefined; readonly name: string } {
    const table = this.#model.getTableName()
    if (typeof table === 'string') return { name: this.#physical(table) }
    const { schema, delimiter, tableName } = table
    if (!schema) return { name: this.#physical(tableName) }
    const has = WITH_SCHEMAS.includes(this.#sequelize.getDialect())
    if (!has) return { name: `${schema}${delimiter || '.'}${tableName}` }
    return { schema: this.#physical(schema), name: this.#physical(tableName) }
  }

  /** PostgreSQL folds names that are not quoted. */
  #physical(name: string): string {
    const folds = this.dialect === 'postgresql' && this.#sequelize.options.quoteIdentifiers === false
    return folds ? name.toLowerCase() : name
  }

  column(property: string): string | undefined {
    if (!isColumn(this.#model, property)) return undefined
    return this.#physical(this.#model.rawAttributes[property]?.field ?? property)
  }

  kind(property: string): ColumnKind | undefined {
    return kindOf(this.#model, property)
  }

  query(sql: string, parameters: readonly SqlParameter[], limit?: number): Promise<readonly SqlRow[]> {
    return onConnection(this.#sequelize, (connection, discard) =>
      withinLimit(() => runQuery(this.#sequelize, sql, parameters, { connection }), limit, discard),
    )
  }

  within(transaction: object): ModelSession | undefined {
    const { sequelize, commit, rollback } = transaction as Readonly<Record<string, unknown>>
    const isTransaction = typeof commit === 'function' && typeof rollback === 'function'
    if (!isTransaction || sequelize !== this.#sequelize) return undefined
    return new SequelizeSession(this.#unscoped, transaction as Transaction)
  }

  transaction<R>(work: (session: ModelSession) => Promise<R>, options: TransactionOptions): Promise<R> {
    const { isolation, statementLimit } = options
    return runTransaction(
      this.dialect,
      work,
      within =>
        inTransaction(this.#sequelize, this.#isolationLevel(isolation), statementLimit, (transaction, discard) =>
          within(new SequelizeSession(this.#unscoped, transaction), discard),
        ),
      statementLimit,
    )
  }

  /** Named only if the application has set another default than the database's. */
  #isolationLevel(isolation: TransactionOptions['isolation']): string | undefined {
    if (isolation === 'snapshot') return 'REPEATABLE READ'
    if (!this.#sequelize.options.isolationLevel) return undefined
    return this.dialect === 'postgresql' ? 'READ COMMITTED' : 'REPEATABLE READ'
  }

  isInstance(value: object): boolean {
    return value instanceof this.#model
  }

  /** By the getters: setters will take what they give. */
  columnsOf(instance: object): Columns {
    const names = Object.keys(this.#model.rawAttributes).filter(name => isColumn(this.#model, name))
    const columns = names.map(name => [name, (instance as Instance).get(name)] as const)
    return Object.fromEntries(columns.filter(([, value]) => value !== undefined))
  }

  /** Uses the setters if the model has any, because the columns are the results of getters. */
  instance(columns: Columns): Row {
    const raw = !Object.values(this.#model.rawAttributes).some(({ get, set }) => get || set)
    const instance = this.#model.build(columns, { isNewRecord: false, raw })
    for (const name of Object.keys(columns)) instance.changed(name, false)
    return instance as object as Row
  }
}
