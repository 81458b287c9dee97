import { statSync } from 'node:fs'
import type { Connection } from './connection.js'
import type { Place } from './faults.js'

/** The source of connections to a file. */
export interface Source {
  readonly place: Place
  /** From now on nothing is created, and no right to write is needed. */
  restrictToReads(): void
  /**
   * Returns a connection to the file that is at the path now.
   *
   * @throws StoreUnavailableError if the file is missing. A file that existed before is never created again.
   */
  connection(): Connection
  /**
   * Returns a number that changes with every commit of another connection, or `undefined` if the library does not own
   * the connection.
   */
  signal(connection: Connection): number | undefined
  /** Runs a write so that it is on the disk when it returns. */
  durably<V>(connection: Connection, write: () => V): V
  /** The file that is written at each commit; `undefined` if there is none. */
  watchable(): string | undefined
  /** Call it after a fault that a new connection may not have. */
  renew(): void
  close(): void
}

/** Distinguishes files at the same path. */
export interface Identity {
  readonly dev: number
  readonly ino: number
  readonly birthtimeMs: number
}

/** Returns the identity of the file that is at the path now. */
export function identify(path: string): Identity | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

/** Neither file may have been removed meanwhile: the system may give its number to another file. */
export function isSame(left: Identity | undefined, right: Identity | undefined): boolean {
  return left !== undefined && right !== undefined && left.ino === right.ino && left.dev === right.dev
}

/** As {@link isSame}, but the file may have been removed meanwhile. */
export function isStillSame(left: Identity | undefined, right: Identity | undefined): boolean {
  return isSame(left, right) && left?.birthtimeMs === right?.birthtimeMs
}
