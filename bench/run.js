// @ts-check
// npm run bench [-- <suite> …] [--quick] [--only <bench>] [--node <major>] [--json <file>] [--check]
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { modernNode } from '../scripts/modern-node.js'
import { prepare } from '../scripts/prepare.js'
import { root } from '../scripts/run.js'
import { inProcess } from './in-process.js'
import { describeMachine } from './machine.js'
import { loadSuite, suiteNames } from './suite.js'
import { markdown } from './table.js'

/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./types.js').Row} Row */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    node: { type: 'string' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})

/** The suites to run: the named ones, or all. */
async function wanted() {
  const all = await suiteNames()
  const unknown = positionals.find(name => !all.includes(name))
  if (unknown !== undefined) throw new Error(`There is no suite "${unknown}"; there are ${all.join(', ')}.`)
  return positionals.length > 0 ? positionals : all
}

/** What a bench sends. @typedef {{ rows: Row[], engine: string, node: string }} Result */

/**
 * Runs one bench in a separate process.
 * @param {string} suite
 * @param {string} bench
 * @param {string} folder
 * @param {string} node
 */
async function runBench(suite, bench, folder, node) {
  const place = await mkdtemp(join(folder, `${suite}-`))
  console.error(`${suite}: ${bench} …`)
  const task = new URL('./tasks/bench.js', import.meta.url)
  const result = await inProcess(task, [suite, bench, place, options.quick ? 'quick' : ''], node)
  await rm(place, { recursive: true, force: true })
  return /** @type {Result} */ (result)
}

/**
 * Runs the benches of one suite: one after the other, or several at once if the figures do not matter.
 * @param {string} suite
 * @param {string} folder
 * @param {string} node
 */
async function runSuite(suite, folder, node) {
  const { benches: all, prepare } = await loadSuite(suite)
  const benches = Object.keys(all).filter(one => (options.only ?? one) === one)
  const note = benches.length > 0 ? await prepare?.(options.quick) : undefined
  return { note, results: await inLanes(benches, options.quick ? 4 : 1, one => runBench(suite, one, folder, node)) }
}

/**
 * Does the work for each item, with a limited number at a time.
 * @template I, R
 * @param {readonly I[]} items
 * @param {number} lanes
 * @param {(item: I) => Promise<R>} work
 */
async function inLanes(items, lanes, work) {
  const results = /** @type {R[]} */ (Array(items.length))
  const left = items.entries()
  const lane = async () => {
    for (const [index, item] of left) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return results
}

/** @param {string} folder */
async function runAll(folder) {
  const node = options.node === undefined ? process.execPath : await modernNode(Number(options.node))
  for (const name of await wanted()) {
    const { note, results } = await runSuite(name, folder, node)
    const [first] = results
    if (!first) continue
    const report = {
      date: new Date().toISOString().slice(0, 10),
      quick: options.quick,
      machine: describeMachine(first.node),
      suites: [{ name, engine: first.engine, ...(note && { note }), rows: results.flatMap(({ rows }) => rows) }],
    }
    reports.push(report)
    console.log(`\n${markdown(report)}`)
  }
  if (reports.length === 0) throw new Error(`None of these suites has a bench "${options.only}".`)
}

/** Writes the results: of a full run to the repository, and of any run to a named file. */
async function keep() {
  const [first] = reports
  if (first && options.json !== undefined) {
    await save(options.json, { ...first, suites: reports.flatMap(({ suites }) => suites) })
  } else if (!options.quick && options.only === undefined) {
    const suffix = options.node === undefined ? '' : `-node${options.node}`
    for (const report of reports) {
      const path = fileURLToPath(new URL(`./results/${report.suites[0]?.name}${suffix}`, import.meta.url))
      await save(`${path}.json`, report)
      await writeFile(`${path}.md`, markdown(report))
    }
  }
}

/** @param {string} path @param {Report} report */
async function save(path, report) {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`)
  console.error(`Written to ${path}.`)
}

/** @type {Report[]} */
const reports = []

// After an interrupt, it still removes its folder at the end, which `exit` alone would not wait for.
let folder = ''
const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5 })
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => remove().finally(() => process.exit(130)))
}

try {
  await prepare({ build: true })
  await mkdir(join(root, '.cache'), { recursive: true })
  // Beside the sources: the system's temporary folder may be in memory, and then no write is durable.
  folder = await mkdtemp(join(root, '.cache', 'bench-'))
  await runAll(folder)
  await keep()
  const missed = reports.flatMap(({ suites }) => suites.flatMap(({ rows }) => rows.filter(({ met }) => met === false)))
  if (options.check && missed.length > 0) process.exitCode = 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await remove()
}
