// @ts-check
import { pathToFileURL } from 'node:url'
import { build, isBuilt } from './build.js'
import { install } from './install.js'

/**
 * Makes a clone ready to run from: installs the dependencies where they are not, and builds dist where it is older than
 * its source. Costs a few milliseconds where all is ready. Uses nothing that has to be installed.
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
