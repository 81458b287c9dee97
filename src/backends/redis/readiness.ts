import type { Emitter } from '../../clients/redis/clients.js'
import { setImmediate } from '../../time/clock.js'

/** What a client's state means for a command that is to be sent now. */
export type Condition = 'ready' | 'waiting' | 'closed'

/**
 * Waits until a client is connected, so that nothing is put into a queue that cannot be taken back from. All who wait
 * share one set of listeners, which are gone as soon as no one waits.
 */
export class Readiness {
  readonly #client: Emitter
  readonly #events: readonly string[]
  readonly #condition: () => Condition
  readonly #closed: () => Error
  #waiting: Promise<void> | undefined
  #stop: ((error: Error) => void) | undefined

  /** @param events - after each of which the client's condition may be another. */
  constructor(client: Emitter, events: readonly string[], condition: () => Condition, closed: () => Error) {
    this.#client = client
    this.#events = events
    this.#condition = condition
    this.#closed = closed
  }

  /** Nothing where the client is ready; else a promise that resolves when it is, and rejects where it is closed. */
  wait(): Promise<void> | undefined {
    const condition = this.#condition()
    if (condition === 'ready') return undefined
    if (condition === 'closed') return Promise.reject(this.#closed())
    this.#waiting ??= this.#listen().finally(() => {
      this.#waiting = undefined
    })
    return this.#waiting
  }

  /** Ends every wait. */
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
    // Clients tell of some changes before they have made them.
    const look = () => setImmediate(settle)
    for (const event of this.#events) this.#client.on(event, look)
    return listening.finally(() => {
      for (const event of this.#events) this.#client.off(event, look)
    })
  }
}
