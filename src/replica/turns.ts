import { setImmediate } from '../time/clock.js'

/**
 * How many checks may be answered at once before the event loop gets its turn: promises alone would never let it, and a
 * loop of awaited reads would hold up everything else in the process.
 */
const CHECKS_PER_TURN = 256

/** Has the event loop get its turn, among checks that are answered at once. */
export class Turns {
  #answeredAtOnce = 0

  /** To be called at each such check, and waited for where it gives a promise. */
  giveWay(): Promise<void> | undefined {
    this.#answeredAtOnce += 1
    return this.#answeredAtOnce % CHECKS_PER_TURN === 0 ? new Promise(resolve => setImmediate(resolve)) : undefined
  }
}
