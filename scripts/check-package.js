// @ts-check
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { prepare } from './prepare.js'
import { installed, root, runOrThrow } from './run.js'

const BESIDE_DIST = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']

/** The files that the package must hold: no more, no fewer. */
async function expectedFiles() {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const sources = entries
    .filter(entry => entry.isFile())
    .map(entry => relative(join(root, 'src'), join(entry.parentPath, entry.name)).split(sep).join('/'))
  const emitted = sources.flatMap(path => {
    const [, stem] = /^(.*)\.ts$/.exec(path) ?? []
    return stem === undefined ? [path] : [`${stem}.js`, `${stem}.d.ts`]
  })
  return new Set([...BESIDE_DIST, ...emitted.map(path => `dist/${path}`)])
}

/** @param {{ path: string }[]} packed */
async function checkFiles(packed) {
  const expected = await expectedFiles()
  const actual = new Set(packed.map(file => file.path))
  const missing = [...expected].filter(path => !actual.has(path))
  const surplus = [...actual].filter(path => !expected.has(path))
  if (missing.length > 0) throw new Error(`The package lacks ${missing.join(', ')}.`)
  if (surplus.length > 0) throw new Error(`The package should not hold ${surplus.join(', ')}.`)
}

/** Imports, requires and type checks every entry, as one who installed the package would. @param {string} folder */
async function checkAsUser(folder) {
  const { name, exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const entries = Object.keys(exports)
    .filter(entry => !entry.endsWith('.json'))
    .map(entry => name + entry.slice(1))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'esm.mjs'), entries.map(entry => `import '${entry}'`).join('\n'))
  await writeFile(join(folder, 'cjs.cjs'), entries.map(entry => `require('${entry}')`).join('\n'))
  await writeFile(join(folder, 'types.ts'), entries.map((entry, i) => `export * as e${i} from '${entry}'`).join('\n'))
  await runOrThrow(process.execPath, ['esm.mjs'], { cwd: folder })
  await runOrThrow(process.execPath, ['cjs.cjs'], { cwd: folder })
  const flags = '--noEmit --strict --target es2023 --module nodenext --types node'.split(' ')
  await runOrThrow(installed('tsc'), ['--ignoreConfig', ...flags, 'types.ts'], { cwd: folder })
}

/** @param {string} folder an empty one, inside the repository, so that dependencies are found */
async function check(folder) {
  const packed = await runOrThrow('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  const [report] = Object.values(JSON.parse(packed))
  const tarball = join(folder, report.filename)
  await checkFiles(report.files)
  await runOrThrow(installed('publint'), ['--strict', tarball])
  await runOrThrow(installed('attw'), ['--profile', 'esm-only', tarball])
  const unpacked = join(folder, 'node_modules', 'durabledict')
  await mkdir(unpacked, { recursive: true })
  await runOrThrow('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1'])
  await checkAsUser(folder)
  console.log(`${report.files.length} files, ${Math.ceil(report.size / 1024)} KiB packed`)
}

await prepare()
const folder = await mkdtemp(join(root, '.cache', 'package-'))
try {
  await check(folder)
} catch (error) {
  console.error(/** @type {Error} */ (error).message)
  process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
