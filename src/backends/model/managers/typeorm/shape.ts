import type { PgPool } from '../pool-advice.js'

/** What is used of TypeORM, by structure. */

/** A repository, as far as its type matters to callers: it gives instances. */
export interface TypeormRepository<Row extends object> {
  create(): Row
  readonly target: unknown
  readonly manager: object
  readonly metadata: object
}

export interface Column {
  readonly propertyPath: string
  readonly databaseName: string
  readonly type: unknown
  readonly isNullable: boolean
  readonly isPrimary: boolean
  readonly isVersion: boolean
  readonly isUpdateDate: boolean
  readonly generatedType?: string | undefined
}

interface Listener {
  isAllowed(entity: object): boolean
  execute(entity: object): unknown
}

type ListenersOf = 'beforeUpdateListeners' | 'afterUpdateListeners' | 'beforeRemoveListeners' | 'afterRemoveListeners'

export interface Metadata extends Readonly<Record<ListenersOf, readonly Listener[]>> {
  readonly name: string
  readonly target: unknown
  readonly tableName: string
  readonly schema?: string | undefined
  /** Set if it differs from the connection's database. */
  readonly database?: string | undefined
  readonly columns: readonly Column[]
  readonly deleteDateColumn?: Column | undefined
  readonly afterLoadListeners: readonly Listener[]
  findColumnWithPropertyPath(path: string): Column | undefined
  create(queryRunner: undefined, options: { fromDeserializer: true }): object
}

export type Subscriber = Readonly<Record<'beforeUpdate' | 'afterUpdate' | 'beforeRemove' | 'afterRemove', unknown>> & {
  listenTo?(): unknown
}

/** Runs statements on one connection, which it takes from the pool. */
export interface QueryRunner {
  readonly isTransactionActive: boolean
  manager: EntityManager
  driver: object
  /** Of better-sqlite3: prepared statements by their text. */
  readonly stmtCache?: Map<string, unknown>
  connect(): Promise<unknown>
  release(): Promise<void>
  query(sql: string, parameters: unknown[], structured: true): Promise<{ readonly records?: unknown }>
  startTransaction(isolation?: string): Promise<void>
  commitTransaction(): Promise<void>
  rollbackTransaction(): Promise<void>
}

export interface DataSource {
  readonly isInitialized: boolean
  readonly options: { readonly type: string; readonly isolationLevel?: string }
  readonly driver: {
    /** PostgreSQL: the pool. */
    readonly master?: PgPool
    preparePersistentValue(value: unknown, column: Column): unknown
    prepareHydratedValue(value: unknown, column: Column): unknown
  }
  readonly subscribers: readonly Subscriber[]
  getMetadata(target: unknown): Metadata
  createQueryRunner(mode: 'master'): QueryRunner
  createEntityManager(runner: QueryRunner): EntityManager
}

/** The manager of one connection. */
export interface EntityManager {
  readonly dataSource: DataSource
  readonly queryRunner: QueryRunner
  create(target: unknown, columns: object): object
  insert(target: unknown, entities: readonly object[]): Promise<unknown>
  save(target: unknown, entity: object): Promise<unknown>
  remove(target: unknown, entities: object[]): Promise<unknown>
  createQueryBuilder(target: unknown, alias: string): Select
}

export interface Executable {
  where(condition: string, parameters?: Readonly<Record<string, unknown>>): this
  andWhere(condition: string, parameters?: Readonly<Record<string, unknown>>): this
  execute(): Promise<unknown>
}

export interface Select extends Executable {
  select(column: string, alias: string): this
  addSelect(column: string, alias: string): this
  orderBy(column: string, order: 'ASC'): this
  take(count: number): this
  limit(count: number): this
  withDeleted(): this
  cache(enabled: false): this
  setFindOptions(options: object): this
  getMany(): Promise<object[]>
  getOne(): Promise<object | null>
  getRawMany(): Promise<Record<string, unknown>[]>
  delete(): Executable
  update(): { set(columns: object): Executable }
}

export interface Repository {
  readonly target: unknown
  readonly manager: { readonly dataSource: DataSource; readonly queryRunner?: QueryRunner }
  createQueryBuilder(alias: string): Select
}
