import { linkSync, renameSync, rmSync } from 'node:fs'
import { newEpoch } from '../sql/version.js'
import { type Identity, identify, type isSame } from './source.js'

/** The files that SQLite keeps beside a file while that is open. */
export interface Companions {
  /** The file `-wal`. */
  readonly journal: Identity | undefined
  /** The file `-shm`. */
  readonly index: Identity | undefined
}

/**
 * Call it when another file has replaced the one at the path, before that file is opened. SQLite would use the
 * journal of the replaced file for the new one: replaying it would damage the new file (SQLite docs, "How To Corrupt
 * An SQLite Database File", 1.4). The journal is renamed, not removed, because it may contain the last commits to the
 * old file. Files that other programs have created in the meantime are left alone.
 *
 * @param old - the companions of the old file.
 * @param matches - whether a file is an old one.
 */
export function setAside(path: string, { journal, index }: Companions, matches: typeof isSame): void {
  move(`${path}-wal`, aside(`${path}-wal`), file => matches(file, journal))
  const old = aside(`${path}-shm`)
  if (move(`${path}-shm`, old, file => matches(file, index))) rmSync(old, { force: true })
}

/** Moves a file, if it matches. If another process has just put another file in its place, that is put back. */
function move(from: string, to: string, matches: (file: Identity | undefined) => boolean): boolean {
  if (!matches(identify(from)) || !renamed(from, to)) return false
  if (matches(identify(to))) return true
  // Fails if a third one is there by now.
  linkSync(to, from)
  rmSync(to)
  return false
}

/** Returns `false` if the file is gone: another process has moved it. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/**
 * Contains random digits besides the time: a test may have stopped the clock, and a renamed journal must not be
 * overwritten.
 */
function aside(path: string): string {
  return `${path}.replaced-${Date.now()}-${newEpoch()}`
}
