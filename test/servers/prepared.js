// @ts-check
/** @import { Place, ServerSpec } from './types.js' */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../../scripts/cache.js'
import { fastFolder } from './fast-folder.js'

/** @typedef {{ uid: number, gid: number } | undefined} Owner the user to run as, if it is another */

/** The command that copies the contents of a folder, with their owners and rights. @param {string} from @param {string} to */
export const copying = (from, to) => ['cp', '-a', `${from}/.`, to]

/** @param {string[]} command @param {object} options */
const execute = ([program = '', ...args], options) => promisify(execFile)(program, args, options)

/**
 * A data folder in the cache that the spec's `prepare` has made what a new one has to be: to copy it takes a fraction of the time. No
 * server has run in it.
 * @param {ServerSpec} spec @param {Place} place @param {Owner} owner @param {NodeJS.ProcessEnv} env
 */
export async function preparedFolder(spec, place, owner, env) {
  return cached(await nameOf(spec, place, owner), folder => prepare(spec, { ...place, folder }, owner, env))
}

/** Another one for each version of the program, command and user. @param {ServerSpec} spec @param {Place} place @param {Owner} owner */
async function nameOf({ name, prepare }, place, owner) {
  const { mtimeMs, size } = await stat(place.binary)
  const command = prepare?.({ ...place, folder: '' })
  const all = JSON.stringify([command, place.binary, mtimeMs, size, owner?.uid ?? process.getuid?.()])
  return `${name}-${createHash('sha256').update(all).digest('hex').slice(0, 12)}`
}

/** First in a folder that the owner can reach. @param {ServerSpec} spec @param {Place} place @param {Owner} owner @param {NodeJS.ProcessEnv} env */
async function prepare(spec, place, owner, env) {
  const folder = await mkdtemp(join(fastFolder(), 'durabledict-'))
  try {
    if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
    await execute(spec.prepare?.({ ...place, folder }) ?? [], { ...owner, cwd: folder, env })
    await execute(copying(folder, place.folder), { env })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
