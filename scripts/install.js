// @ts-check
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { root, runOrThrow } from './run.js'

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} Locked */

/**
 * The packages in a lockfile of npm, by folder.
 * @param {string} path
 * @returns {Promise<Record<string, Locked> | undefined>}
 */
async function locked(path) {
  try {
    return JSON.parse(await readFile(join(root, path), 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Whether the lockfile matches package.json: if not, `npm ci` reports it. @param {Record<string, unknown>} locked */
async function isOfPackage(locked) {
  const wanted = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return ['dependencies', 'devDependencies'].every(kind => isDeepStrictEqual(locked[kind], wanted[kind]))
}

/** Whether node_modules has what package-lock.json lists. Optional packages may be missing. */
async function isInstalled() {
  const [wanted, present] = await Promise.all([locked('package-lock.json'), locked('node_modules/.package-lock.json')])
  if (wanted === undefined || present === undefined || !(await isOfPackage({ ...wanted[''] }))) return false
  return Object.entries(wanted).every(([folder, { version, integrity, optional, devOptional }]) => {
    if (folder === '') return true
    const found = present[folder]
    if (found === undefined) return optional === true || devOptional === true
    return found.version === version && found.integrity === integrity
  })
}

/** Installs the dependencies if they are missing or differ from the lockfile; returns whether it had to. */
export async function install() {
  if (await isInstalled()) return false
  await runOrThrow('npm', ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'])
  return true
}
