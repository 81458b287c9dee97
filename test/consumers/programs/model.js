import * as drizzleOrm from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/libsql'
import { sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { createTables, drizzleManager, ModelDict } from 'durabledict'
import { check, run } from './check.js'

run(async () => {
  const settings = sqliteTable('settings', { key: text().primaryKey(), value: text().notNull() })
  const db = drizzle({ connection: { url: `file:model-${process.pid}.db` } })
  await db.$client.execute('CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)')
  const manager = drizzleManager(db, settings, { drizzleOrm })
  await createTables(manager)
  await check(await ModelDict.open(manager), ModelDict)
  db.$client.close()
})
