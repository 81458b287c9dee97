// @ts-check
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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

/**
 * A changed copy of the built library: a later build does not disturb a running test.
 * @param {readonly Change[]} [changes]
 */
export async function copyOfDist(changes = []) {
  // Below the root, where the library's dependencies are found.
  const cache = join(root, '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await newFolder(cache)
  const remove = () => removeFolder(folder)
  try {
    await copy(folder)
    for (const change of changes) await alter(join(folder, moduleOf(change.file)), change)
    return { folder, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** The module that the build makes of a file: a script is embedded in one. @param {string} file */
const moduleOf = file => (/\.(?:lua|sql)$/.test(file) ? `${file}.js` : file)

/** @param {string} folder */
async function copy(folder) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await linkModules(join(root, 'dist'), folder)
    } catch (error) {
      // A build is replacing it.
      if (attempt === 5) throw error
      await new Promise(resolve => setTimeout(resolve, 200))
      await rm(folder, { recursive: true })
    }
  }
}

/** Links the modules, which takes a fraction of the time that copies take. @param {string} from @param {string} to */
async function linkModules(from, to) {
  const modules = (await readdir(from, { recursive: true })).filter(path => path.endsWith('.js'))
  for (const folder of new Set(modules.map(dirname))) await mkdir(join(to, folder), { recursive: true })
  await Promise.all(modules.map(path => link(join(from, path), join(to, path))))
}

/** @param {string} path @param {Change} change */
async function alter(path, { file, from, to }) {
  const parts = (await readFile(path, 'utf8')).split(from)
  if (parts.length !== 2) throw new Error(`dist/${file} holds ${parts.length - 1} times, not once: ${from}`)
  // Removed first: the build has the same file.
  await rm(path)
  await writeFile(path, parts.join(to))
}
