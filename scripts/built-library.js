// @ts-check
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { testBundle } from './build/test-bundle.js'
import { root } from './run.js'

const src = join(root, 'src', sep)

/** Tests that replace or reload modules of the library need those that Vitest loads, not those that Node loads. */
const REPLACES_MODULES = /\bvi\.(mock|doMock|resetModules)\(/

/** @type {Map<string, boolean>} */
const known = new Map()

/** @param {string} file */
function replacesModules(file) {
  const found = known.get(file) ?? REPLACES_MODULES.test(readFileSync(file, 'utf8'))
  known.set(file, found)
  return found
}

/**
 * Resolves the imports of `src` in tests to the same modules of the bundle, which Node itself loads. Vitest would transform the
 * several hundred modules of the library and load them one message at a time, for each test file again.
 */
export function builtLibrary() {
  return {
    name: 'built-library',
    enforce: /** @type {const} */ ('pre'),
    /** @param {string} source @param {string | undefined} importer */
    resolveId(source, importer) {
      if (!source.startsWith('.') || !importer || importer.startsWith(src)) return null
      const file = resolve(dirname(importer), source)
      if (!file.startsWith(src) || replacesModules(importer)) return null
      const built = join(testBundle, file.slice(src.length))
      return existsSync(built) ? built : null
    },
  }
}
