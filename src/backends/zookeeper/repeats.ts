import { setImmediate } from '../../time/clock.js'
import type { Names } from './names.js'
import { isLoss, type Session } from './session.js'

/**
 * Repeats work that a lost connection interrupted, and ensures that a barrier and the read after it use the same
 * connection.
 */
export class Repeats {
  readonly #session: Session
  readonly #names: Names

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
  }

  /** Runs the work, and repeats it on the next connection if the connection was lost. */
  async retry<V>(work: () => Promise<V>): Promise<V> {
    for (;;) {
      await this.#session.ready()
      try {
        return await work()
      } catch (fault) {
        if (!isLoss(fault)) throw fault
      }
      // A client that is being closed counts as connected, and refuses each request at once, until the event loop runs.
      if (this.#session.connected) await eventLoopTurn()
    }
  }

  /**
   * Sends a transaction that changes nothing. The leader orders it and a quorum commits it like any other. When it is
   * answered, this server knows every write that was acknowledged before it was sent.
   */
  async barrier(): Promise<void> {
    const nothing = { type: 'check', path: this.#names.path, version: -1 } as const
    await this.#session.multi([nothing]).catch(fault => {
      // A refused transaction is ordered among the others too.
      if (isLoss(fault)) throw fault
    })
  }

  /** Reads after a barrier. Repeats both if the connection changes, because the next server may lag behind. */
  async afterBarrier<V>(read: () => Promise<V>): Promise<V> {
    for (;;) {
      await this.retry(() => this.barrier())
      const { connection } = this.#session
      const value = await read()
      if (connection === this.#session.connection) return value
    }
  }
}

function eventLoopTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
