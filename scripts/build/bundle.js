// @ts-check
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ENTRIES, PROGRAM, stemOf } from '../entries.js'
import { root } from '../run.js'
import { declarations, filesOf } from './reachable.js'
import { textModules } from './text-modules.js'

/** @import { Plugin } from 'rolldown' */
/** @typedef {'esm' | 'cjs'} Format */

const src = join(root, 'src')

/** It is ESM only, so the CommonJS build could not require it: both builds include it. */
const EMBEDDED = 'devalue'

/** Packages that the builds include, in full or in the page of the console. */
export const INCLUDED = [EMBEDDED, 'preact']

/** Replaces the ESM way of loading a package with the CommonJS one. @type {Plugin} */
const requirePackages = {
  name: 'require-packages',
  resolveId(specifier) {
    if (!specifier.endsWith('/import-package.js')) return null
    return fileURLToPath(new URL('./require-package.js', import.meta.url))
  },
}

/** @param {string} specifier */
const isExternal = specifier => !/^[./]/.test(specifier) && specifier !== EMBEDDED

/** Bundles the entry points into one folder, with shared code in chunks. @param {Format} format @param {string} folder */
async function bundle(format, folder) {
  const { rolldown } = await import('rolldown')
  const input = Object.fromEntries(ENTRIES.map(entry => [stemOf(entry), join(src, entry.source)]))
  const program = format === 'esm' ? { [PROGRAM.stem]: join(src, PROGRAM.source) } : {}
  const built = await rolldown({
    input: { ...input, ...program },
    platform: 'node',
    external: isExternal,
    treeshake: { moduleSideEffects: false },
    plugins: [textModules(), ...(format === 'cjs' ? [requirePackages] : [])],
    onLog: (level, log) => {
      throw new Error(`${level}: ${log.message}`)
    },
  })
  await built.write({
    dir: folder,
    format,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    comments: { legal: false, annotation: true, jsdoc: false },
  })
  await built.close()
}

/**
 * Writes the package's code: for each format the entry points, their shared chunks, and the declarations.
 * @param {string} lib
 * @param {string} modules where tsc put each source by itself
 */
export async function bundleLibrary(lib, modules) {
  await mkdir(lib, { recursive: true })
  for (const name of INCLUDED) await cp(join(root, 'node_modules', name, 'LICENSE'), join(lib, `LICENSE-${name}`))
  for (const format of /** @type {const} */ (['esm', 'cjs'])) {
    const folder = join(lib, format)
    await mkdir(folder, { recursive: true })
    await bundle(format, folder)
    for (const path of await filesOf(modules, declarations)) await cp(join(modules, path), join(folder, path))
    await writeFile(join(folder, 'package.json'), `${JSON.stringify(await manifest(format))}\n`)
  }
}

/** The file that declares the format of a folder's files. @param {Format} format */
async function manifest(format) {
  const { sideEffects } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return { type: format === 'esm' ? 'module' : 'commonjs', sideEffects }
}
