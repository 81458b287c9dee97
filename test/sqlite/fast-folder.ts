import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'

const IN_MEMORY = '/dev/shm'

/**
 * Where files live in memory, if this machine has such a folder: SQLite waits for the disk at each commit, and tests of
 * anything but durability take several times as long for it.
 */
export function fastFolder(): string {
  try {
    accessSync(IN_MEMORY, constants.W_OK)
    return IN_MEMORY
  } catch {
    return tmpdir()
  }
}
