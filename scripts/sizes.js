// @ts-check
// How large a program that imports one entry point becomes, what of the library is in it, and how long the import takes:
// `npm run sizes`.
import { builtinModules } from 'node:module'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { textModules } from './build/text-modules.js'
import { ENTRIES } from './entries.js'
import { importTimes } from './import-times.js'
import { root } from './run.js'

/** @import { Entry } from './entries.js' */

const src = join(root, 'src')

/** @param {string} specifier */
const isExternal = specifier => builtinModules.includes(specifier) || /^(node:|[^./])/.test(specifier)

/**
 * The chunks that importing the program loads. What an option imports when it is used is in other chunks.
 * @template {{ fileName: string, isEntry: boolean, imports: string[] }} Chunk
 * @param {readonly Chunk[]} chunks
 */
function loadedAtOnce(chunks) {
  const loaded = new Set(chunks.filter(({ isEntry }) => isEntry))
  for (const { imports } of loaded) {
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk)
  }
  return [...loaded]
}

/** Bundles an entry point by itself, devalue with it, as a user's bundler would. @param {Entry} entry */
export async function measure(entry) {
  const { rolldown } = await import('rolldown')
  const built = await rolldown({
    input: join(src, entry.source),
    platform: 'node',
    external: specifier => specifier !== 'devalue' && isExternal(specifier),
    treeshake: { moduleSideEffects: false },
    plugins: [textModules()],
  })
  const { output } = await built.generate({ format: 'esm', minify: true })
  await built.close()
  const chunks = loadedAtOnce(output.flatMap(file => (file.type === 'chunk' ? [file] : [])))
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds).filter(id => id.startsWith(src + sep))
  return {
    entry,
    kib: chunks.reduce((sum, { code }) => sum + gzipSync(code).length, 0) / 1024,
    modules: modules.map(id => relative(src, id).split(sep).join('/')),
  }
}

/** @param {Awaited<ReturnType<typeof measure>>} measured */
export const isTooLarge = ({ entry, kib }) => kib > entry.limit

/** All entry points, one after the other. */
export async function measureAll() {
  const all = []
  for (const entry of ENTRIES) all.push(await measure(entry))
  return all
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const all = await measureAll()
  const times = await importTimes()
  for (const { entry, kib, modules } of all) {
    const { esm, cjs } = /** @type {{ esm: string, cjs: string }} */ (times.get(entry.path))
    const size = `${kib.toFixed(1).padStart(6)} KiB of ${String(entry.limit).padEnd(3)}`
    console.log(
      `${entry.path.padEnd(18)} ${size} ${String(modules.length).padStart(4)} modules   ESM ${esm}   CJS ${cjs}`,
    )
  }
  if (all.some(isTooLarge)) process.exitCode = 1
}
