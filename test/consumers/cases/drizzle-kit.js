// @ts-check
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../../../scripts/run.js'

/** @import { Case } from './case.js' */

const SCHEMA = `
import * as sqlite from 'drizzle-orm/sqlite-core'
import { drizzleVersionTables } from 'durabledict/model/drizzle'
export const { durabledictVersions, durabledictChanges } = drizzleVersionTables(sqlite)
export const settings = sqlite.sqliteTable('settings', { key: sqlite.text().primaryKey(), value: sqlite.text().notNull() })
`

const CONFIG = { dialect: 'sqlite', schema: './schema.js', dbCredentials: { url: 'file:kit.db' } }

/** Creates the tables as `createTables` does, and opens a dictionary in them. */
const BEFORE = `
import { drizzle } from 'drizzle-orm/libsql'
import { createTables, drizzleManager, ModelDict } from 'durabledict/model/drizzle'
import { settings } from './schema.js'
const db = drizzle({ connection: { url: 'file:kit.db' } })
await db.$client.execute('CREATE TABLE settings (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)')
const manager = drizzleManager(db, settings)
await createTables(manager)
const dict = await ModelDict.open(manager)
await dict.set('theme', 'dark')
await dict.close()
`

/** @type {readonly Case[]} */
export const drizzleKit = [
  {
    name: 'drizzle-kit push leaves the tables of the versions as they are',
    tools: ['drivers', 'drizzle-kit'],
    async run({ folder, env }) {
      await writeFile(join(folder, 'schema.js'), SCHEMA)
      await writeFile(join(folder, 'before.js'), BEFORE)
      await writeFile(join(folder, 'drizzle.config.json'), JSON.stringify(CONFIG))
      await runOrThrow(process.execPath, ['before.js'], { cwd: folder, env })
      const kit = ['node_modules/drizzle-kit/bin.cjs', 'push', '--config', 'drizzle.config.json', '--strict']
      const printed = await runOrThrow(process.execPath, kit, { cwd: folder, env })
      if (!printed.includes('No changes detected')) throw new Error(printed)
    },
  },
]
