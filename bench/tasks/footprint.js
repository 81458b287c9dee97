// @ts-check
// One variant of what is held in memory, measured in a process that has done nothing else.
import { collect } from '../measure.js'
import { loadSuite } from '../suite.js'

/** @typedef {import('../types.js').Place} Place */
/** @typedef {import('../types.js').Sample} Sample */

/** What each variant holds on to. @type {Record<string, (place: Place) => Promise<unknown>>} */
const variants = {
  /** A map of the rows as the store gave them. */
  async strings(place) {
    const plain = await place.openPlain()
    const map = await plain.readAll()
    await plain.close()
    return map
  },
  unread: place => place.open(),
  async read(place) {
    const dict = await place.open()
    for (const key of await dict.keys()) dict.local.get(key)
    return dict
  },
  /** A map of the values alone, as one would fill it by hand. */
  async values(place) {
    const dict = await place.open()
    const map = new Map()
    for (const [key, value] of dict.local) map.set(key, value)
    await dict.close()
    return map
  },
}

async function measure() {
  // Several times, with pauses: finalizers of released objects may have to run first.
  for (let turn = 0; turn < 5; turn += 1) {
    collect()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const [suiteName = '', variant = '', address = 'null'] = process.argv.slice(2)
const suite = await loadSuite(suiteName)
const place = await suite.findPlace(JSON.parse(address))
const before = await measure()
const held = await variants[variant]?.(place)
const after = await measure()
// Named after it was measured, so that it is held until then.
if (held === undefined) throw new Error(`There is no variant "${variant}".`)
process.send?.(after - before, () => process.exit())
