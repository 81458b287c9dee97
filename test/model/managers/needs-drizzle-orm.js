// @ts-check
// Prints what a manager of Drizzle rejects with.
import { drizzle } from 'drizzle-orm/libsql'
import { sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { drizzleManager } from 'durabledict'

const settings = sqliteTable('settings', { key: text().notNull(), value: text().notNull() })
const manager = drizzleManager(drizzle({ connection: { url: ':memory:' } }), settings)
await manager
  .transaction(session => session.rows({ keyCol: 'key' }), { limit: 1_000 })
  .catch(error => {
    console.log(JSON.stringify({ code: error.code, message: error.message }))
  })
