import { renameSync, rmSync } from 'node:fs'
import { newEpoch } from '../sql/version.js'
import { type Identity, identify, isSame } from './source.js'

/**
 * Call it when another file has replaced the one at the path, before that file is opened. SQLite would use the
 * journal of the replaced file for the new one: replaying it would damage the new file (SQLite docs, "How To Corrupt
 * An SQLite Database File", 1.4). The journal is renamed, not removed, because it may contain the last commits to the
 * old file. Files that other programs have created in the meantime are left alone.
 *
 * @param journal - the old file's `-wal`.
 * @param index - the old file's `-shm`.
 */
export function setAside(path: string, journal: Identity | undefined, index: Identity | undefined): void {
  if (isSame(identify(`${path}-wal`), journal)) renameSync(`${path}-wal`, aside(path))
  if (isSame(identify(`${path}-shm`), index)) rmSync(`${path}-shm`, { force: true })
}

/**
 * Contains random digits besides the time: a test may have stopped the clock, and a renamed journal must not be
 * overwritten.
 */
function aside(path: string): string {
  return `${path}-wal.replaced-${Date.now()}-${newEpoch()}`
}
