import { type Engine, type OwnHandle, uriOf } from './engine.js'

interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => OwnHandle
}

/** SQLite as Node has it built in (without a flag from 22.13 on); `undefined` where it has not. */
export function nodeEngine(): Engine | undefined {
  const sqlite = process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined
  return (
    sqlite && {
      closesAtOnce: true,
      open: (file, access) => new sqlite.DatabaseSync(access ? uriOf(file, access) : file),
    }
  )
}
