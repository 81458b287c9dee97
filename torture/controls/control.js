// @ts-check
/** @import { Change } from '../builds.js' */
/** @import { Cast, Slot } from '../conductor/stage.js' */
/** @import { Store } from '../types.js' */
/** @import { SessionPlan } from '../worker.js' */
import { copyOfDist } from '../builds.js'
import { check } from '../checker/check.js'
import { Stage } from '../conductor/stage.js'
import { Random } from '../random.js'

/**
 * A rule of the library, how to break it, and a small scene in which that shows.
 * @typedef {object} Control
 * @property {string} rule
 * @property {readonly Change[]} changes
 * @property {readonly SessionPlan['options'][]} sessions one process for each
 * @property {Store['offers']} [needs] what the scene needs of the store
 * @property {Readonly<Record<string, unknown>>} [wishes] for the store, such as a server that loses its latest data
 * @property {(stage: Stage<any>, ...players: Player[]) => Promise<unknown>} play
 * @property {number} [within] seconds until it must be detected. Default: 60.
 */

/** How often to play a scene until the violation shows. */
const ATTEMPTS = 5

/** How soon live memory must be current, in ms. */
const SETTLING = 600

/** One process with one session. */
export class Player {
  #slot

  /** @param {Slot} slot */
  constructor(slot) {
    this.#slot = slot
    this.worker = /** @type {NonNullable<Slot['worker']>} */ (slot.worker)
  }

  get proxy() {
    return this.#slot.proxy
  }

  /** One for each port of the store. */
  get proxies() {
    return this.#slot.proxies
  }

  /** Makes it do something. @param {string} method @param {...unknown} args */
  do(method, ...args) {
    return this.worker.call(0, method, ...args)
  }

  /** @param {string} order @param {...unknown} args */
  order(order, ...args) {
    return this.worker.order(order, 0, ...args)
  }
}

/**
 * Plays the scene: with the rule broken until that is detected, or with the rule kept, once. Returns what was detected, after
 * how many seconds.
 * @param {Store} store @param {Control} control @param {{ broken: boolean }} options
 */
export async function perform(store, control, { broken }) {
  const dist = await copyOfDist(broken ? control.changes : [])
  const begin = performance.now()
  try {
    for (let attempt = 1; ; attempt += 1) {
      const violations = await playOnce(store, control, dist.folder)
      const seconds = (performance.now() - begin) / 1_000
      if (violations.length > 0 || !broken || attempt === ATTEMPTS) return { violations, seconds }
    }
  } finally {
    await dist.remove()
  }
}

/** How soon a violation must be detected, in seconds. @param {Control} control */
export const limitOf = ({ within = 60 }) => within

/** @param {Store} store @param {Control} control @param {string} dist */
async function playOnce({ start, plain, cast: [first] }, { sessions, wishes, play }, dist) {
  const { server, clear } = await start(new Random(1), { ...plain, ...wishes })
  const stage = await Stage.around(server, dist, 1)
  try {
    const { client } = /** @type {Cast} */ (first)
    const slots = await Promise.all(sessions.map(options => stage.enter({ client, sessions: [{ options }] })))
    await play(stage, ...slots.map(slot => new Player(slot)))
    const { history } = await stage.finish({ settling: sessions.some(({ live }) => live) ? SETTLING : 0 })
    return check(history).violations
  } finally {
    await stage.clear()
    await clear?.()
  }
}
