import { renameSync, rmSync } from 'node:fs'
import { newEpoch } from '../sql/version.js'
import { type Identity, identify, isSame } from './source.js'

/**
 * Called when the file at the path was replaced by another one, before that is opened. What the replaced file left
 * beside it would be taken for the new one's: SQLite would replay the old journal onto the new file, and damage it (SQLite
 * docs, "How To Corrupt An SQLite Database File", 1.4). The journal is renamed, not removed: what was committed to the old file last
 * stands in it. Files that others have put there meanwhile are theirs.
 *
 * @param journal - the old file's `-wal`.
 * @param index - the old file's `-shm`.
 */
export function setAside(path: string, journal: Identity | undefined, index: Identity | undefined): void {
  if (isSame(identify(`${path}-wal`), journal)) renameSync(`${path}-wal`, aside(path))
  if (isSame(identify(`${path}-shm`), index)) rmSync(`${path}-shm`, { force: true })
}

/** Random besides the time: a test may have stopped the clock, and a journal that was set aside must not be replaced. */
function aside(path: string): string {
  return `${path}-wal.replaced-${Date.now()}-${newEpoch()}`
}
