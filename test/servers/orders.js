// @ts-check
/** @import { Orders } from './guarded.js' */
/** @import { DockerSpec, Place, ServerSpec } from './types.js' */
import { execFile } from 'node:child_process'
import { chown, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dockerCommand } from './docker.js'
import { copying, preparedFolder } from './prepared.js'

/** @type {Partial<Record<string, string>>} */
const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' }

/** The user to run the server as. @param {ServerSpec} spec */
async function ownerOf({ user }) {
  if (user === undefined || process.getuid?.() !== 0) return undefined
  const ids = ['-u', '-g'].map(async flag => Number((await promisify(execFile)('id', [flag, user])).stdout))
  const [uid = 0, gid = 0] = await Promise.all(ids)
  return { uid, gid }
}

/** The environment in which a program unpacked below `prefix` finds its libraries. @param {string} prefix */
export function environment(prefix) {
  if (prefix === '') return process.env
  const triplet = `${ARCHITECTURES[process.arch]}-linux-gnu`
  const libraries = ['usr/lib', `usr/lib/${triplet}`, `lib/${triplet}`].map(folder => join(prefix, folder))
  return { ...process.env, LD_LIBRARY_PATH: libraries.join(':') }
}

/**
 * How to run a program on this machine.
 * @param {ServerSpec} spec @param {Place} place
 * @returns {Promise<Orders>}
 */
export async function programOrders(spec, place) {
  const owner = await ownerOf(spec)
  if (owner !== undefined) await chown(place.folder, owner.uid, owner.gid)
  const isNew = (await readdir(place.folder)).length === 0
  const init = isNew ? spec.init?.(place) : undefined
  const first = isNew && spec.prepare ? await copyingPrepared(spec, place, owner) : undefined
  const { stopSignal = 'SIGTERM' } = spec
  return { command: spec.command(place), first, init, cwd: place.folder, owner, stopSignal }
}

/** @param {ServerSpec} spec @param {Place} place @param {Orders['owner']} owner */
async function copyingPrepared(spec, place, owner) {
  return copying(await preparedFolder(spec, place, owner, environment(place.prefix)), place.folder)
}

/**
 * How to run a container.
 * @param {DockerSpec} docker @param {string} folder @param {number} port
 * @returns {Orders}
 */
export function dockerOrders(docker, folder, port) {
  const name = `durabledict-${process.pid}-${port}`
  const afterwards = ['docker', 'rm', '--force', name]
  return { command: dockerCommand(docker, name, port), afterwards, cwd: folder, stopSignal: 'SIGTERM' }
}
