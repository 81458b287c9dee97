// @ts-check
/** @import { Found, ServerSpec } from './types.js' */
import { findByApt, findUnpacked, hasApt } from './apt.js'
import { findBinary } from './binary.js'
import { dockerAnswers } from './docker.js'

/** One line that names the remedy. @param {ServerSpec} spec @param {unknown} [cause] */
function notFound({ name, variable, binaries, packages }, cause) {
  const debian = packages === undefined ? '' : ` (on Debian: apt-get install ${packages.join(' ')})`
  const program = binaries.join(' or ')
  const advice = `install ${program}${debian}, or start Docker, or set ${variable}.`
  return new Error(`No ${name} server to test with: ${advice}`, { cause })
}

/** On this machine: installed, or unpacked by an earlier run. @param {ServerSpec} spec */
async function findHere(spec) {
  const binary = await findBinary(spec)
  return binary === undefined ? findUnpacked(spec) : { binary, prefix: '' }
}

/**
 * Finds a server: by a URL in the environment, else a program on this machine, else Docker, else Debian's packages.
 * Rejects with one line that names what to install.
 * @param {ServerSpec} spec
 * @returns {Promise<Found>}
 */
export async function findServer(spec) {
  const url = process.env[spec.variable]
  if (url) return { source: 'environment', url }
  const here = await findHere(spec)
  if (here !== undefined) return { source: 'binary', ...here }
  if (spec.docker !== undefined && (await dockerAnswers())) return { source: 'docker', docker: spec.docker }
  if (spec.packages === undefined || !(await hasApt())) throw notFound(spec)
  const brought = await findByApt(spec).catch(cause => Promise.reject(notFound(spec, cause)))
  if (brought === undefined) throw notFound(spec)
  return { source: 'binary', ...brought }
}
