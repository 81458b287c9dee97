// @ts-check
import { compareRounds, pooled } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { Load } from './load.js'

/** @typedef {import('../../types.js').Context} Context */

/** The number of concurrent requests. Each connection sends several, because otherwise the sender would be as busy as the server. */
const CONCURRENT = 100
const PIPELINED = 4
const KEYS = 1_000

/**
 * The processor time that the middleware adds to a request, by framework: it limits a busy server, and other processes
 * disturb it least. Compared with the framework alone, and with the cheapest middleware that gives each request its own
 * context: one that runs it in an `AsyncLocalStorage`.
 * @param {string} framework
 * @returns {import('../../types.js').Bench}
 */
export function overhead(framework) {
  return async context => {
    const file = await fileOf(context)
    const site = { framework, keys: KEYS }
    const ours = { ...site, file, options: { maxStaleness: 100 } }
    const [bare, least] = await compareSites(context, ours, [site, { ...site, storage: true }])
    const name = `processor time of a request, ${framework}, maxStaleness: 100`
    return [
      compared(name, framework, pooled(bare), { atMost: 1.1 }),
      compared('the same', `${framework}, with a middleware that runs an AsyncLocalStorage`, pooled(least)),
    ]
  }
}

/**
 * Against each of two others, in several processes of each: what the compiler did in one process lasts, and may matter
 * more than the difference to measure.
 * @param {Context} context @param {object} ours @param {[object, object]} others
 */
async function compareSites({ quick }, ours, others) {
  /** @type {[Rounds[], Rounds[]]} */
  const runs = [[], []]
  for (let count = quick ? 1 : 4; count > 0; count -= 1) {
    const mine = await Load.start(ours, CONCURRENT / PIPELINED, PIPELINED)
    for (const [index, other] of others.entries()) {
      // Not earlier: servers close connections that are idle for seconds.
      const base = await Load.start(other, CONCURRENT / PIPELINED, PIPELINED)
      runs[index]?.push(await compareLoads(quick, mine, base))
      base.stop()
    }
    mine.stop()
  }
  return runs
}

/** @typedef {[ours: number, base: number][]} Rounds */

/** @param {boolean} quick @param {Load} ours @param {Load} base @returns {Promise<Rounds>} */
function compareLoads(quick, ours, base) {
  const requests = quick ? 200 : 2_000
  return compareRounds({
    ours: () => ours.cost(requests),
    base: () => base.cost(requests),
    rounds: quick ? 3 : 9,
    warmUp: quick ? 1 : 6,
  })
}

/** How many checks requests cost if nothing has changed. @type {import('../../types.js').Bench} */
export async function checks(context) {
  const file = await fileOf(context)
  const requests = context.quick ? 300 : 5_000
  const cases = /** @type {const} */ ([
    ['one request at a time', 1, undefined, 1],
    [`${CONCURRENT} at a time`, CONCURRENT, undefined, 1],
    [`${CONCURRENT} at a time, within maxStaleness`, CONCURRENT, 60_000, 0],
  ])
  const rows = []
  for (const [name, connections, maxStaleness, atMost] of cases) {
    const site = { framework: 'Express', keys: KEYS, file, counted: true, options: { maxStaleness } }
    const load = await Load.start(site, connections)
    // The first request with a bound records it, and the second is the first that may rely on it.
    await load.send(connections * 2)
    const before = await load.usage()
    await load.send(requests)
    const value = ((await load.usage()).checks - before.checks) / requests
    rows.push(judged({ name: `checks a request, ${name}`, ours: { value, unit: 'calls' }, target: { atMost } }))
    load.stop()
  }
  return rows
}

/** @param {Context} context */
async function fileOf(context) {
  const { address } = await context.place(KEYS)
  return `${address}.db`
}
