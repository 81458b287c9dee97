import type { Names } from './names.js'
import { isLoss, type Session } from './session.js'

/** Does work again that a lost connection has ended, and sees to it that a barrier and what comes after it are of one connection. */
export class Repeats {
  readonly #session: Session
  readonly #names: Names

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
  }

  /** Does it again where the connection was lost, once there is another one. */
  async again<V>(work: () => Promise<V>): Promise<V> {
    for (;;) {
      await this.#session.ready()
      try {
        return await work()
      } catch (fault) {
        if (!isLoss(fault)) throw fault
      }
    }
  }

  /**
   * A transaction that changes nothing, ordered by the leader and committed by a quorum like any other: at its answer, this
   * server knows all that was acknowledged before it was sent.
   */
  async barrier(): Promise<void> {
    const nothing = { type: 'check', path: this.#names.path, version: -1 } as const
    await this.#session.multi([nothing]).catch(fault => {
      // Also what is refused is ordered among all others.
      if (isLoss(fault)) throw fault
    })
  }

  /** A barrier is worth nothing on the next connection, which may be to a server that lags behind. */
  async afterBarrier<V>(read: () => Promise<V>): Promise<V> {
    for (;;) {
      await this.again(() => this.barrier())
      const { connection } = this.#session
      const value = await read()
      if (connection === this.#session.connection) return value
    }
  }
}
