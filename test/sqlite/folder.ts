import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { fastFolder } from '../servers/fast-folder.js'

/** Returns the path of a file of that name in an empty folder, which is removed after the test. */
export function folders(): (name?: string) => Promise<string> {
  const made: string[] = []
  afterEach(async () => {
    for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true })
  })
  return async (name = 'app.db') => {
    const folder = await mkdtemp(join(fastFolder(), 'durabledict-sqlite-'))
    made.push(folder)
    return join(folder, name)
  }
}
