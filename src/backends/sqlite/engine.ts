import { UnsupportedError } from '../../errors/errors.js'
import { engineOf, libsqlEngine, type SqliteDriver } from './engine-libsql.js'
import { nodeEngine } from './engine-node.js'
import type { SqliteHandle } from './handle.js'
import type { Access } from './uri.js'

/** A connection that the library opens and closes. */
export interface OwnHandle extends SqliteHandle {
  close(): unknown
}

/** A build of SQLite in this process. */
export interface Engine {
  /**
   * Whether `close` closes the connection immediately. Otherwise SQLite's own checkpoint, when the last connection
   * closes, comes late.
   */
  readonly closesAtOnce: boolean
  /**
   * @param file - a path.
   * @param access - whether to read and write an existing file, or only to read it. Default: the file is created if
   * it is missing.
   */
  open(file: string, access?: Access): OwnHandle
}

/**
 * Returns the engine for the library's connections. Without a driver, it is always the same one in a process: two
 * builds of SQLite in one process release each other's file locks (SQLite docs, "How To Corrupt An SQLite Database
 * File", 2.2.1).
 *
 * @throws UnsupportedError if there is none.
 */
export async function findEngine(dictionary: string, driver?: SqliteDriver): Promise<Engine> {
  if (driver) return engineOf(driver)
  return nodeEngine() ?? libsqlEngine().catch(cause => Promise.reject(noEngine(dictionary, cause)))
}

function noEngine(dictionary: string, cause: unknown): UnsupportedError {
  return new UnsupportedError(
    `Dictionary "${dictionary}" needs SQLite, which is not built into Node ${process.versions.node}: ` +
      'npm install libsql, or use Node 22.13 or later, or pass your own connection instead of a path. In a bundled program, ' +
      "pass the class from the bundle: import Database from 'libsql', then the option { driver: Database }.",
    { dictionary, cause },
  )
}
