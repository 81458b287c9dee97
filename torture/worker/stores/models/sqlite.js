// @ts-check
/** @import { Client, ConnectTo } from './models.js' */
import { createRequire } from 'node:module'
import { TABLE } from './models.js'
import { knexOn, kyselyOn, typeormOn } from './orms.js'

/** How long a driver waits for a lock, in ms: it blocks the process meanwhile. */
const BUSY = 20

/** @type {Readonly<Record<string, (file: string) => Promise<Client>>>} */
const LIBRARIES = {
  async Kysely(file) {
    const { SqliteDialect } = await import('kysely')
    const { default: Database } = await import('libsql')
    return kyselyOn(new SqliteDialect({ database: /** @type {any} */ (new Database(file, { timeout: BUSY })) }))
  },
  async Knex(filename) {
    const { default: Database } = await import('libsql')
    const BetterSqlite3 = createRequire(import.meta.url)('knex/lib/dialects/better-sqlite3/index.js')
    // libsql has the same interface, and no install script.
    const client = class extends BetterSqlite3 {
      _driver() {
        return Database
      }
    }
    const connection = { filename, options: { timeout: BUSY } }
    return knexOn({ client: /** @type {any} */ (client), connection, useNullAsDefault: true, pool: { min: 0, max: 1 } })
  },
  TypeORM: database =>
    typeormOn(
      /** @type {any} */ ({
        type: 'better-sqlite3',
        driver: createRequire(import.meta.url)('libsql'),
        database,
        timeout: BUSY,
      }),
    ),
  async Drizzle(file) {
    const { drizzle } = await import('drizzle-orm/libsql')
    const { sqliteTable, text } = await import('drizzle-orm/sqlite-core')
    const db = drizzle({ connection: { url: `file:${file}`, timeout: BUSY } })
    const table = sqliteTable(TABLE, { key: text().primaryKey(), value: text().notNull() })
    return { managerIn: library => library.drizzleManager(db, table), disconnect: () => db.$client.close() }
  },
}

/** @type {ConnectTo} */
export async function connectTo(library, file) {
  const client = await LIBRARIES[library]?.(file)
  if (!client) throw new Error(`There is no client "${library}".`)
  return client
}
