import { processWide } from '../../../../process/shared.js'
import type { ColumnKind, DialectName } from '../../../sql/dialect.js'
import { inOwnContext } from '../../../sql/own-context.js'
import type { SqlParameter, SqlRow } from '../../../sql/sql-session.js'
import { type Discard, withinLimit } from '../../../sql/statement-limit.js'
import type { Columns, ModelManager, ModelSession, TransactionOptions } from '../manager.js'
import { connectingAdvice } from '../pool-advice.js'
import { runTransaction } from '../run-transaction.js'
import { kindOf } from './columns.js'
import { ConnectionTurns } from './connection-turns.js'
import { isHeard, runQuery, TypeormSession } from './session.js'
import type { DataSource, Metadata, QueryRunner, Repository, TypeormRepository } from './shape.js'
import { OwnDataSource } from './source.js'

export type { TypeormRepository } from './shape.js'

const DIALECTS: Readonly<Record<string, DialectName>> = {
  postgres: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mysql',
  'better-sqlite3': 'sqlite',
}

/** How long a statement outside a transaction waits for a transaction of the application, in ms. */
const PATIENCE = 5_000

/** The queues of data sources that have only one connection. */
const turnsOf = processWide('turns of TypeORM', () => new WeakMap<DataSource, ConnectionTurns>())

/**
 * An entity of TypeORM (1.0 or later) for `ModelDict`, on PostgreSQL, MySQL, MariaDB, or SQLite through better-sqlite3 or libsql.
 *
 * @param repository - `dataSource.getRepository(Setting)`, of a data source that is initialized.
 * @throws TypeError if it is anything else.
 *
 * @example
 * const dict = await ModelDict.open(typeormManager(source.getRepository(Setting)))
 */
export function typeormManager<Row extends object>(repository: TypeormRepository<Row>): ModelManager<Row> {
  // In a transaction that belongs to an async context, repositories present themselves as its own.
  return inOwnContext(() => managerFor(repository))
}

function managerFor<Row extends object>(repository: TypeormRepository<Row>): ModelManager<Row> {
  if (!isTypeormRepository(repository)) {
    throw new TypeError('typeormManager takes a TypeORM repository: typeormManager(dataSource.getRepository(Setting)).')
  }
  const { manager, target } = repository as unknown as Repository
  if (manager.queryRunner) {
    throw new TypeError('typeormManager takes the repository of a data source, not that of a transaction.')
  }
  const { isInitialized, options } = manager.dataSource
  const dialect = DIALECTS[options.type]
  if (!dialect) throw new TypeError(`typeormManager knows ${Object.keys(DIALECTS).join(', ')}, not "${options.type}".`)
  if (!isInitialized) {
    throw new TypeError(
      'typeormManager takes the repository of a data source that is initialized: await dataSource.initialize().',
    )
  }
  return new TypeormManager<Row>(manager.dataSource, target, dialect)
}

/** Whether it is a repository of TypeORM. */
export function isTypeormRepository(value: unknown): value is TypeormRepository<object> {
  if (typeof value !== 'object' || value === null) return false
  const { manager, target, createQueryBuilder } = value as Partial<Repository>
  return Boolean(target) && typeof createQueryBuilder === 'function' && Boolean(manager?.dataSource)
}

class TypeormManager<Row extends object> implements ModelManager<Row> {
  readonly library = 'TypeORM'
  readonly jsonAsValues = true
  readonly dialect: DialectName
  readonly #source: OwnDataSource
  readonly #target: unknown
  readonly #metadata: Metadata

  constructor(dataSource: DataSource, target: unknown, dialect: DialectName) {
    this.dialect = dialect
    this.#source = new OwnDataSource(dataSource, dialect)
    this.#target = target
    this.#metadata = dataSource.getMetadata(target)
  }

  get database(): object {
    return this.#source.dataSource
  }

  advice(): readonly string[] {
    const { master } = this.#source.dataSource.driver
    return this.dialect === 'postgresql' && master ? connectingAdvice(master.options) : []
  }

  get readsWhatItChanges(): boolean {
    const { dataSource } = this.#source
    return isHeard(dataSource, this.#metadata, 'Update') || isHeard(dataSource, this.#metadata, 'Remove')
  }

  get model(): string {
    return this.#metadata.name
  }

  get table(): { readonly schema?: string | undefined; readonly name: string } {
    const { schema, database, tableName } = this.#metadata
    return { schema: { postgresql: schema, mysql: database, sqlite: undefined }[this.dialect], name: tableName }
  }

  column(property: string): string | undefined {
    return this.#metadata.findColumnWithPropertyPath(property)?.databaseName
  }

  kind(property: string): ColumnKind | undefined {
    const column = this.#metadata.findColumnWithPropertyPath(property)
    return column && kindOf(column)
  }

  query(sql: string, parameters: readonly SqlParameter[], limit?: number): Promise<readonly SqlRow[]> {
    const ask = (runner: QueryRunner, discard: Discard) =>
      withinLimit(() => runQuery(runner, sql, parameters), limit, discard)
    return this.#inTurn(() => this.#source.run(ask), PATIENCE)
  }

  /** The entity manager of the callback, or a query runner. */
  within(transaction: object): ModelSession | undefined {
    const { queryRunner = transaction } = transaction as { queryRunner?: object }
    const { isTransactionActive, manager } = queryRunner as Partial<QueryRunner>
    return isTransactionActive && manager ? new TypeormSession(manager, this.#target) : undefined
  }

  transaction<R>(work: (session: ModelSession) => Promise<R>, options: TransactionOptions): Promise<R> {
    const { isolation, limit, statementLimit } = options
    const level = this.#source.isolationLevel(isolation)
    const begin = (within: (session: ModelSession, discard: Discard) => Promise<R>) =>
      this.#source.run(async (runner, discard) => {
        await withinLimit(() => runner.startTransaction(level), statementLimit, discard)
        try {
          const result = await within(new TypeormSession(runner.manager, this.#target), discard)
          await runner.commitTransaction()
          return result
        } catch (error) {
          await runner.rollbackTransaction().catch(() => {})
          throw error
        }
      })
    return this.#inTurn(() => runTransaction(this.dialect, work, begin, statementLimit), limit)
  }

  isInstance(value: object, keyCol: string): boolean {
    const { target } = this.#metadata
    return typeof target === 'function' ? value instanceof target : Object.hasOwn(value, keyCol)
  }

  /** Leaves out loaded relations. */
  columnsOf(instance: object): Columns {
    const own = instance as Columns
    const names = new Set(this.#metadata.columns.map(({ propertyPath }) => propertyPath.split('.')[0] as string))
    return Object.fromEntries([...names].filter(name => own[name] !== undefined).map(name => [name, own[name]]))
  }

  instance(columns: Columns): Row {
    const entity = Object.assign(this.#metadata.create(undefined, { fromDeserializer: true }), columns)
    for (const listener of this.#metadata.afterLoadListeners) if (listener.isAllowed(entity)) listener.execute(entity)
    return entity as Row
  }

  /** TypeORM has one connection for a whole data source of SQLite, and would make one transaction of two at the same time. */
  #inTurn<R>(work: () => Promise<R>, limit: number): Promise<R> {
    if (this.dialect !== 'sqlite') return work()
    const { dataSource } = this.#source
    const runner = dataSource.createQueryRunner('master')
    const turns = turnsOf.get(dataSource) ?? new ConnectionTurns(runner)
    turnsOf.set(dataSource, turns)
    return turns.run(work, limit).catch(error => {
      // A statement that failed may be unfinished, and must not be kept: see unfinished-statements.ts.
      runner.stmtCache?.clear()
      throw error
    })
  }
}
