import type { PgSettings } from '../pool-advice.js'

/** What is used of Sequelize, by structure. */

/** A model class, as far as its type matters to callers: it makes instances. */
export interface SequelizeModel<Row extends object> {
  new (...values: never[]): Row
  readonly rawAttributes: object
  findAll(...options: never[]): Promise<unknown>
}

interface Attribute {
  readonly field?: string
  readonly allowNull?: boolean
  readonly defaultValue?: unknown
  readonly get?: unknown
  readonly set?: unknown
  readonly type: { readonly key?: string }
}

/** A transaction, or for one statement just the connection of one. */
export interface Transaction {
  readonly connection?: unknown
}

interface ConnectionManager {
  getConnection(options: {
    readonly type: 'write'
    readonly useMaster: true
    readonly uuid?: unknown
  }): Promise<unknown>
  releaseConnection(connection: unknown): void
  destroyConnection(connection: unknown): Promise<void>
}

interface HasHooks {
  hasHook(name: string): unknown
}

export interface Sequelize extends HasHooks {
  readonly options: {
    readonly omitNull?: boolean
    readonly quoteIdentifiers?: boolean
    readonly isolationLevel?: string
    readonly dialectOptions?: PgSettings
  }
  readonly connectionManager: ConnectionManager
  getDialect(): string
  query(sql: string, options: object): Promise<readonly unknown[]>
  transaction<R>(options: object, work: (transaction: Transaction) => Promise<R>): Promise<R>
  literal(sql: string): object
  cast(value: object, type: string): object
  col(name: string): object
}

export interface Instance {
  get(name: string): unknown
  changed(name: string, dirty: boolean): unknown
  update(columns: object, options: object): Promise<unknown>
}

export interface Model extends HasHooks {
  new (): Instance
  readonly name: string
  readonly sequelize?: Sequelize
  readonly rawAttributes: Readonly<Record<string, Attribute>>
  readonly options: { readonly paranoid?: boolean; readonly deletedAt?: string | boolean }
  readonly primaryKeyAttributes: readonly string[]
  getTableName(): string | { readonly tableName: string; readonly schema?: string; readonly delimiter?: string }
  unscoped(): Model
  build(columns: object, options: object): Instance
  findAll(options: object): Promise<object[]>
  findOne(options: object): Promise<Instance | null>
  create(columns: object, options: object): Promise<unknown>
  bulkCreate(rows: readonly object[], options: object): Promise<unknown>
  update(columns: object, options: object): Promise<unknown>
  destroy(options: object): Promise<unknown>
}
