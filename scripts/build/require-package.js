// @ts-check
// In the CommonJS build: what src/packages/import-package.ts is in the ESM build. Jest in its default mode has no import().
import { createRequire } from 'node:module'
import { join } from 'node:path'

/**
 * Requires a package of the application. Bundlers leave this call alone.
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export async function importPackage(name) {
  // An ESM bundle has no file name.
  const from = typeof __filename === 'string' ? __filename : join(process.cwd(), 'index.js')
  return createRequire(from)(name)
}
