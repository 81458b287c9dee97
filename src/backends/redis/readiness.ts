import type { Emitter } from '../../clients/redis/clients.js'
import { setImmediate } from '../../time/clock.js'

/** What the state of a client means for a command to be sent now. */
export type Condition = 'ready' | 'waiting' | 'closed'

/**
 * Waits until a client is connected, so that no command enters a queue from which it cannot be removed. All waiting
 * calls share one set of listeners, which are removed when no call waits.
 */
export class Readiness {
  readonly #client: Emitter
  readonly #events: readonly string[]
  readonly #condition: () => Condition
  readonly #closed: () => Error
  #waiting: Promise<void> | undefined
  #stop: ((error: Error) => void) | undefined

  /** @param events - the events after which the condition of the client may have changed. */
  constructor(client: Emitter, events: readonly string[], condition: () => Condition, closed: () => Error) {
    this.#client = client
    this.#events = events
    this.#condition = condition
    this.#closed = closed
  }

  /**
   * Returns `undefined` if the client is ready, else a promise that resolves when it is. Rejects if the client is
   * closed.
   */
  wait(): Promise<void> | undefined {
    const condition = this.#condition()
    if (condition === 'ready') return undefined
    if (condition === 'closed') return Promise.reject(this.#closed())
    this.#waiting ??= this.#listen().finally(() => {
      this.#waiting = undefined
    })
    return this.#waiting
  }

  /** Rejects every waiting call. */
  stop(): void {
    this.#stop?.(this.#closed())
  }

  #listen(): Promise<void> {
    let settle = () => {}
    const listening = new Promise<void>((resolve, reject) => {
      this.#stop = reject
      settle = () => {
        const condition = this.#condition()
        if (condition === 'ready') resolve()
        else if (condition === 'closed') reject(this.#closed())
      }
    })
    // Clients emit some events before their state changes.
    const look = () => setImmediate(settle)
    for (const event of this.#events) this.#client.on(event, look)
    return listening.finally(() => {
      for (const event of this.#events) this.#client.off(event, look)
    })
  }
}
