// @ts-check
import { fileURLToPath } from 'node:url'
import { cached } from '../../scripts/cache.js'
import { runOrThrow } from '../../scripts/run.js'
import { hasApt } from './apt.js'
import { findServer } from './find.js'
import { redis } from './redis.js'

/** @type {import('./types.js').ServerSpec} */
const valkey = {
  name: 'Valkey',
  variable: 'VALKEY_URL',
  binaries: ['valkey-server'],
  docker: { image: 'valkey/valkey:8', port: 6379 },
  ready: /Ready to accept connections/,
  command: redis.command,
  url: redis.url,
}

const PACKAGE = 'valkey-server'

/** Where `startServer` looks for unpacked packages. */
const unpacked = { ...valkey, packages: [PACKAGE] }

/**
 * The specification of a Valkey that can be started, or nothing if it is not available: older releases of Debian have
 * it only in their backports.
 * @returns {Promise<import('./types.js').ServerSpec | undefined>}
 */
export async function findValkey() {
  const here = await findServer(valkey).catch(() => undefined)
  if (here !== undefined) return valkey
  if (!(await hasApt())) return undefined
  const script = fileURLToPath(new URL('apt-backports.sh', import.meta.url))
  return cached(`apt-${PACKAGE}`, folder => runOrThrow(script, [folder, PACKAGE])).then(
    () => unpacked,
    () => undefined,
  )
}
