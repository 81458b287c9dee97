const { createTables, ModelDict, drizzleManager } = require('durabledict/model')
const { MemoryDict } = require('durabledict/memory')
const { RedisDict } = require('durabledict/redis')
const { SqliteDict } = require('durabledict/sqlite')
const { drizzle } = require('drizzle-orm/libsql')
const { sqliteTable, text } = require('drizzle-orm/sqlite-core')

async function main() {
  const { check } = await import('./check.js')
  await check(await MemoryDict.open(), MemoryDict)
  await check(await SqliteDict.open('settings', 'required.db'), SqliteDict)
  await check(await RedisDict.open('required', process.env.REDIS_URL), RedisDict)
  const settings = sqliteTable('settings', { key: text().primaryKey(), value: text().notNull() })
  const db = drizzle({ connection: { url: 'file:required-model.db' } })
  await db.$client.execute('CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)')
  const manager = drizzleManager(db, settings)
  await createTables(manager)
  await check(await ModelDict.open(manager), ModelDict)
  db.$client.close()
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
