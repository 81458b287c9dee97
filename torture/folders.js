// @ts-check
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @type {Set<string>} */
const folders = new Set()

// For every end of this process except SIGKILL.
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A new folder, removed with this process at the latest. @param {string} [within] */
export async function newFolder(within = tmpdir()) {
  const folder = await mkdtemp(join(within, 'durabledict-torture-'))
  folders.add(folder)
  return folder
}

/** @param {string} folder */
export async function removeFolder(folder) {
  await rm(folder, { recursive: true, force: true })
  folders.delete(folder)
}
