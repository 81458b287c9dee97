// @ts-check
/** @import { ServerSpec } from './types.js' */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached, cacheFolder } from '../../scripts/cache.js'
import { runOrThrow } from '../../scripts/run.js'
import { findBinary } from './binary.js'

/** @param {string} name */
const script = name => fileURLToPath(new URL(name, import.meta.url))

/** @param {string} line */
const announce = line => process.stderr.write(`${line}\n`)

/** The cache folder of a server's unpacked packages. @param {ServerSpec} spec */
const folderName = ({ packages = [] }) => `apt-${packages.join('-')}`

/** The program that an earlier run unpacked into the cache. @param {ServerSpec} spec */
export async function findUnpacked(spec) {
  const prefix = join(cacheFolder(), folderName(spec))
  const binary = await findBinary(spec, prefix)
  return binary === undefined ? undefined : { binary, prefix }
}

/** @param {ServerSpec} spec */
async function installAsRoot({ name, packages = [] }) {
  announce(`${name}: installing ${packages.join(' ')} with apt-get`)
  await mkdir(cacheFolder(), { recursive: true })
  await runOrThrow('flock', [join(cacheFolder(), 'apt.lock'), script('apt-install.sh'), ...packages])
}

/** @param {ServerSpec} spec */
async function unpackAsUser(spec) {
  const packages = spec.packages ?? []
  announce(`${spec.name}: not root, so unpacking ${packages.join(' ')} with apt-get download and dpkg into the cache`)
  await cached(folderName(spec), folder => runOrThrow(script('apt-unpack.sh'), [folder, ...packages]))
}

/**
 * Gets the server's program from Debian's packages: installed if we are root, and otherwise unpacked into the cache.
 * @param {ServerSpec} spec
 */
export async function findByApt(spec) {
  if (process.getuid?.() !== 0) {
    await unpackAsUser(spec)
    return findUnpacked(spec)
  }
  await installAsRoot(spec)
  const binary = await findBinary(spec)
  return binary === undefined ? undefined : { binary, prefix: '' }
}

/** Whether the machine has apt: Debian, Ubuntu and derivatives. */
export const hasApt = async () => (await findBinary({ binaries: ['apt-get'] })) !== undefined
