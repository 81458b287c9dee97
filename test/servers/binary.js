// @ts-check
/** @import { ServerSpec } from './types.js' */
import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin']

/** The names in a folder, the highest version first, or none if the folder is missing. @param {string} folder */
async function names(folder) {
  const all = await readdir(folder).catch(() => [])
  return all.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
}

/**
 * The paths that match a pattern; `*` matches one whole name.
 * @param {string} pattern
 * @returns {Promise<string[]>}
 */
async function expand(pattern) {
  const [before, ...after] = pattern.split('/*/')
  if (before === undefined || after.length === 0) return [pattern]
  const rest = after.join('/*/')
  const found = await names(before)
  return (await Promise.all(found.map(name => expand(`${before}/${name}/${rest}`)))).flat()
}

/** @param {string} path @param {number} mode */
const allows = (path, mode) =>
  access(path, mode).then(
    () => true,
    () => false,
  )

/**
 * Finds the server's program on the machine or below `prefix`, if the other files that it needs are below `prefix`.
 * @param {Pick<ServerSpec, 'binaries' | 'folders' | 'needs'>} spec
 * @param {string} [prefix]
 */
export async function findBinary({ binaries, folders = [], needs = [] }, prefix = '') {
  const needed = await Promise.all(needs.map(path => allows(prefix + path, constants.R_OK)))
  if (needed.includes(false)) return undefined
  const onPath = (process.env.PATH ?? '').split(delimiter)
  const expanded = await Promise.all([...folders, ...FOLDERS].map(folder => expand(prefix + folder)))
  for (const name of binaries) {
    for (const folder of [...onPath, ...expanded.flat()]) {
      const binary = join(folder, name)
      if (folder !== '' && (await allows(binary, constants.X_OK))) return binary
    }
  }
  return undefined
}
