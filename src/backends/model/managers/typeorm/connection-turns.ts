import { InTurn } from '../../../../queues/in-turn.js'
import { now, delay as wait } from '../../../../time/clock.js'

/** A connection that may be inside of a transaction. */
interface Connection {
  readonly isTransactionActive: boolean
}

/** How often is looked, in ms, whether someone else's transaction has ended: TypeORM does not tell. */
const LOOK = 2

/**
 * One after the other on the one connection of a data source, which the application may use as well. A transaction of ours never
 * becomes part of another, and no statement of ours reads what a transaction has not committed.
 */
export class ConnectionTurns {
  readonly #connection: Connection
  readonly #turns = new InTurn()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Runs it once it is its turn.
   * @param limit - how long a transaction of the application's is waited for, in ms.
   */
  run<R>(work: () => Promise<R>, limit: number): Promise<R> {
    return this.#turns.run(() => this.#begin(work, limit))
  }

  async #begin<R>(work: () => Promise<R>, limit: number): Promise<R> {
    const start = now()
    while (this.#connection.isTransactionActive) {
      if (now() - start > limit) {
        throw new Error(
          `A transaction of the application's was open for more than ${limit} ms on this data source, which has one connection. ` +
            'Do not wait for the dictionary inside of it, or give the dictionary a data source of its own.',
        )
      }
      await wait(LOOK)
    }
    return work()
  }
}
