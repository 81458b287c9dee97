import { createRequire } from 'node:module'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { rawHandle } from './backend.js'

type Opener = (file: string) => Promise<OwnHandle>

/** Where a caller's connection may come from: this process's engine, and better-sqlite3 if it is installed (it is built at install). */
export const ENGINES: Readonly<Record<string, Opener | undefined>> = {
  'own engine': rawHandle,
  'better-sqlite3': betterSqlite3(),
}

function betterSqlite3(): Opener | undefined {
  try {
    const Database = createRequire(import.meta.url)('better-sqlite3') as new (file: string) => OwnHandle
    return async file => new Database(file)
  } catch {
    return undefined
  }
}
