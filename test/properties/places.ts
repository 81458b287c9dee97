import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CommonOptions, type DictOptions, type DurableDict, MemoryDict, MemoryStore } from '../../src/index.js'
import { fastFolder } from '../servers/fast-folder.js'

export type Dict = DurableDict<Record<string, unknown>>
export type Options = CommonOptions & DictOptions<Record<string, unknown>>

/** One store, empty at first, on which any number of dictionaries are opened. */
export interface Place {
  open(options: Options): Promise<Dict>
  dispose(): Promise<void>
}

export interface Kind {
  readonly name: string
  /** How many runs, relative to those of a store in memory: the slower a store, the fewer. */
  readonly share: number
  create(): Promise<Place>
}

const memory: Kind = {
  name: 'MemoryDict',
  share: 1,
  create: async () => {
    const store = new MemoryStore()
    return { open: options => MemoryDict.open(store, options), dispose: async () => {} }
  },
}

interface SqliteModule {
  readonly SqliteDict: { open(name: string, path: string, options: Options): Promise<Dict> }
}

async function sqlite(module: URL): Promise<Kind> {
  const { SqliteDict } = (await import(fileURLToPath(module))) as SqliteModule
  return {
    name: 'SqliteDict',
    share: 1 / 20,
    create: async () => {
      const folder = await mkdtemp(join(fastFolder(), 'durabledict-'))
      return {
        open: options => SqliteDict.open('settings', join(folder, 'test.db'), options),
        dispose: () => rm(folder, { recursive: true, force: true }),
      }
    },
  }
}

/** Every store in this source tree that needs no server. */
export async function kinds(): Promise<Kind[]> {
  const module = new URL('../../src/sqlite-dict.ts', import.meta.url)
  return existsSync(module) ? [memory, await sqlite(module)] : [memory]
}
