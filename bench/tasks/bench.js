// @ts-check
// One bench of one suite, in a process of its own; sends its rows.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSuite } from '../suite.js'

const [suiteName = '', bench = '', folder = '', quick] = process.argv.slice(2)
const suite = await loadSuite(suiteName)

/** @type {import('../types.js').Context} */
const context = {
  suite,
  quick: quick === 'quick',
  folder,
  place: async count => suite.makePlace(await mkdtemp(join(folder, 'place-')), count),
}

// Nothing of an idle dictionary keeps a process alive, and some benches wait for just that.
setInterval(() => {}, 60_000)

const rows = await suite.benches[bench]?.(context)
process.send?.({ rows, engine: await suite.engine(), node: process.versions.node }, () => process.exit())
