import type { Engine, OwnHandle } from './engine.js'

type Libsql = new (file: string) => OwnHandle

/** The npm package libsql, imported now. Rejects where it, or its build for this machine, is not installed. */
export async function libsqlEngine(): Promise<Engine> {
  const Database = (await import('libsql')).default as unknown as Libsql
  // A closed connection lives on until its statements are collected as garbage.
  return { closesAtOnce: false, open: file => open(Database, file) }
}

/** SQLite's error code stands in the message alone where a file cannot be opened. */
function open(Database: Libsql, file: string): OwnHandle {
  try {
    return new Database(file)
  } catch (cause) {
    const [, rawCode] = /: (\d+)"\)$/.exec((cause as Error).message) ?? []
    throw Object.assign(new Error('unable to open database file', { cause }), { rawCode: Number(rawCode) })
  }
}
