// @ts-check
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundleLibrary } from './build/bundle.js'
import { bundleForTests, testBundle } from './build/test-bundle.js'
import { moduleOf, TEXTS, textOf } from './build/text-modules.js'
import { installed, root, runOrThrow } from './run.js'

const src = join(root, 'src')
const cache = join(root, '.cache')

/** Each source as a separate module: for programs that use internals, such as the torture test and the benchmarks. */
const dist = join(root, 'dist')

/** The contents of the package: bundles in both formats, with their declarations. */
const lib = join(root, 'lib')

const SOURCES = [
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/build',
  'scripts/build.js',
  'scripts/entries.js',
]

/** The newest change in or below a file or folder, in milliseconds. @param {string} path @returns {Promise<number>} */
async function newest(path) {
  const here = await stat(path)
  if (!here.isDirectory()) return here.mtimeMs
  const below = await Promise.all((await readdir(path)).map(name => newest(join(path, name))))
  return Math.max(here.mtimeMs, ...below)
}

/** Whether dist and lib were built after the last change of their sources. */
export async function isBuilt() {
  const outputs = [
    join(dist, 'index.js'),
    join(lib, 'esm', 'index.js'),
    join(lib, 'cjs', 'index.js'),
    join(testBundle, 'index.js'),
  ]
  const built = await Promise.all(outputs.map(path => stat(path).catch(() => undefined)))
  const oldest = Math.min(...built.map(file => file?.mtimeMs ?? 0))
  return (await Promise.all(SOURCES.map(path => newest(join(root, path))))).every(changed => changed <= oldest)
}

/** Compiles src into new outputs. The old ones stay complete until then, for processes that run from them. */
export async function build() {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'build-'))
  try {
    await runOrThrow(installed('tsc'), ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')])
    await embedTexts(join(folder, 'dist'))
    await bundleLibrary(join(folder, 'lib'), join(folder, 'dist'))
    await bundleForTests(join(folder, 'test-bundle'), join(folder, 'dist'))
    for (const [name, output] of /** @type {const} */ ([
      ['dist', dist],
      ['lib', lib],
      ['test-bundle', testBundle],
    ])) {
      await rename(output, join(folder, `old-${name}`)).catch(() => {})
      await rename(join(folder, name), output)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes a module of each script beside the modules that import it, and redirects their imports to it. @param {string} modules */
async function embedTexts(modules) {
  const files = await readdir(src, { recursive: true })
  const scripts = files.filter(path => TEXTS.test(path))
  for (const path of scripts) {
    await mkdir(dirname(join(modules, path)), { recursive: true })
    await writeFile(join(modules, `${path}.js`), moduleOf(await textOf(join(src, path))).code)
  }
  const folders = new Set(scripts.map(path => dirname(dirname(path))))
  for (const folder of folders) await importModules(join(modules, folder))
}

/** @param {string} folder */
async function importModules(folder) {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.js')) continue
    const text = await readFile(join(folder, name), 'utf8')
    const changed = text.replaceAll(/(from '\.[^']+\.(?:lua|sql|page))'/g, "$1.js'")
    if (changed !== text) await writeFile(join(folder, name), changed)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await build().catch(error => {
    console.error(error.message)
    process.exitCode = 1
  })
}
