// @ts-check
/** @import { Random } from '../random.js' */
/** @import { Session } from './session.js' */
import { now } from './journal.js'

/** The number of concurrent calls of one session. */
const LANES = 2

/** The longest pause between two calls of a lane, in ms. */
const PAUSE = 40

/** After this time, in ms, all sessions switch to new keys, so that no history becomes long. */
const ROUND = 3_000

/** A key of the present round. @param {string} kind @param {Random} random @param {number} count */
export const keyOf = (kind, random, count) => `${kind}:${Math.floor(now() / ROUND)}:${random.between(1, count)}`

/** @typedef {(session: Session, random: Random) => unknown} Deed */

/** @type {readonly (readonly [weight: number, deed: Deed])[]} */
const DEEDS = [
  [22, (session, random) => session.set(keyOf('register', random, 3), everywhere(random))],
  [24, (session, random) => session.get(keyOf('register', random, 3))],
  [14, (session, random) => ifBounded(session, () => session.fresh(keyOf('register', random, 3)))],
  [10, (session, random) => session.set(keyOf('pop', random, 2))],
  [10, (session, random) => session.pop(keyOf('pop', random, 2))],
  [6, (session, random) => session.setDefault(keyOf('default', random, 2))],
  [4, (session, random) => session.delete(keyOf('default', random, 2))],
  [4, (session, random) => session.get(keyOf('default', random, 2))],
  [7, (session, random) => session.increment(keyOf('count', random, 1))],
  [2, (session, random) => session.get(keyOf('count', random, 1))],
  [6, (session, random) => session.updatePair(keyOf('pair', random, 2))],
  [4, (session, random) => session.snapshotPair(keyOf('pair', random, 2))],
  [6, (session, random) => session.localPair(keyOf('pair', random, 2))],
  [6, session => session.set(`mono:${session.name}`)],
  [10, (session, random) => readAnother(session, random)],
  [3, session => session.sync()],
  [3, session => session.see()],
  [1, session => session.look()],
]

/** @param {Random} random */
function everywhere(random) {
  return random.chance(0.05) ? { everywhere: true } : undefined
}

/** @param {Session} session @param {() => unknown} read */
function ifBounded(session, read) {
  return session.options.maxStaleness === undefined ? undefined : read()
}

/** Reads a counter of some session. @param {Session} session @param {Random} random */
function readAnother(session, random) {
  const keys = [...session.dict.local.keys()].filter(key => key.startsWith('mono:'))
  if (keys.length === 0) return undefined
  const key = random.pick(keys)
  return session.isSequential && random.chance(0.7) ? session.get(key) : session.local(key)
}

/** The load of a process: a mixture of everything, in several lanes of each session. */
export class Load {
  #working = false
  /** @type {Promise<void>[]} */
  #lanes = []
  #sessions
  #random
  #pause

  /** @param {readonly Session[]} sessions @param {Random} random @param {number} [pause] the longest one, in ms */
  constructor(sessions, random, pause = PAUSE) {
    this.#sessions = sessions
    this.#random = random
    this.#pause = pause
  }

  start() {
    this.#working = true
    const lanes = this.#sessions.flatMap(session => Array.from({ length: LANES }, () => session))
    this.#lanes = lanes.map(session => this.#lane(session))
  }

  async stop() {
    this.#working = false
    await Promise.all(this.#lanes)
  }

  /** After a check, reads within the bound as fast as it can, for so many ms. @param {Session} session @param {string} key @param {number} ms */
  async spin(session, key, ms) {
    await session.sync()
    const until = now() + ms
    while (now() < until) {
      for (let burst = 0; burst < 20; burst += 1) session.fresh(key)
      await new Promise(resolve => setTimeout(resolve, 1))
    }
  }

  /** @param {Session} session */
  async #lane(session) {
    while (this.#working) {
      await this.#random.weighted(DEEDS)(session, this.#random)
      await new Promise(resolve => setTimeout(resolve, this.#random.between(0, this.#pause)))
    }
  }
}
