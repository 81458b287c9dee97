// @ts-check
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installed, root, runOrThrow } from './run.js'

const src = join(root, 'src')
const dist = join(root, 'dist')
const cache = join(root, '.cache')

/** The newest change in or below a file or folder, in milliseconds. @param {string} path @returns {Promise<number>} */
async function newest(path) {
  const here = await stat(path)
  if (!here.isDirectory()) return here.mtimeMs
  const below = await Promise.all((await readdir(path)).map(name => newest(join(path, name))))
  return Math.max(here.mtimeMs, ...below)
}

/** Whether dist was built after the last change of what it is built from. */
export async function isBuilt() {
  const built = await stat(join(dist, 'index.js')).catch(() => undefined)
  if (built === undefined) return false
  const sources = [src, join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')]
  return (await Promise.all(sources.map(newest))).every(changed => changed <= built.mtimeMs)
}

/** Compiles src into a fresh dist. The old one stays whole until the new one is, for whoever is running from it. */
export async function build() {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'build-'))
  const fresh = join(folder, 'dist')
  try {
    await runOrThrow(installed('tsc'), ['-p', 'tsconfig.build.json', '--outDir', fresh])
    // What is not TypeScript (SQL, Lua) is read at run time from beside the module that needs it.
    await cp(src, fresh, { recursive: true, filter: path => !path.endsWith('.ts') })
    await rename(dist, join(folder, 'old')).catch(() => {})
    await rename(fresh, dist)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await build().catch(error => {
    console.error(error.message)
    process.exitCode = 1
  })
}
