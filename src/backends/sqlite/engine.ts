import { pathToFileURL } from 'node:url'
import { UnsupportedError } from '../../errors/errors.js'
import { engineOf, libsqlEngine, type SqliteDriver } from './engine-libsql.js'
import { nodeEngine } from './engine-node.js'
import type { SqliteHandle } from './handle.js'

/** A connection that was opened here, and is closed here. */
export interface OwnHandle extends SqliteHandle {
  close(): unknown
}

/** A build of SQLite that runs inside this process. */
export interface Engine {
  /**
   * Whether `close` ends the connection there and then. Where not, SQLite's own checkpoint at the end of the last
   * connection comes late.
   */
  readonly closesAtOnce: boolean
  /**
   * @param file - a path.
   * @param access - to read and write a file that exists, or to read it only. Default: it is created where it is missing.
   */
  open(file: string, access?: Access): OwnHandle
}

/** As SQLite's URI parameter `mode` has it. */
export type Access = 'rw' | 'ro'

/** The file as a URI that carries the access mode. */
export function uriOf(file: string, access: Access): string {
  return `${pathToFileURL(file).href}?mode=${access}`
}

/**
 * The engine for connections of our own: always the same one within a process, unless a driver is passed, since two builds of SQLite in one
 * process undo each other's file locks (SQLite docs, "How To Corrupt An SQLite Database File", 2.2.1).
 *
 * @throws UnsupportedError where there is none.
 */
export async function findEngine(dictionary: string, driver?: SqliteDriver): Promise<Engine> {
  if (driver) return engineOf(driver)
  return nodeEngine() ?? libsqlEngine().catch(cause => Promise.reject(noEngine(dictionary, cause)))
}

function noEngine(dictionary: string, cause: unknown): UnsupportedError {
  return new UnsupportedError(
    `Dictionary "${dictionary}" needs SQLite, which Node ${process.versions.node} has not built in: ` +
      'npm install libsql, or use Node 22.13 or later, or pass a connection of your own instead of a path. In a bundled program, ' +
      "pass what is in the bundle: import Database from 'libsql', then the option { driver: Database }.",
    { dictionary, cause },
  )
}
