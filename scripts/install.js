// @ts-check
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { root, runOrThrow } from './run.js'

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} Locked */

/**
 * The packages that a lockfile of npm names, by folder.
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

/** Whether the lockfile is that of package.json: if not, `npm ci` says so. @param {Record<string, unknown>} locked */
async function isOfPackage(locked) {
  const wanted = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return ['dependencies', 'devDependencies'].every(kind => isDeepStrictEqual(locked[kind], wanted[kind]))
}

/** Whether node_modules holds what package-lock.json asks for. What is optional may be missing. */
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

/** Installs the dependencies where they are missing, or not those of the lockfile; whether it had to. */
export async function install() {
  if (await isInstalled()) return false
  await runOrThrow('npm', ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'])
  return true
}
