import { type Engine, findEngine, type OwnHandle } from '../../src/backends/sqlite/engine.js'
import { OwnFile } from '../../src/backends/sqlite/own-file.js'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.js'

/** A backend without a dictionary, over its own connection. */
export async function backendOf(name: string, file: string, engine?: Engine): Promise<SqliteBackend> {
  return new SqliteBackend(name, new OwnFile(file, name, engine ?? (await findEngine(name))), 5_000)
}

/** A connection by the engine that this process uses: two builds of SQLite in one process undo each other's locks. */
export async function rawHandle(file: string): Promise<OwnHandle> {
  return (await findEngine('test')).open(file)
}
