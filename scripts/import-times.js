// @ts-check
// How much processor time the import of each entry point takes: the median of fresh processes, less that of a process which
// imports nothing. Processor time, because other programs on the machine change it less than the time on the clock.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ENTRIES, stemOf } from './entries.js'
import { root, runOrThrow } from './run.js'

/** @typedef {'esm' | 'cjs'} Format */

const PROCESSES = 7
const PRINT = 'const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)'

/** The program that imports a built file, or nothing. @param {Format} format @param {string | undefined} stem */
function program(format, stem) {
  if (stem === undefined) return PRINT
  const path = join(root, 'lib', format, `${stem}.js`)
  if (format === 'cjs') return `require(${JSON.stringify(path)}); ${PRINT}`
  return `import ${JSON.stringify(pathToFileURL(path).href)}; ${PRINT}`
}

/** @param {number[]} numbers */
const median = numbers => numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? 0

/**
 * The milliseconds of each entry point. The entry points take turns, so that a busy minute slows down all of them.
 * @param {Format} format
 * @param {string} folder for the programs
 */
async function measure(format, folder) {
  const stems = [undefined, ...ENTRIES.map(stemOf)]
  const files = stems.map((_stem, index) => join(folder, `${index}.${format === 'esm' ? 'mjs' : 'cjs'}`))
  for (const [index, file] of files.entries()) await writeFile(file, program(format, stems[index]))
  /** @type {number[][]} */
  const samples = files.map(() => [])
  for (let round = 0; round < PROCESSES; round += 1) {
    for (const [index, file] of files.entries()) {
      samples[index]?.push(Number(await runOrThrow(process.execPath, [file])))
    }
  }
  const [bare = 0, ...times] = samples.map(median)
  return times.map(time => time - bare)
}

/** The time of each entry point by path, as text, and as a part of the time of the root. */
export async function importTimes() {
  const folder = await mkdtemp(join(root, '.cache', 'import-times-'))
  try {
    const [esm, cjs] = [await measure('esm', folder), await measure('cjs', folder)]
    const shown = (/** @type {number[]} */ times, /** @type {number} */ index) => {
      const [whole = 0, time = 0] = [times[0], times[index]]
      return `${time.toFixed(1).padStart(5)} ms ${((100 * time) / whole).toFixed(0).padStart(3)} %`
    }
    return new Map(ENTRIES.map(({ path }, index) => [path, { esm: shown(esm, index), cjs: shown(cjs, index) }]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
