// @ts-check
/** @import { Program } from './program.js' */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { root } from '../../scripts/run.js'
import { fastFolder } from '../../test/servers/fast-folder.js'
import { Violation } from './outcomes.js'
import { callSource, openSource, programs } from './program.js'
import { Session } from './session.js'
import { silence } from './silence.js'
import { STORES } from './stores.js'

/**
 * What a run found.
 * @typedef {object} Found
 * @property {number} runs how many programs ran
 * @property {number} ms
 * @property {number} seed
 * @property {string | undefined} failure the smallest program that fails, and why
 */

/**
 * Runs random programs on a store until one fails or the time is over.
 * @param {{ dist: string, store: string, ms: number, seed: number, length?: number, shrink?: boolean, runs?: number, signal?: AbortSignal }} options
 * @returns {Promise<Found>}
 */
export async function fuzz({ dist, store, ms, seed, length = 25, shrink = true, runs = 1_000_000_000, signal }) {
  const start = performance.now()
  const place = await /** @type {(dist: string) => Promise<import('./stores.js').Store>} */ (STORES[store])(dist)
  const quiet = silence()
  const files = await filesOf()
  let count = 0
  /** @type {Promise<unknown>} */
  let running = Promise.resolve()
  try {
    const property = fc.asyncProperty(programs(length), async program => {
      count += 1
      signal?.throwIfAborted()
      const created = await place.create()
      try {
        running = Session.run({ ...created, ...files.numbered(count) }, program)
        await running
        quiet.check()
      } finally {
        await created.dispose()
      }
    })
    const details = await fc.check(property, {
      seed,
      numRuns: runs,
      interruptAfterTimeLimit: ms,
      markInterruptAsFailure: false,
      endOnFailure: !shrink,
    })
    const failure = details.failed ? report(details) : undefined
    return { runs: count, ms: performance.now() - start, seed, failure }
  } finally {
    // When the time is over, a program still runs.
    await running.catch(() => {})
    await quiet.end()
    await place.stop()
    await files.remove()
  }
}

/** Where last known files are, and how an unchanged library reads them. */
async function filesOf() {
  const folder = await mkdtemp(join(fastFolder(), 'durabledict-fuzz-files-'))
  const { parse } = await import(pathToFileURL(join(root, 'dist', 'last-known', 'document.js')).href)
  return {
    numbered: (/** @type {number} */ program) => ({
      fileOf: (/** @type {string} */ name) => join(folder, `${program}-${name}.json`),
      parseFile: (/** @type {Buffer} */ bytes) => parse(bytes).entries,
    }),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** @param {any} details */
function report({ counterexample: [program], errorInstance }) {
  const why = errorInstance instanceof Violation ? errorInstance.message : errorInstance?.stack
  return `${printed(program)}\n\n${why}`
}

/** The program as calls that run in a scene; without those of dictionaries that are not open. @param {Program} program */
function printed({ common, first, steps }) {
  const names = ['a', 'b']
  const opened = first.map(
    (options, index) => `${names[index]} = await ${openSource(common, /** @type {string} */ (names[index]), options)}`,
  )
  const performed = steps.flatMap(step => {
    if (!('calls' in step)) {
      names.push(step.open)
      const how = step.abort === 'never' ? '' : ` // while its signal is aborted: ${step.abort}`
      return [`await ${openSource(common, step.open, step.options)} // as ${step.open}, unless it is open${how}`]
    }
    const calls = step.calls.filter(({ dict, other = dict }) => names.includes(dict) && names.includes(other))
    return calls.length === 0 ? [] : [together(calls.map(callSource))]
  })
  return [...opened, ...performed].join('\n')
}

/** @param {readonly string[]} codes */
function together(codes) {
  if (codes.length === 1) return `await ${codes[0]}`
  return `await Promise.allSettled([\n${codes.map(code => `  (async () => ${code})(),`).join('\n')}\n])`
}
