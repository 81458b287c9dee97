// @ts-check
/** @import { CodeSplittingGroup, Plugin } from 'rolldown' */
import { readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { PROGRAM } from '../entries.js'
import { root } from '../run.js'

/** The bundle of the tests: a file for each module of `dist`, by the same path, with the same exports. */
export const testBundle = join(root, '.cache', 'test-bundle', sep)

/** It does its work as soon as it is loaded. */
const program = PROGRAM.source.replace('.ts', '.js')

/** Modules that tests load together: a file for each of these paths and all that it imports. An earlier one takes precedence. */
const TOGETHER = ['index.js', `conformance${sep}`, `console${sep}`, `cli${sep}`]

/**
 * Bundles the modules for the tests: each test file loads the library into a process of its own, and Node takes four times as
 * long to load several hundred modules. Each module is in the bundle once.
 * @param {string} folder @param {string} modules where tsc put each source by itself
 */
export async function bundleForTests(folder, modules) {
  const all = await readdir(modules, { recursive: true })
  const paths = all.filter(path => path.endsWith('.js') && path !== program)
  await bundleModules(folder, modules, paths, { groups: TOGETHER.map(path => together(join(modules, path), path)) })
}

/**
 * Bundles modules and all that they import: a file for each, by the same path, with the same exports.
 * @param {string} folder @param {string} modules the folder of the built modules @param {readonly string[]} paths of those to import
 * @param {{ plugins?: Plugin[], groups?: CodeSplittingGroup[] }} [options]
 */
export async function bundleModules(folder, modules, paths, { plugins = [], groups = [] } = {}) {
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    input: Object.fromEntries(paths.map(path => [path.slice(0, -'.js'.length), join(modules, path)])),
    platform: 'node',
    external: specifier => !/^[./]/.test(specifier),
    treeshake: false,
    plugins,
    onLog: (level, log) => {
      throw new Error(`${level}: ${log.message}`)
    },
  })
  await bundle.write({
    dir: folder,
    chunkFileNames: 'chunks/[name].js',
    // Classes and functions keep a name that several modules use.
    keepNames: true,
    codeSplitting: { groups },
  })
  await bundle.close()
}

/** @param {string} start of the modules' paths @param {string} path */
const together = (start, path) => ({
  name: path.replace(/\W.*/, ''),
  test: (/** @type {string} */ module) => module.startsWith(start),
})
