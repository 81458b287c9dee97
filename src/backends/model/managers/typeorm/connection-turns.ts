import { InTurn } from '../../../../queues/in-turn.js'
import { now, delay as wait } from '../../../../time/clock.js'

/** A connection that may be inside a transaction. */
interface Connection {
  readonly isTransactionActive: boolean
}

/** How often to check whether another transaction has ended, in ms. TypeORM does not report it. */
const LOOK = 2

/**
 * Runs work one by one on the only connection of a data source, which the application may also use. The library's transactions never
 * become part of another one, and its statements never read uncommitted changes.
 */
export class ConnectionTurns {
  readonly #connection: Connection
  readonly #turns = new InTurn()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Runs the work when its turn comes.
   * @param limit - how long to wait for a transaction of the application, in ms.
   */
  run<R>(work: () => Promise<R>, limit: number): Promise<R> {
    return this.#turns.run(() => this.#begin(work, limit))
  }

  async #begin<R>(work: () => Promise<R>, limit: number): Promise<R> {
    const start = now()
    while (this.#connection.isTransactionActive) {
      if (now() - start > limit) {
        throw new Error(
          `A transaction of the application was open for more than ${limit} ms on this data source, which has one connection. ` +
            'Do not wait for the dictionary inside it, or give the dictionary a data source of its own.',
        )
      }
      await wait(LOOK)
    }
    return work()
  }
}
