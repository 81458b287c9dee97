import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DurableDictError } from '../../errors/errors.js'
import { importPackage } from '../../packages/import-package.js'
import { Failure, usage } from '../failure.js'

/** In the order in which they are looked for. */
const NAMES = ['durabledict.config.ts', 'durabledict.config.js', 'durabledict.config.mjs']

/** The file in this folder that names the application's dictionaries, if there is one. */
export function findConfig(folder: string): string | undefined {
  return NAMES.map(name => join(folder, name)).find(path => existsSync(path))
}

/**
 * Opens a dictionary that the file exports.
 *
 * @param name - may be left out if there is only one.
 * @throws Failure if the file cannot be loaded or has no such dictionary.
 */
export async function openConfigured(path: string, name: string | undefined, folder: string): Promise<unknown> {
  const dictionaries = dictionariesOf(await load(path, folder))
  const chosen = choose([...dictionaries.keys()], name)
  const dictionary = dictionaries.get(chosen)
  try {
    return await (typeof dictionary === 'function' ? dictionary() : dictionary)
  } catch (error) {
    if (error instanceof DurableDictError) throw error
    throw usage(`durabledict.config threw while it opened "${chosen}": ${messageOf(error)}`, error)
  }
}

function choose(names: readonly string[], name: string | undefined): string {
  const list = names.map(one => JSON.stringify(one)).join(', ')
  if (name !== undefined) {
    if (names.includes(name)) return name
    throw usage(`durabledict.config has no dictionary ${JSON.stringify(name)}; it has ${list}.`)
  }
  if (names.length === 1) return names[0] as string
  throw usage(`durabledict.config has several dictionaries: choose one of ${list} with --dict.`)
}

function dictionariesOf(module: unknown): Map<string, unknown> {
  const { default: main, ...named } = module as Record<string, unknown>
  const given = typeof main === 'object' && main !== null ? main : named
  const { __esModule: _marker, 'module.exports': _module, ...dictionaries } = given as Record<string, unknown>
  const entries = Object.entries(dictionaries)
  if (entries.length > 0) return new Map(entries)
  throw usage('durabledict.config must export named dictionaries: export default { settings: () => openSettings() }')
}

async function load(path: string, folder: string): Promise<unknown> {
  try {
    return path.endsWith('.ts') ? await loadTypeScript(path, folder) : await importPackage(pathToFileURL(path).href)
  } catch (error) {
    if (error instanceof Failure) throw error
    throw usage(`durabledict.config cannot be loaded: ${messageOf(error)}`, error)
  }
}

async function loadTypeScript(path: string, folder: string): Promise<unknown> {
  const jiti = findJiti(folder)
  if (jiti) return await jiti(path)
  const { typescript } = process.features as { typescript?: unknown }
  if (typescript) return await importPackage(pathToFileURL(path).href)
  throw usage(
    'durabledict.config.ts is TypeScript, which this Node.js does not read. Use Node.js 22.18 or later, or install jiti ' +
      '(npm install --save-dev jiti), or write durabledict.config.js.',
  )
}

/** The loader of the application's `jiti`, of either form. */
function findJiti(folder: string): ((path: string) => unknown) | undefined {
  const base = join(folder, 'package.json')
  const require = createRequire(base)
  try {
    const exported = require('jiti')
    if (typeof exported.createJiti !== 'function') return exported(base, { interopDefault: true })
    const { import: load } = exported.createJiti(base)
    return path => load(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'it threw something that is not an error.'
}
