// @ts-check
/** @import { Change } from '../builds.js' */
/** @import { Cast, Slot, Stage as AnyStage } from '../conductor/stage.js' */
/** @import { SessionPlan } from '../worker.js' */
import { copyOfDist } from '../builds.js'
import { check } from '../checker/check.js'
import { Stage } from '../conductor/stage.js'

/**
 * A rule of the library, how to break it, and a small scene in which that shows.
 * @typedef {object} Control
 * @property {string} rule
 * @property {readonly Change[]} changes
 * @property {readonly SessionPlan['options'][]} sessions one process for each
 * @property {boolean} [forgetful] the server comes back without its latest data
 * @property {(stage: AnyStage, ...players: Player[]) => Promise<unknown>} play
 */

/** How often to play a scene until the violation shows. */
const ATTEMPTS = 5

/** How soon live memory must be current, in ms. */
const SETTLING = 600

/** One process with one session. */
export class Player {
  /** @param {Slot} slot */
  constructor(slot) {
    this.proxy = slot.proxy
    this.worker = /** @type {NonNullable<Slot['worker']>} */ (slot.worker)
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
 * Plays the scene: with the rule broken until that is detected, or with the rule kept, once. Returns what was detected.
 * @param {Control} control @param {{ broken: boolean }} options
 */
export async function perform(control, { broken }) {
  const dist = await copyOfDist(broken ? control.changes : [])
  try {
    for (let attempt = 1; ; attempt += 1) {
      const violations = await playOnce(control, dist.folder)
      if (violations.length > 0 || !broken || attempt === ATTEMPTS) return { violations, attempts: attempt }
    }
  } finally {
    await dist.remove()
  }
}

/** @param {Control} control @param {string} dist */
async function playOnce({ sessions, forgetful = false, play }, dist) {
  const stage = await Stage.set({ dist, durable: !forgetful })
  try {
    const casts = sessions.map(options => /** @type {Cast} */ ({ client: 'node-redis', sessions: [{ options }] }))
    const slots = await Promise.all(casts.map(cast => stage.enter(cast)))
    await play(stage, ...slots.map(slot => new Player(slot)))
    const { history } = await stage.finish(sessions.some(({ live }) => live) ? SETTLING : 0)
    return check(history).violations
  } finally {
    await stage.clear()
  }
}
