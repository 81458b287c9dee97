import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { DataTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import { describe, expect, test } from 'vitest'
import {
  createTables,
  drizzleManager,
  InvalidValueError,
  knexManager,
  kyselyManager,
  ModelDict,
  memoryVersions,
  prismaManager,
  sequelizeManager,
  typeormManager,
  UnsupportedError,
} from '../../../src/index.js'
import { folders } from '../../sqlite/folder.js'
import { prismaClient } from '../prisma/generate.js'
import { rejection, testDatabase } from '../test-database.js'

const database = testDatabase()
const place = folders()

/** A model of a library, and the library's own transactions. */
interface Application {
  readonly model: object
  readonly keys?: { readonly keyCol: string; readonly valueCol: string }
  transaction<R>(work: (tx: object) => Promise<R>): Promise<R>
}

const LIBRARIES: Readonly<Record<string, () => Promise<Application>>> = {
  async Kysely() {
    const { it } = database
    const table = await it.table()
    const { db } = it.application()
    return { model: kyselyManager(db, table), transaction: work => db.transaction().execute(work) }
  },
  async Knex() {
    const { it } = database
    const table = await it.table('key text PRIMARY KEY, value jsonb')
    const db = knex({ client: 'pg', connection: it.server.url, pool: { min: 0, max: 4 } })
    it.cleanup.push(() => db.destroy())
    return { model: knexManager(db, table), transaction: work => db.transaction(work) }
  },
  async Drizzle() {
    const { it } = database
    const name = await it.table()
    const db = drizzle({ client: it.application().pool })
    const table = pgTable(name, { key: text().primaryKey(), value: text().notNull() })
    return { model: drizzleManager(db, table), transaction: work => db.transaction(work) }
  },
  async TypeORM() {
    const { it } = database
    const table = await it.table('key text PRIMARY KEY, value json')
    const columns = { key: { type: 'text', primary: true }, value: { type: 'json' } }
    const entity = new EntitySchema<object>({ name: table, columns: columns as object })
    const source = await new DataSource({ type: 'postgres', url: it.server.url, entities: [entity] }).initialize()
    it.cleanup.push(() => source.destroy())
    return {
      model: typeormManager(source.getRepository<object>(table)),
      transaction: work => source.transaction(work),
    }
  },
  async Sequelize() {
    const { it } = database
    const table = await it.table()
    const sequelize = new Sequelize(it.server.url, { logging: false })
    it.cleanup.push(() => sequelize.close())
    const columns = { key: { type: DataTypes.TEXT, primaryKey: true }, value: DataTypes.TEXT }
    const model = sequelize.define(table, columns, { tableName: table, timestamps: false })
    return { model: sequelizeManager(model), transaction: work => sequelize.transaction(work) }
  },
  async Prisma() {
    const { it } = database
    await it.sql('CREATE TABLE app_settings (setting_key text PRIMARY KEY, setting_value text NOT NULL)')
    const client = await prismaClient('postgresql', { connectionString: it.server.url })
    it.cleanup.push(() => client.$disconnect())
    const model = prismaManager(client, 'appSetting')
    const keys = { keyCol: 'settingKey', valueCol: 'settingValue' }
    return { model, keys, transaction: work => client.$transaction(work as never) as never }
  },
  async 'Kysely on SQLite'() {
    const file = await place()
    const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(file) as never }) })
    database.it.cleanup.push(() => db.destroy())
    const sql = 'CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT)'
    await kyselyManager(db, 'settings').query(sql, [])
    return { model: kyselyManager(db, 'settings'), transaction: work => db.transaction().execute(work) }
  },
}

describe.each(Object.entries(LIBRARIES))('in(tx) with %s', (_, start) => {
  test('commits or rolls back together with the rows of the application', async () => {
    const { model, keys, transaction } = await start()
    await createTables(model, { triggers: true, ...keys })
    const dict = await ModelDict.open<Record<string, unknown>>(model, { triggers: true, ...keys })
    database.it.cleanup.push(() => dict.close())
    await dict.update({ a: 1, gone: 1 })
    const failed = transaction(async tx => {
      await dict.in(tx).set('a', 2)
      expect(await dict.in(tx).get('a')).toBe(2)
      throw new Error('no order')
    })
    expect((await rejection(failed)).message).toBe('no order')
    expect(await dict.get('a')).toBe(1)
    await transaction(async tx => {
      const settings = dict.in(tx)
      await settings.update({ a: { b: [3] }, new: 'x' }, { by: 'ada', reason: 'order 7' })
      expect(await settings.delete('gone', { by: 'ada', reason: 'order 7' })).toBe(true)
      expect(await settings.delete('gone')).toBe(false)
      expect(dict.local.get('a')).toBe(1)
    })
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: { b: [3] }, new: 'x' })
    const [last] = await dict.history({ limit: 1 }).toArray()
    expect([last?.by, last?.reason, last?.via]).toEqual(['ada', 'order 7', 'sql'])
    expect(() => dict.in({})).toThrow(TypeError)
  })
})

test('in(tx) is refused without triggers, and with a cache', async () => {
  const { it } = database
  const table = await it.table()
  const { db } = it.application()
  for (const options of [{}, { cache: memoryVersions() }]) {
    const dict = await it.openOn(kyselyManager(db, table), options)
    const error = await rejection(db.transaction().execute(tx => dict.in(tx).set('a', 1)))
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error.message).toMatch(/triggers/)
  }
  expect(await it.rows(table)).toEqual({})
})

test('in(tx) rejects what the database refuses with the key, and leaves the rollback to the application', async () => {
  const { it } = database
  const table = await it.table('key text PRIMARY KEY, value text CHECK (length(value) < 10)')
  const { db } = it.application()
  const manager = kyselyManager(db, table)
  await createTables(manager, { triggers: true })
  const dict = await it.openOn(manager)
  const error = await rejection(db.transaction().execute(tx => dict.in(tx).set('a', 'x'.repeat(20))))
  expect(error).toBeInstanceOf(InvalidValueError)
  expect(error.key).toBe('a')
  await db.transaction().execute(tx => dict.in(tx).set('a', 1))
  expect(await dict.get('a')).toBe(1)
})
