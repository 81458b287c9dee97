import type { DialectName } from '../../../sql/dialect.js'
import { closeConnection, type Discard } from '../../../sql/statement-limit.js'
import type { TransactionOptions } from '../manager.js'
import type { DataSource, QueryRunner } from './shape.js'

type Work<R> = (runner: QueryRunner, discard: Discard) => Promise<R>

const nothing = () => {}

/** Query logs would contain stored values. */
const SILENT = Object.fromEntries(
  ['logQuery', 'logQueryError', 'logQuerySlow', 'logSchemaBuild', 'logMigration', 'log'].map(name => [name, nothing]),
)

/** What transactions that write run at; names it only if the application has set another default. */
const WRITING: Readonly<Record<DialectName, string | undefined>> = {
  postgresql: 'READ COMMITTED',
  mysql: 'REPEATABLE READ',
  sqlite: undefined,
}

/**
 * The application's data source as a dictionary uses it: always the primary, on a query runner of its own, without the query cache,
 * which could return old results.
 */
export class OwnDataSource {
  readonly dataSource: DataSource
  readonly #dialect: DialectName
  readonly #plain: DataSource

  constructor(dataSource: DataSource, dialect: DialectName) {
    this.dataSource = dataSource
    this.#dialect = dialect
    this.#plain = Object.create(dataSource, { queryResultCache: { value: undefined }, logger: { value: SILENT } })
  }

  isolationLevel(isolation: TransactionOptions['isolation']): string | undefined {
    if (this.#dialect === 'sqlite') return undefined
    if (isolation === 'snapshot') return 'REPEATABLE READ'
    return this.dataSource.options.isolationLevel && WRITING[this.#dialect]
  }

  /** Runs the work on one connection. */
  run<R>(work: Work<R>): Promise<R> {
    return this.#dialect === 'sqlite' ? this.#onShared(work) : this.#onOwn(work)
  }

  async #onOwn<R>(work: Work<R>): Promise<R> {
    const runner = this.#plain.createQueryRunner('master')
    runner.driver = Object.create(runner.driver, { dataSource: { value: this.#plain } })
    try {
      const connection = await runner.connect()
      return await work(runner, () => closeConnection(connection))
    } finally {
      await runner.release()
    }
  }

  /** SQLite: there is one query runner for the whole data source. It keeps the manager of the last caller. */
  async #onShared<R>(work: Work<R>): Promise<R> {
    const runner = this.dataSource.createQueryRunner('master')
    const { manager } = runner
    this.#plain.createEntityManager(runner)
    try {
      return await work(runner, nothing)
    } finally {
      runner.manager = manager
    }
  }
}
