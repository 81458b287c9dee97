// @ts-check
/** @import { StoreServer, Violation } from '../types.js' */
/** @import { Disasters } from './disasters.js' */
/** @import { Cast, Slot } from './stage.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { copyOfDist, SMALL } from '../builds.js'
import { check } from '../checker/check.js'
import { Random } from '../random.js'
import * as sqlite from '../stores/sqlite.js'
import { DURABLE, FORGETFUL, Pair, strike } from './disasters.js'
import { damage } from './network-faults.js'
import { Stage } from './stage.js'

/** The processes: every mode, over every client. @type {readonly Cast[]} */
const CAST = [
  { client: 'node-redis', sessions: [{ options: {} }, { options: { maxStaleness: 200 } }] },
  { client: 'ioredis', sessions: [{ options: {} }, { options: { autosync: false } }] },
  {
    client: 'node-redis, RESP3',
    sessions: [
      { options: { live: true, maxStaleness: 300 }, odds: 0.1 },
      { options: { live: true, autosync: false, maxStaleness: 150 }, odds: 0.1 },
    ],
  },
  {
    client: 'ioredis',
    sessions: [{ options: { live: true, maxStaleness: 200 } }, { options: { live: true, autosync: false }, odds: 0.2 }],
  },
  { client: 'node-redis', sessions: [{ options: { maxStaleness: 400 } }, { options: { live: true } }] },
  // Bounds of several seconds: writes { everywhere: true } resolve earlier, by acknowledgement.
  {
    client: 'ioredis',
    sessions: [{ options: { live: true, maxStaleness: 4_000 }, odds: 0.1 }, { options: { maxStaleness: 3_000 } }],
  },
]

/** The kinds of server, and the possible faults of each. */
const TOPOLOGIES = /** @type {const} */ (['durable', 'forgetful', 'pair'])

/** @typedef {{ violations: Violation[], undecided: string[], figures: Map<string, number>, title: string }} Outcome */

/**
 * Plays one scene: all sessions run at random while faults occur; then everything heals, and the history is checked.
 * @param {string} seed @param {number} ms @param {{ topology?: typeof TOPOLOGIES[number], small?: boolean }} [wishes]
 * @returns {Promise<Outcome>}
 */
export async function play(seed, ms, wishes = {}) {
  const random = new Random(seed)
  const { topology = random.pick(TOPOLOGIES), small = random.chance(0.5) } = wishes
  const dist = await copyOfDist(small ? SMALL : [])
  const stage = await Stage.set({ dist: dist.folder, durable: topology !== 'forgetful', seed })
  const pair = topology === 'pair' ? await Pair.of(stage) : undefined
  try {
    const faults = await perform(stage, CAST, () => disastersOf(topology, pair), random, ms)
    const { history, figures } = await stage.finish()
    for (const [kind, count] of faults) figures.set(`fault: ${kind}`, count)
    figures.set(
      'connections',
      stage.proxies.reduce((sum, { accepted }) => sum + accepted, 0),
    )
    const title = `${topology} server, ${small ? 'small' : 'usual'} limits, seed ${seed}`
    return { ...check(history), figures, title }
  } finally {
    await stage.clear()
    await pair?.clear()
    await dist.remove()
  }
}

/**
 * The same on an SQLite file. @param {string} seed @param {number} ms
 * @returns {Promise<Outcome>}
 */
export async function playSqlite(seed, ms) {
  const random = new Random(seed)
  const dist = await copyOfDist([])
  const stage = await Stage.around(await sqlite.start(), dist.folder, seed)
  try {
    const faults = await perform(stage, sqlite.CAST, () => sqlite.DISASTERS, random, ms)
    const { history, figures } = await stage.finish()
    for (const [kind, count] of faults) figures.set(`fault: ${kind}`, count)
    return { ...check(history), figures, title: `SQLite file, seed ${seed}` }
  } finally {
    await stage.clear()
    await dist.remove()
  }
}

/** @param {string} topology @param {Pair | undefined} pair @returns {Disasters} */
function disastersOf(topology, pair) {
  return pair ? pair.disasters : topology === 'durable' ? DURABLE : FORGETFUL
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

/**
 * @template {StoreServer} S @param {Stage<S>} stage @param {readonly Cast[]} cast @param {() => Disasters<S>} disasters @param {Random} random
 * @param {number} ms
 */
async function perform(stage, cast, disasters, random, ms) {
  /** @type {Map<string, number>} */
  const faults = new Map()
  const count = (/** @type {string} */ kind) => void faults.set(kind, (faults.get(kind) ?? 0) + 1)
  const workers = await Promise.all(cast.map(one => stage.enter(one)))
  await Promise.all(workers.map(({ worker }) => worker?.order('load')))
  await writeEverywhere(workers)
  const end = new AbortController()
  const seeds = [random.next(), random.next()]
  const going = [
    strike(stage, disasters, new Random(`${seeds[0]}`), end.signal, count),
    ...(stage.proxies.length > 0 ? [damage(stage.proxies, new Random(`${seeds[1]}`), end.signal, count)] : []),
  ]
  await Promise.race([pause(ms), Promise.all(going)])
  end.abort()
  await Promise.all(going)
  return faults
}
