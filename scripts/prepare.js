// @ts-check
import { pathToFileURL } from 'node:url'
import { build, isBuilt } from './build.js'
import { install } from './install.js'

/**
 * Prepares a clone: installs missing dependencies, and builds dist if it is older than its source. Takes a few
 * milliseconds if there is nothing to do. Uses no installed package.
 * @param {{ build?: boolean }} [options]
 */
export async function prepare({ build: wanted = true } = {}) {
  await install()
  if (wanted && !(await isBuilt())) await build()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await prepare().catch(error => {
    console.error(error.message)
    process.exitCode = 1
  })
}
