// @ts-check
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { INCLUDED } from './build/bundle.js'
import { code, declarations, filesOf } from './build/reachable.js'
import { PROGRAM } from './entries.js'
import { isWritten } from './entries-in-package.js'
import { prepare } from './prepare.js'
import { installed, root, runOrThrow } from './run.js'

const lib = join(root, 'lib')

const BESIDE_LIB = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']

/** The exact set of files that the package must contain. */
async function expectedFiles() {
  const built = INCLUDED.map(name => `LICENSE-${name}`)
  for (const format of ['esm', 'cjs']) {
    const programs = format === 'esm' ? [PROGRAM.stem] : []
    const folder = join(lib, format)
    const files = [...(await filesOf(folder, code, programs)), ...(await filesOf(folder, declarations))]
    built.push(...['package.json', ...files].map(path => `${format}/${path}`))
  }
  const schemas = await readdir(join(root, 'schemas'), { recursive: true })
  const described = schemas.filter(path => path.endsWith('.json')).map(path => `schemas/${path}`)
  return new Set([...BESIDE_LIB, ...described, ...built.map(path => `lib/${path}`)])
}

/** @param {{ path: string }[]} packed */
async function checkFiles(packed) {
  const expected = await expectedFiles()
  const actual = new Set(packed.map(file => file.path))
  const missing = [...expected].filter(path => !actual.has(path))
  const surplus = [...actual].filter(path => !expected.has(path))
  if (missing.length > 0) throw new Error(`The package lacks ${missing.join(', ')}.`)
  if (surplus.length > 0) throw new Error(`The package must not contain ${surplus.join(', ')}.`)
}

/** Imports, requires and type-checks every entry, as a user of the package would. @param {string} folder */
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
  await runOrThrow(installed('tsc'), ['--ignoreConfig', '--singleThreaded', ...flags, 'types.ts'], { cwd: folder })
}

/** Checks that information written twice agrees. */
async function checkManifest() {
  if (!(await isWritten()))
    throw new Error('package.json does not have the entries of scripts/entries.js: run npm run entries')
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const source = await readFile(join(root, 'src', 'version.ts'), 'utf8')
  if (!source.includes(`VERSION = '${version}'`))
    throw new Error(`src/version.ts must have the version ${version} of package.json.`)
}

/** @param {string} folder an empty one, inside the repository, so that dependencies are found */
async function check(folder) {
  await checkManifest()
  const packed = await runOrThrow('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  const [report] = Object.values(JSON.parse(packed))
  const tarball = join(folder, report.filename)
  await checkFiles(report.files)
  await runOrThrow(installed('publint'), ['--strict', tarball])
  await runOrThrow(installed('attw'), [tarball])
  const unpacked = join(folder, 'node_modules', 'durabledict')
  await mkdir(unpacked, { recursive: true })
  await runOrThrow('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1'])
  await checkAsUser(folder)
  console.log(
    `${report.files.length} files, ${Math.ceil(report.size / 1024)} KiB packed, ${Math.ceil(report.unpackedSize / 1024)} KiB installed`,
  )
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
