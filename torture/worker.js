// @ts-check
// A client process of the torture test. It opens dictionaries, does what it is told or what comes to its mind, and writes
// all of it down in its journal.
import { Random } from './random.js'
import { Failures } from './worker/failures.js'
import { Journal } from './worker/journal.js'
import { Load } from './worker/load.js'
import { Session } from './worker/session.js'
import { connect } from './worker/store.js'
import { Channel } from './worker/stores/lossy.js'

/**
 * @typedef {object} SessionPlan
 * @property {{ autosync?: boolean, maxStaleness?: number, live?: boolean, consistency?: 'sequential', timeout?: number }} options
 * @property {number} [odds] of a pushed message being lost, doubled or late
 *
 * @typedef {object} WorkerPlan
 * @property {string} name never used twice
 * @property {string} dist the built library
 * @property {import('./worker/store.js').StorePlan} store
 * @property {readonly SessionPlan[]} sessions
 * @property {number | undefined} [pause] the longest one between two calls of a lane, in ms
 * @property {string} [lastKnown] the last known file of the first session
 * @property {string} journal
 * @property {string | number} seed
 */

/** The time limit of each call to the store, in ms, unless a session has another one. */
const TIMEOUT = 1_000

/** How long to retry opening while the store is unreachable, in ms. */
const OPENING = 60_000

/** @type {WorkerPlan} */
const plan = JSON.parse(process.argv[2] ?? '')
const journal = new Journal(plan.journal)
const random = new Random(plan.seed)

// Nothing of the library keeps a process alive, not even while it opens a dictionary.
process.channel?.ref()

// It exits with the process that started it.
const exit = () => process.exit()
process.on('disconnect', exit)

for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, error => {
    journal.write({ t: 'fault', text: `${plan.name}: ${event}: ${error?.stack ?? error}` })
    process.exit(70)
  })
}
// Some ORMs log each connection that fails.
for (const method of /** @type {const} */ (['log', 'warn', 'error'])) console[method] = () => {}

/** Codes of warnings that the store may cause. @type {readonly string[]} */
let expected = []
process.on('warning', warning => {
  const { code = '' } = /** @type {{ code?: string }} */ (warning)
  if (warning.name !== 'ExperimentalWarning' && !expected.includes(code))
    journal.write({ t: 'fault', text: `${plan.name}: ${warning.stack}` })
})

/** @param {import('./worker/store.js').Open} open @param {SessionPlan} session @param {number} index */
async function openSession(open, { options, odds = 0 }, index) {
  const channel = new Channel(random, odds)
  const name = `${plan.name}.${index}`
  const until = performance.now() + OPENING
  const failures = new Failures()
  for (;;) {
    try {
      const lastKnown = index === 0 ? plan.lastKnown : undefined
      const dict = await open({ timeout: TIMEOUT, ...options, service: name, ...(lastKnown && { lastKnown }) }, channel)
      return new Session(name, dict, options, journal, channel)
    } catch (error) {
      const { code } = /** @type {{ code?: string }} */ (error)
      failures.add(error)
      if (code !== 'DURABLEDICT_STORE_UNAVAILABLE') throw error
      if (performance.now() > until) throw new Error(`${name} could not be opened. ${failures}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

const { open, disconnect, warnings = [], occupy } = await connect(plan.dist, plan.store)
expected = warnings
const sessions = await Promise.all(plan.sessions.map((session, index) => openSession(open, session, index)))
const work = new Load(sessions, random, plan.pause)

/** The heap in use, in MiB, without garbage. */
function heap() {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** @type {number | undefined} */
let heapBefore

/** @type {Record<string, (...args: any[]) => unknown>} */
const orders = {
  load: () => {
    heapBefore ??= heap()
    work.start()
  },
  /** Ends the load; resolves when no call is in progress. */
  rest: () => work.stop(),
  /** Any method of a session. */
  call: (index, method, ...args) => /** @type {any} */ (sessions[index])[method](...args),
  /** Loses so many of the next pushed messages. */
  lose: (index, count) => {
    const session = /** @type {Session} */ (sessions[index])
    session.channel.lose = count
  },
  /** After a check, reads a key as fast as it can, for so many ms. */
  spin: (index, key, ms) => work.spin(/** @type {Session} */ (sessions[index]), key, ms),
  /** Resolves when the memory of every session has the key. */
  follow: key => Promise.all(sessions.map(session => session.follow(key))),
  /** Resolves when live memory has a version of this number, or after so many ms. */
  reach: (number, ms) => Promise.all(sessions.map(session => session.reach(number, ms))),
  /** Leaves the dictionaries no free connection, for so many ms. */
  occupy: ms => occupy?.(ms),
  /** What each session waits for. */
  explain: () => sessions.map(session => session.explain()),
  sync: () => Promise.all(sessions.map(session => session.sync())),
  /** How much the heap has grown since the load began, in MiB. */
  growth: () => heap() - (heapBefore ?? heap()),
  /** Closes everything. Then nothing may keep the process alive, but what a user would call a leak. */
  async leave() {
    for (const session of sessions) await session.close()
    await disconnect()
    process.off('disconnect', exit)
    setImmediate(() => process.disconnect())
  },
  report: () => Promise.all(sessions.map(session => session.report())),
}

process.on('message', async (/** @type {{ id: number, order: string, args: unknown[] }} */ { id, order, args }) => {
  try {
    process.send?.({ id, result: await orders[order]?.(...args) })
  } catch (error) {
    process.send?.({ id, error: `${/** @type {Error} */ (error).stack ?? error}` })
  }
})
process.send?.({ ready: true })
