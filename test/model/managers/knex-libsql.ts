import type { Knex } from 'knex'
// @ts-expect-error: without types
import BetterSqlite3 from 'knex/lib/dialects/better-sqlite3/index.js'
import Database from 'libsql'

/** Knex's client for better-sqlite3 on libsql, which has the same interface and no install script. */
export const LibsqlClient: typeof Knex.Client = class extends (BetterSqlite3 as typeof Knex.Client) {
  _driver() {
    return Database
  }
}
