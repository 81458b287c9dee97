import { InTurn } from '../../../../queues/in-turn.js'
import type { DialectName } from '../../../sql/dialect.js'
import { closeConnection, type Discard, withLimitedBegin } from '../../../sql/statement-limit.js'
import type { TransactionOptions } from '../manager.js'
import type { Database, Session } from './shapes.js'

/** Query logs would contain stored values. */
const SILENT = { logQuery: () => {} }

type Work<R> = (tx: Database, discard?: Discard) => Promise<R>
type Isolation = TransactionOptions['isolation']

/** How a client runs transactions, and statements beside them. */
export interface Transactions {
  /** @param limit - the most that beginning may take, in ms. */
  run<R>(work: Work<R>, isolation: Isolation, limit?: number): Promise<R>
  /** Runs one statement on the database that the work gets. */
  outside<R>(work: (by: Pick<Database, 'session'>, discard?: Discard) => Promise<R>): Promise<R>
}

/** Of the drivers' clients, that which is used here. */
interface Client {
  /** Of pg: its pool, and also its single client. */
  connect?(): Promise<Connection>
  /** Of pg's pool. */
  readonly totalCount?: number
  /** Of mysql2's pool. */
  getConnection?(): Promise<Connection>
  /** Of mysql2's single connection. */
  readonly beginTransaction?: unknown
  /** Of libsql. */
  readonly protocol?: string
}

/** A connection of a pool of pg or mysql2. */
interface Connection {
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
  release(broken?: boolean): void
  /** Of mysql2. */
  destroy?(): void
}

/** @throws TypeError where the client is a single connection, on which transactions would mix. */
export function transactionsOf(db: Database, dialect: DialectName): Transactions {
  const client = db.session.client as Client
  if (dialect === 'sqlite' && client.protocol === 'file') return new OneAtATime(db, client)
  if (dialect === 'mysql' && client.getConnection) return new Pooled(db, () => client.getConnection?.())
  if (dialect === 'postgresql' && typeof client.totalCount === 'number') return new Pooled(db, () => client.connect?.())
  const single = dialect === 'postgresql' ? typeof client === 'object' && client.connect : client.beginTransaction
  if (!single) return new AsItComes(db)
  throw new TypeError(
    'drizzleManager() needs a pool: transactions would mix on the single connection of this database.',
  )
}

function settings(isolation: Isolation) {
  return isolation === 'snapshot' ? ({ isolationLevel: 'repeatable read' } as const) : undefined
}

/** The driver sees to it all. */
class AsItComes implements Transactions {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  run<R>(work: Work<R>, isolation: Isolation): Promise<R> {
    return this.#db.transaction(work, settings(isolation))
  }

  outside<R>(work: (by: Database) => Promise<R>): Promise<R> {
    return work(this.#db)
  }
}

/** An SQLite file. libsql does not wait for its own transactions, but fails during one. */
class OneAtATime implements Transactions {
  readonly #db: Database
  readonly #turns: InTurn

  constructor(db: Database, client: object) {
    this.#db = db
    this.#turns = InTurn.of(client)
  }

  run<R>(work: Work<R>): Promise<R> {
    return this.#turns.run(() => this.#db.transaction(work))
  }

  outside<R>(work: (by: Database) => Promise<R>): Promise<R> {
    return this.#turns.run(() => work(this.#db))
  }
}

/** Drizzle keeps a connection for ever on which a transaction could not begin: we take it from the pool, and give it back. */
class Pooled implements Transactions {
  readonly #session: Session
  readonly #connect: () => Promise<Connection> | undefined

  constructor(db: Database, connect: () => Promise<Connection> | undefined) {
    this.#session = db.session
    this.#connect = connect
  }

  run<R>(work: Work<R>, isolation: Isolation, limit?: number): Promise<R> {
    return this.#onConnection(async (session, discard, done) => {
      const begin = (inside: (tx: Database) => Promise<R>) => session.transaction(inside, settings(isolation))
      const inside = async (tx: Database) => {
        try {
          return await work(tx, discard)
        } catch (error) {
          done(error)
          throw error
        }
      }
      return withLimitedBegin(begin, inside, limit, discard)
    })
  }

  outside<R>(work: (by: { session: Session }, discard: Discard) => Promise<R>): Promise<R> {
    return this.#onConnection((session, discard, done) =>
      work({ session }, discard).catch(error => {
        done(error)
        throw error
      }),
    )
  }

  /** @param work - gets a function, to be called with an error that leaves the connection usable. */
  async #onConnection<R>(
    work: (session: Session, discard: Discard, done: (error: unknown) => void) => Promise<R>,
  ): Promise<R> {
    const connection = (await this.#connect()) as Connection
    // The failing statement reports the error. Without a listener the process would end.
    const ignore = () => {}
    connection.on('error', ignore)
    const session: Session = Object.create(this.#session, { client: { value: connection }, logger: { value: SILENT } })
    let broken = true
    let own: unknown = session
    const discard = () => {
      own = session
      closeConnection(connection)
    }
    const done = (error: unknown) => {
      own = error
    }
    try {
      const result = await work(session, discard, done)
      broken = false
      return result
    } catch (error) {
      // Another error than the function's own: it did not begin, commit or roll back.
      broken = error !== own
      throw error
    } finally {
      connection.off('error', ignore)
      giveBack(connection, broken)
    }
  }
}

function giveBack(connection: Connection, broken: boolean): void {
  if (broken && connection.destroy) connection.destroy()
  else connection.release(broken)
}
