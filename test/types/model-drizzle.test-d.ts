import type { LibSQLDatabase } from 'drizzle-orm/libsql'
import { mysqlTable, varchar } from 'drizzle-orm/mysql-core'
import type { MySql2Database } from 'drizzle-orm/mysql2'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { jsonb, pgTable, serial, text } from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import { drizzleManager, ModelDict, type ModelManager } from '../../src/index.js'
import { expectType } from './settings.js'

declare const db: NodePgDatabase
declare const onMysql: MySql2Database
declare const onSqlite: LibSQLDatabase

const settings = pgTable('settings', { key: text().primaryKey(), value: jsonb().$type<string[]>(), id: serial() })

const manager = drizzleManager(db, settings)
expectType<ModelManager<{ key: string; value: string[] | null; id: number }>>()(manager)
expectType<ModelManager<{ key: string }>>()(
  drizzleManager(onSqlite, sqlite.sqliteTable('settings', { key: sqlite.text().primaryKey() })),
)
expectType<ModelManager<{ key: string | null }>>()(
  drizzleManager(onMysql, mysqlTable('settings', { key: varchar({ length: 512 }) })),
)

const instances = await ModelDict.open(manager, { returnInstances: true })
expectType<number>()((await instances.getOrThrow('a')).id)
// @ts-expect-error: no such column
;(await instances.getOrThrow('a')).other

const values = await ModelDict.open<{ theme: string }>(manager)
expectType<string | undefined>()(await values.get('theme'))

// @ts-expect-error: no database of Drizzle
drizzleManager({}, settings)
// @ts-expect-error: the table's name is no table
drizzleManager(db, 'settings')
