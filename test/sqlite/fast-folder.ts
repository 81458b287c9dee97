import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'

const IN_MEMORY = '/dev/shm'

/**
 * A folder in memory, if this machine has one: SQLite waits for the disk at each commit, which makes tests of anything
 * but durability take several times as long.
 */
export function fastFolder(): string {
  try {
    accessSync(IN_MEMORY, constants.W_OK)
    return IN_MEMORY
  } catch {
    return tmpdir()
  }
}
