// @ts-check
import { parseArgs } from 'node:util'
import { prepare } from '../scripts/prepare.js'
import { report } from './report.js'

/** The duration of one scene, in ms. */
const SCENE = 30_000

const STORES = /** @type {const} */ (['redis', 'sqlite'])

const OPTIONS = /** @type {const} */ ({
  minutes: { type: 'string' },
  seed: { type: 'string' },
  store: { type: 'string' },
})

/** @param {string[]} args */
function read(args) {
  const { values } = parseArgs({ args, options: OPTIONS })
  const store = STORES.find(one => one === (values.store ?? 'redis'))
  if (!store) throw new Error(`--store must be ${STORES.join(' or ')}; got ${values.store}.`)
  const minutes = Number(values.minutes ?? '1')
  if (!(minutes > 0 && minutes <= 24 * 60))
    throw new Error(`--minutes must be a number from 0 to 1440; got ${values.minutes}.`)
  return { store, ms: minutes * 60_000, seed: values.seed ?? `${Math.floor(Math.random() * 1e9)}` }
}

/** Runs the torture test and returns the exit status: 0 only if every check passed. @param {string[]} args of the command line */
export async function main(args) {
  // Everything made is removed at exit; everything started ends with this process.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))
  try {
    const { store, ms, seed } = read(args)
    await prepare({ build: true })
    return (await torture(store, ms, seed)) ? 0 : 1
  } catch (error) {
    console.error(error)
    return 1
  }
}

/**
 * Plays scenes until the time is over or one fails; returns whether every check passed. @param {'redis' | 'sqlite'} store
 * @param {number} ms @param {string} seed
 */
async function torture(store, ms, seed) {
  // Imported late: its dependencies may have to be installed and built first.
  const { play: playRedis, playSqlite } = await import('./conductor/scene.js')
  const play = store === 'redis' ? playRedis : playSqlite
  const until = performance.now() + ms
  /** @type {Map<string, number>} */
  const total = new Map()
  for (let scene = 1; performance.now() < until; scene += 1) {
    const sceneSeed = scene === 1 ? seed : `${seed}.${scene}`
    const outcome = await play(sceneSeed, Math.min(SCENE, Math.max(until - performance.now(), 5_000)))
    const { violations, undecided, figures, title } = outcome
    console.log(`${violations.length === 0 ? 'held  ' : 'FAILED'}  ${title}`)
    for (const [what, count] of figures) total.set(what, (total.get(what) ?? 0) + count)
    if (undecided.length > 0) console.log(`        undecided: ${undecided.join(', ')}`)
    if (violations.length > 0) {
      console.log(report(violations))
      console.log(`\nRepeat it with: npm run torture -- --store ${store} --seed ${sceneSeed}`)
      return false
    }
  }
  for (const [what, count] of [...total].sort(([left], [right]) => left.localeCompare(right))) {
    console.log(`${what.padEnd(46)} ${`${count}`.padStart(9)}`)
  }
  return true
}
