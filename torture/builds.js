// @ts-check
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { bundleModules } from '../scripts/build/test-bundle.js'
import { root } from '../scripts/run.js'
import { newFolder, removeFolder } from './folders.js'

/** Text of a built file, and its replacement. It must occur once. */
/** @typedef {{ file: string, from: string | RegExp, to: string }} Change */

/** Small limits, so that a short run trims the log, loads and scans. @type {readonly Change[]} */
export const SMALL = [
  { file: 'backends/redis/scripts/prelude.lua', from: /LOG_LENGTH, LOG_BYTES = \d+/, to: 'LOG_LENGTH, LOG_BYTES = 40' },
  { file: 'backends/redis/reader.js', from: /SMALL = [\d_]+/, to: 'SMALL = 25' },
  { file: 'backends/redis/scan.js', from: /CHUNK = '\d+'/, to: "CHUNK = '20'" },
]

/** The built library, each source as a separate module. */
const dist = join(root, 'dist')

/** What processes and the conductor import of it. */
const IMPORTED = [
  'index.js',
  'conformance/faulty-backend.js',
  'last-known/read-file.js',
  'backends/redis/redis-backend.js',
  'backends/postgres/postgres-backend.js',
  'backends/postgres/clients/recognise.js',
  'backends/zookeeper/connect.js',
]

/** How often to read a build that is being replaced, and the pauses in between, in ms. */
const ATTEMPTS = 5
const PAUSE = 200

/**
 * A changed copy of the built library: a later build does not disturb a running test. It is bundled, which takes as long as one
 * process takes to load the several hundred modules.
 * @param {readonly Change[]} [changes]
 */
export async function copyOfDist(changes = []) {
  // Below the root, where the library's dependencies are found.
  const cache = join(root, '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await newFolder(cache)
  const remove = () => removeFolder(folder)
  try {
    await copy(folder, changes)
    return { folder, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** @param {string} folder @param {readonly Change[]} changes */
async function copy(folder, changes) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await bundle(folder, changes)
    } catch (error) {
      // A build may be replacing it.
      if (attempt === ATTEMPTS) throw error
      await pause(PAUSE)
    }
  }
}

/** @param {string} folder @param {readonly Change[]} changes */
async function bundle(folder, changes) {
  const texts = await altered(changes)
  const missing = new Set(texts.keys())
  const load = (/** @type {string} */ module) => {
    missing.delete(module)
    return texts.get(module)
  }
  await bundleModules(folder, dist, IMPORTED, { plugins: [{ name: 'altered', load }] })
  if (missing.size > 0) throw new Error(`No process loads ${[...missing].join(', ')}.`)
}

/** The modules that the changes alter, with their new texts. @param {readonly Change[]} changes */
async function altered(changes) {
  /** @type {Map<string, string>} */
  const texts = new Map()
  for (const change of changes) {
    const path = join(dist, moduleOf(change.file))
    texts.set(path, alter(texts.get(path) ?? (await readFile(path, 'utf8')), change))
  }
  return texts
}

/** The module that the build makes of a file: a script is embedded in one. @param {string} file */
const moduleOf = file => (/\.(?:lua|sql)$/.test(file) ? `${file}.js` : file)

/** @param {string} text @param {Change} change */
function alter(text, { file, from, to }) {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`dist/${file} holds ${parts.length - 1} times, not once: ${from}`)
  return parts.join(to)
}
