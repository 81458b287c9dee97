import { closeConnection, type Discard, withLimitedBegin } from '../../../sql/statement-limit.js'
import type { Sequelize, Transaction } from './shape.js'

const PRIMARY = { type: 'write', useMaster: true } as const

/** Runs the work on one connection of the primary, outside any transaction. */
export async function onConnection<R>(
  sequelize: Sequelize,
  work: (connection: unknown, discard: Discard) => Promise<R>,
): Promise<R> {
  const connections = sequelize.connectionManager
  const connection = await connections.getConnection(PRIMARY)
  let discarded = false
  try {
    return await work(connection, () => {
      discarded = true
      discard(sequelize, connection)
    })
  } finally {
    if (!discarded) connections.releaseConnection(connection)
  }
}

/** Runs the work in a transaction of its own; `BEGIN` has the limit of a statement. */
export async function inTransaction<R>(
  sequelize: Sequelize,
  isolationLevel: string | undefined,
  limit: number | undefined,
  work: (transaction: Transaction, discard: Discard) => Promise<R>,
): Promise<R> {
  const own = new OwnConnection(sequelize)
  const options = isolationLevel === undefined ? {} : { isolationLevel }
  const run = (begun: (transaction: Transaction) => Promise<R>) => own.sequelize.transaction(options, begun)
  return withLimitedBegin(run, begun => work(begun, own.discard), limit, own.discard, own.connected)
}

/** The same Sequelize for one transaction, whose connection is known before it has begun. */
class OwnConnection {
  readonly sequelize: Sequelize
  readonly #application: Sequelize
  #connection: unknown
  /** Resolves when the pool has given a connection. */
  readonly connected: Promise<void>

  constructor(application: Sequelize) {
    this.#application = application
    const { connectionManager } = application
    let connected = () => {}
    this.connected = new Promise(resolve => {
      connected = resolve
    })
    const getConnection = async (options: object) => {
      this.#connection = await connectionManager.getConnection({ ...options, ...PRIMARY })
      connected()
      return this.#connection
    }
    const own = Object.create(connectionManager, { getConnection: { value: getConnection } })
    this.sequelize = Object.create(application, { connectionManager: { value: own } })
  }

  readonly discard = (): void => discard(this.#application, this.#connection)
}

/** Takes the connection out of its pool. */
function discard({ connectionManager }: Sequelize, connection: unknown): void {
  connectionManager.destroyConnection(connection).catch(() => {})
  closeConnection(connection)
}
