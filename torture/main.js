// @ts-check
/** @import { Recovery, Store } from './types.js' */
import { parseArgs } from 'node:util'
import { prepare } from '../scripts/prepare.js'
import { recoveryTimes, report } from './report.js'

/** The duration of one scene, in ms. */
const SCENE = 30_000

const OPTIONS = /** @type {const} */ ({
  minutes: { type: 'string' },
  seed: { type: 'string' },
  store: { type: 'string' },
  controls: { type: 'boolean' },
})

/** @param {string[]} args */
function read(args) {
  const { values } = parseArgs({ args, options: OPTIONS })
  const minutes = Number(values.minutes ?? '1')
  if (!(minutes > 0 && minutes <= 24 * 60))
    throw new Error(`--minutes must be a number from 0 to 1440; got ${values.minutes}.`)
  const { store = 'redis', seed = `${Math.floor(Math.random() * 1e9)}`, controls = false } = values
  return { store, ms: minutes * 60_000, seed, controls }
}

/** Runs the torture test and returns the exit status: 0 only if every check passed. @param {string[]} args of the command line */
export async function main(args) {
  // Everything made is removed at exit; everything started ends with this process.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))
  try {
    const { store, ms, seed, controls } = read(args)
    await prepare({ build: true })
    // Imported late: its dependencies may have to be installed and built first.
    const { storeNamed } = await import('./stores/stores.js')
    const named = await storeNamed(store)
    return (await (controls ? breakRules(named) : torture(store, named, ms, seed))) ? 0 : 1
  } catch (error) {
    console.error(error)
    return 1
  }
}

/** Breaks one rule after the other; returns whether each violation was detected in time. @param {Store} store */
async function breakRules(store) {
  const { controlsOf } = await import('./controls/controls.js')
  const { limitOf, perform } = await import('./controls/control.js')
  let all = true
  for (const control of controlsOf(store)) {
    const { violations, seconds } = await perform(store, control, { broken: true })
    const caught = violations.length > 0 && seconds <= limitOf(control)
    console.log(`${caught ? 'caught' : 'MISSED'}  after ${seconds.toFixed(1).padStart(5)} s  ${control.rule}`)
    all &&= caught
  }
  return all
}

/**
 * Plays scenes until the time is over or one fails; returns whether every check passed. @param {string} name @param {Store} store
 * @param {number} ms @param {string} seed
 */
async function torture(name, store, ms, seed) {
  const { play } = await import('./conductor/scene.js')
  const until = performance.now() + ms
  /** @type {Map<string, number>} */
  const total = new Map()
  /** @type {Recovery[]} */
  const recoveries = []
  for (let scene = 1; performance.now() < until; scene += 1) {
    const sceneSeed = scene === 1 ? seed : `${seed}.${scene}`
    const outcome = await play(store, sceneSeed, Math.min(SCENE, Math.max(until - performance.now(), 5_000)))
    const { violations, undecided, figures, title } = outcome
    console.log(`${violations.length === 0 ? 'held  ' : 'FAILED'}  ${title}`)
    for (const [what, count] of figures) total.set(what, added(what, total.get(what) ?? 0, count))
    total.set('scenes', scene)
    recoveries.push(...outcome.recoveries)
    if (undecided.length > 0) console.log(`        undecided: ${undecided.join(', ')}`)
    if (violations.length > 0) {
      console.log(report(violations))
      console.log(`\nIts journals: ${outcome.journals}`)
      console.log(`Repeat it with: npm run torture -- --store ${name} --seed ${sceneSeed}`)
      return false
    }
  }
  for (const [what, count] of [...total].sort(([left], [right]) => left.localeCompare(right))) {
    console.log(`${what.padEnd(46)} ${`${count}`.padStart(9)}`)
  }
  console.log(recoveryTimes(recoveries))
  return true
}

/** A figure of one more scene, as a part of the whole. @param {string} what @param {number} before @param {number} count */
const added = (what, before, count) => (what.endsWith('at most') ? Math.max(before, count) : before + count)
