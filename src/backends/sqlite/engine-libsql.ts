import type { Engine, OwnHandle } from './engine.js'

type Libsql = new (file: string) => OwnHandle

/** The npm package libsql, imported now; `undefined` where it is not installed. */
export async function libsqlEngine(): Promise<Engine | undefined> {
  const Database = await importLibsql()
  // A closed connection lives on until its statements are collected as garbage.
  return Database && { closesAtOnce: false, open: file => open(Database, file) }
}

async function importLibsql(): Promise<Libsql | undefined> {
  try {
    return (await import('libsql')).default as unknown as Libsql
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
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
