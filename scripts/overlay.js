// @ts-check
import { cp, link, mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Adds the packages of one node_modules to another, whose own packages stay.
 * @param {string} from
 * @param {string} to
 * @param {{ whole?: boolean }} [options] whole: as real files rather than links to the packages' folders
 */
export async function addPackages(from, to, { whole = false } = {}) {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) {
    const [source, target] = [join(from, name), join(to, name)]
    if (name.startsWith('.')) continue
    if (name.startsWith('@')) await addPackages(source, target, { whole })
    else if (whole) await linkFiles(source, target)
    else await symlink(source, target, 'junction').catch(unlessThere)
  }
}

/** A copy of the tree that shares its files. @param {string} from @param {string} to */
async function linkFiles(from, to) {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await linkFiles(source, target)
    else await link(source, target).catch(error => (error.code === 'EXDEV' ? cp(source, target) : unlessThere(error)))
  }
}

/** @param {NodeJS.ErrnoException} error */
function unlessThere(error) {
  if (error.code !== 'EEXIST') throw error
}
