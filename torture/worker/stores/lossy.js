// @ts-check
/** @import { Listener } from '../../../dist/contract/backend.js' */
/** @import { FaultyBackend } from '../../../dist/conformance/faulty-backend.js' */
/** @import { Random } from '../../random.js' */

/** The possible fates of a pushed message. */
export class Channel {
  /** Loses so many of the next messages. */
  lose = 0
  #random
  #odds

  /** @param {Random} random @param {number} odds of a message being lost, doubled or late */
  constructor(random, odds) {
    this.#random = random
    this.#odds = odds
  }

  /** @param {() => void} tell */
  pass(tell) {
    if (this.lose > 0) {
      this.lose -= 1
      return
    }
    const fate = this.#random.chance(this.#odds) ? this.#random.pick(['lost', 'doubled', 'late']) : 'passed'
    if (fate === 'lost') return
    if (fate === 'late') setTimeout(tell, this.#random.between(1, 80))
    else tell()
    if (fate === 'doubled') setTimeout(tell, this.#random.between(0, 40))
  }
}

/** The backend, with its pushed messages passed through the channel. @param {FaultyBackend} faulty @param {Channel} channel */
export function lossy(faulty, channel) {
  faulty.intercept('subscribe', (proceed, own) => {
    const listener = /** @type {Listener<unknown>} */ (own)
    return proceed(
      /** @type {Listener<unknown>} */ ({
        changed: change => channel.pass(() => listener.changed(change)),
        interrupted: cause => listener.interrupted(cause),
      }),
    )
  })
  return faulty.backend
}
