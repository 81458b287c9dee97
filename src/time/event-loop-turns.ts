import { setImmediate } from './clock.js'

/**
 * How many checks may be answered without a wait before the event loop gets a turn. Promises alone never let it run, so a loop of
 * awaited reads would block everything else in the process.
 */
const CHECKS_PER_TURN = 256

/** Lets the event loop run between checks that are answered without a wait. */
export class EventLoopTurns {
  #answeredAtOnce = 0

  /** Call this at each such check, and await the promise if it returns one. */
  giveWay(): Promise<void> | undefined {
    this.#answeredAtOnce += 1
    return this.#answeredAtOnce % CHECKS_PER_TURN === 0 ? new Promise(resolve => setImmediate(resolve)) : undefined
  }
}
