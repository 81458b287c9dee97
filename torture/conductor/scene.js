// @ts-check
/** @import { Recovery, Setting, Store, Violation } from '../types.js' */
/** @import { Slot } from './stage.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { copyOfDist } from '../builds.js'
import { check } from '../checker/check.js'
import { Random } from '../random.js'
import { strike } from './disasters.js'
import { Faults } from './faults.js'
import { damage } from './network-faults.js'
import { Stage } from './stage.js'

/** How soon every session must work after a fault, in ms. */
const RECOVERY = 10_000

/**
 * @typedef {object} Outcome
 * @property {Violation[]} violations
 * @property {string[]} undecided
 * @property {Map<string, number>} figures
 * @property {readonly Recovery[]} recoveries
 * @property {string} title
 * @property {string} [journals] where the records of a scene with violations are
 */

/**
 * Plays one scene: all sessions run at random while faults occur; then everything heals, and the history is checked.
 * @param {Store} store @param {string} seed @param {number} ms @param {Readonly<Record<string, unknown>>} [wishes]
 * @returns {Promise<Outcome>}
 */
export async function play(store, seed, ms, wishes = {}) {
  const random = new Random(seed)
  const setting = await store.start(random, wishes)
  const dist = await copyOfDist(setting.changes ?? [])
  const stage = await Stage.around(setting.server, dist.folder, seed)
  try {
    const faults = await perform(stage, store, setting, random, ms)
    const { history, figures } = await stage.finish({ recoveries: faults.recoveries })
    for (const [kind, count] of faults.counts) figures.set(`fault: ${kind}`, count)
    figures.set(
      'connections',
      stage.proxies.reduce((sum, { accepted }) => sum + accepted, 0),
    )
    const title = `${setting.title}, seed ${seed}`
    const checked = check(history)
    const journals = checked.violations.length > 0 ? await stage.keep(seed) : undefined
    return { ...checked, figures, recoveries: faults.recoveries, title, ...(journals && { journals }) }
  } finally {
    await stage.clear()
    await setting.clear?.()
    await dist.remove()
  }
}

/** @param {Stage<any>} stage @param {Store} store @param {Setting} setting @param {Random} random @param {number} ms */
async function perform(stage, { cast }, { disasters, recovery = RECOVERY }, random, ms) {
  const faults = new Faults(() => stage.recover(), recovery)
  const workers = await Promise.all(cast.map(one => stage.enter(one)))
  await Promise.all(workers.map(({ worker }) => worker?.order('load')))
  await writeEverywhere(workers)
  const end = new AbortController()
  const seeds = [random.next(), random.next()]
  const going = [
    strike(stage, disasters, new Random(`${seeds[0]}`), end.signal, faults),
    ...(stage.proxies.length > 0 ? [damage(() => stage.proxies, new Random(`${seeds[1]}`), end.signal, faults)] : []),
  ]
  // Most likely a process crashed: the scene ends early, and its journal says why.
  await Promise.race([pause(ms), Promise.all(going)]).catch(() => {})
  end.abort()
  for (const result of await Promise.allSettled(going)) if (result.status === 'rejected') stage.trouble(result.reason)
  // What is left of the last fault takes as long as after any other.
  await faults.recover()
  return faults
}

/**
 * A write everywhere before the first fault, so that each run has one that ends by acknowledgement. Sessions that are not live
 * acknowledge when they check. @param {readonly Slot[]} slots
 */
async function writeEverywhere(slots) {
  const [first] = slots
  let written = false
  const write = first?.worker?.call(0, 'set', 'calm', { everywhere: true }).then(() => {
    written = true
  })
  while (!written) await Promise.all(slots.map(({ worker }) => worker?.order('sync')))
  await write
}
