// @ts-check
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteDict } from 'durabledict'

/** One SQLite file in a folder of its own. @type {import('../stage.js').DemoStore} */
export const store = {
  title: 'one SQLite file',
  async make() {
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-demo-'))
    const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5 })
    return { address: join(folder, 'demo.db'), remove }
  },
  open: (address, options) => SqliteDict.open('settings', address, options),
}
