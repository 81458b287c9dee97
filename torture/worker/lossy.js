// @ts-check
/** @import { Backend, Listener } from '../../dist/contract/backend.js' */
/** @import { Random } from '../random.js' */

const METHODS = /** @type {const} */ ([
  'persist',
  'depersist',
  'durables',
  'lastUpdated',
  'pop',
  'setDefault',
  'commit',
  'changesSince',
  'load',
  'registerMaxStaleness',
  'close',
])

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

/**
 * The same backend, with its pushed messages passed through the channel. @param {Backend} backend @param {Channel}
 * channel @returns {Backend}
 */
export function lossy(backend, channel) {
  /** @type {Record<string, unknown>} */
  const wrapped = { name: backend.name, valueKind: backend.valueKind }
  for (const method of METHODS) {
    const own = /** @type {((...args: unknown[]) => unknown) | undefined} */ (backend[method])
    if (own) wrapped[method] = own.bind(backend)
  }
  wrapped.subscribe = (/** @type {Listener} */ listener) =>
    backend.subscribe?.({
      changed: change => channel.pass(() => listener.changed(change)),
      interrupted: cause => listener.interrupted(cause),
    })
  return /** @type {Backend} */ (/** @type {unknown} */ (wrapped))
}
