// @ts-check
import { createHash } from 'node:crypto'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from '../../scripts/cache.js'
import { addPackages } from '../../scripts/overlay.js'
import { runOrThrow } from '../../scripts/run.js'
import { TOOLS } from './tools.js'

const INSTALL =
  'install --ignore-scripts --no-audit --no-fund --no-package-lock --prefer-offline --legacy-peer-deps'.split(' ')

/** The programs that the tests bundle and run. */
const programs = fileURLToPath(new URL('programs', import.meta.url))

/** The node_modules of a set of tools, installed on first use. @param {string} name */
export async function toolset(name) {
  const versions = TOOLS[name]
  if (!versions) throw new Error(`test/consumers/tools.js lists no set "${name}" for this machine.`)
  const wanted = Object.entries(versions).map(([tool, version]) => `${tool}@${version}`)
  const hash = createHash('sha256').update(wanted.join()).digest('hex').slice(0, 12)
  const folder = await cached(`consumers-${name}-${hash}`, async draft => {
    await writeFile(join(draft, 'package.json'), '{ "private": true }')
    await runOrThrow('npm', [...INSTALL, ...wanted], { cwd: draft })
  })
  return join(folder, 'node_modules')
}

/** Packs the library and installs the tarball into a separate folder, as users do. */
export async function installPackage() {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-package-'))
  const packed = await runOrThrow('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  const [report] = Object.values(JSON.parse(packed))
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  // Peer dependencies are optional, and each case installs its own.
  await runOrThrow('npm', [...INSTALL, `./${report.filename}`], { cwd: folder })
  return { modules: join(folder, 'node_modules'), remove: () => rm(folder, { recursive: true, force: true }) }
}

/**
 * An empty folder outside the repository with the package, the tools and the programs.
 * @param {string} modules where the package is installed
 * @param {readonly string[]} tools
 * @param {{ type?: 'module' | 'commonjs', whole?: boolean }} [options] whole: with real files, for tools that follow no
 * links
 */
export async function freshFolder(modules, tools, { type = 'module', whole = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-consumer-'))
  const own = join(folder, 'node_modules')
  // Links stay relative: the program of the command line must find the tools of this folder.
  await cp(modules, own, { recursive: true, verbatimSymlinks: true })
  for (const name of tools) await addPackages(await toolset(name), own, { whole })
  await cp(programs, folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type }))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
