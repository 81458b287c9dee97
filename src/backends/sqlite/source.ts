import { statSync } from 'node:fs'
import type { Connection } from './connection.js'
import type { Place } from './faults.js'

/** Where connections to a file come from. */
export interface Source {
  readonly place: Place
  /** From now on nothing is created, and no right to write is needed. */
  restrictToReads(): void
  /**
   * A connection to the file that is at the path now.
   *
   * @throws StoreUnavailableError where there is none any more. It is never created anew behind anyone's back.
   */
  connection(): Connection
  /** A number that changes when anyone else commits; `undefined` where the connection is not ours alone. */
  signal(connection: Connection): number | undefined
  /** Runs a write such that it is on the disk when it returns. */
  durably<V>(connection: Connection, write: () => V): V
  /** The file that is written at each commit; `undefined` where there is none. */
  watchable(): string | undefined
  /** After a fault that a new connection may not have. */
  renew(): void
  close(): void
}

/** What tells one file from another at the same path. */
export interface Identity {
  readonly dev: number
  readonly ino: number
}

/** The file that is at the path now. */
export function identify(path: string): Identity | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

export function isSame(left: Identity | undefined, right: Identity | undefined): boolean {
  return left !== undefined && right !== undefined && left.ino === right.ino && left.dev === right.dev
}
