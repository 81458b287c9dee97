// @ts-check
import { compare } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { Load } from './load.js'

/** @typedef {import('../../types.js').Context} Context */

const CONNECTIONS = 100
const KEYS = 1_000

/**
 * What the middleware adds to a request, by framework: in time of the processor, which a server that is busy needs for each,
 * and which other processes of the machine disturb least.
 * @param {string} framework
 * @returns {import('../../types.js').Bench}
 */
export function overhead(framework) {
  return async context => {
    const file = await fileOf(context)
    const ours = await Load.start({ framework, keys: KEYS, file, options: { maxStaleness: 100 } }, CONNECTIONS)
    const bare = await compareWith(context, ours, { framework, keys: KEYS })
    const stored = await compareWith(context, ours, { framework, keys: KEYS, storage: true })
    ours.stop()
    const name = `processor time of a request, ${framework}, maxStaleness: 100`
    return [
      compared(name, framework, bare, { atMost: 1.1 }),
      compared(`the same`, `${framework}, with a bare AsyncLocalStorage`, stored),
    ]
  }
}

/** @param {Context} context @param {Load} ours @param {object} site */
async function compareWith(context, ours, site) {
  const base = await Load.start(site, CONNECTIONS)
  const requests = context.quick ? 200 : 4_000
  const measured = await compare({
    ours: () => ours.cost(requests),
    base: () => base.cost(requests),
    rounds: context.quick ? 3 : 25,
    warmUp: context.quick ? 1 : 6,
  })
  base.stop()
  return measured
}

/** How many checks requests cost where nothing changed. @type {import('../../types.js').Bench} */
export async function checks(context) {
  const file = await fileOf(context)
  const requests = context.quick ? 300 : 5_000
  const cases = /** @type {const} */ ([
    ['one request at a time', 1, undefined, 1],
    [`${CONNECTIONS} at a time`, CONNECTIONS, undefined, 1],
    [`${CONNECTIONS} at a time, within maxStaleness`, CONNECTIONS, 60_000, 0],
  ])
  const rows = []
  for (const [name, connections, maxStaleness, atMost] of cases) {
    const site = { framework: 'Express', keys: KEYS, file, counted: true, options: { maxStaleness } }
    const load = await Load.start(site, connections)
    // The first request with a bound has it recorded, the second is the first that may rely on it.
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
