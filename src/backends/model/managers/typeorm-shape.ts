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
  /** Where it is another than the connection's. */
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

interface QueryRunner {
  readonly isTransactionActive: boolean
  /** Of better-sqlite3: prepared statements by their text. */
  readonly stmtCache?: Map<string, unknown>
}

export interface DataSource {
  readonly isInitialized: boolean
  readonly options: { readonly type: string }
  readonly driver: {
    preparePersistentValue(value: unknown, column: Column): unknown
    prepareHydratedValue(value: unknown, column: Column): unknown
  }
  readonly subscribers: readonly Subscriber[]
  createQueryRunner(): QueryRunner
}

export interface EntityManager {
  readonly dataSource: DataSource
  /** The one connection of a manager inside of a transaction. */
  readonly queryRunner?: object
  query(sql: string, parameters: unknown[]): Promise<unknown>
  transaction<R>(work: (manager: EntityManager) => Promise<R>): Promise<R>
  transaction<R>(isolation: 'REPEATABLE READ', work: (manager: EntityManager) => Promise<R>): Promise<R>
  getRepository(target: unknown): Repository
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
  setFindOptions(options: object): this
  getMany(): Promise<object[]>
  getOne(): Promise<object | null>
  getRawMany(): Promise<Record<string, unknown>[]>
  delete(): Executable
  update(): { set(columns: object): Executable }
}

export interface Repository {
  readonly target: unknown
  readonly manager: EntityManager
  readonly metadata: Metadata
  create(columns: object): object
  insert(entities: readonly object[]): Promise<unknown>
  save(entity: object): Promise<unknown>
  remove(entities: object[]): Promise<unknown>
  createQueryBuilder(alias: string): Select
}
