import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { SqliteDict } from '../../src/index.js'
import { cli, type Surroundings, temporaryFolder } from './support.js'

/** Creates a folder for the tests of a file, in which each gets a dictionary of its own. */
export function useDictionaries() {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let count = 0
  beforeAll(async () => {
    folder = await temporaryFolder()
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  const pathOf = (name: string) => join(folder.path, name)

  /** Opens a new dictionary as another process does, and returns the command line for it. */
  async function fresh(entries: Record<string, unknown> = {}) {
    count += 1
    const [name, file] = [`d${count}`, pathOf('app.db')]
    const dict = await SqliteDict.open(name, file, { live: true, service: 'web' })
    onTestFinished(() => dict.close())
    await dict.update(entries)
    const url = `sqlite:${file}#${name}`
    const env = { NO_COLOR: '1', DURABLEDICT_URL: url }
    const durabledict = (args: string[], more: Surroundings = {}) => cli(args, { env, folder: folder.path, ...more })
    return { dict, durabledict, url }
  }
  return { fresh, pathOf }
}
