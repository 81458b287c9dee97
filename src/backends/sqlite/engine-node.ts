import type { Engine, OwnHandle } from './engine.js'
import { uriOf } from './uri.js'

interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => OwnHandle
}

/** Returns the SQLite build of Node (without a flag since 22.13), or `undefined` if there is none. */
export function nodeEngine(): Engine | undefined {
  const sqlite = process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined
  return (
    sqlite && {
      closesAtOnce: true,
      open: (file, access) => new sqlite.DatabaseSync(access ? uriOf(file, access) : file),
    }
  )
}
