import { mysqlTable, text, varchar } from 'drizzle-orm/mysql-core'
import { drizzle } from 'drizzle-orm/mysql2'
import knex from 'knex'
import { Kysely, MysqlDialect } from 'kysely'
import mysql from 'mysql2'
import { DataTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drizzleManager } from '../../../src/backends/model/managers/drizzle/drizzle-manager.js'
import { knexManager } from '../../../src/backends/model/managers/knex/knex-manager.js'
import { kyselyManager } from '../../../src/backends/model/managers/kysely/kysely-manager.js'
import type { ModelManager } from '../../../src/backends/model/managers/manager.js'
import { sequelizeManager } from '../../../src/backends/model/managers/sequelize/sequelize-manager.js'
import { typeormManager } from '../../../src/backends/model/managers/typeorm/typeorm-manager.js'
import { createTables, ModelDict, StoreUnavailableError, UnsupportedError } from '../../../src/index.js'
import { mariadb } from '../../servers/mariadb.js'
import { startServer } from '../../servers/start.js'
import type { Server } from '../../servers/types.js'
import { expectOneDictionary, type Hostile } from './hostile-options.js'
import { suiteTables } from './tables.js'

let server: Server
let pool: mysql.Pool
let plain: ModelManager

beforeAll(async () => {
  server = await startServer(mariadb)
  pool = mysql.createPool({ uri: server.url, connectionLimit: 4 })
  for (const statement of suiteTables('mysql')) await pool.promise().query(statement)
  plain = kyselyManager(new Kysely<object>({ dialect: new MysqlDialect({ pool }) }), 'settings')
})

afterAll(async () => {
  await pool?.promise().end()
  await server?.stop()
})

const entry = new EntitySchema<{ key: string; value: string }>({
  name: 'Entry',
  tableName: 'settings',
  columns: { key: { type: 'varchar', primary: true }, value: { type: 'text' } },
})
const settings = mysqlTable('settings', { key: varchar({ length: 512 }).primaryKey(), value: text().notNull() })

/** Each library with options of the driver. */
const LIBRARIES: Readonly<Record<string, (options: object) => Promise<Hostile> | Hostile>> = {
  async TypeORM(options) {
    const source = new DataSource({ type: 'mysql', url: server.url, entities: [entry], extra: options })
    await source.initialize()
    return { manager: typeormManager(source.getRepository(entry)), end: () => source.destroy() }
  },
  Sequelize(options) {
    const source = new Sequelize(server.url, { logging: false, dialectOptions: options })
    const columns = { key: { type: DataTypes.STRING(512), primaryKey: true }, value: DataTypes.TEXT('long') }
    const model = source.define('Entry', columns, { tableName: 'settings', timestamps: false })
    return { manager: sequelizeManager(model), end: () => source.close() }
  },
  Drizzle(options) {
    const its = mysql.createPool({ uri: server.url, ...options }).promise()
    return { manager: drizzleManager(drizzle({ client: its }), settings), end: () => its.end() }
  },
  Kysely(options) {
    const its = mysql.createPool({ uri: server.url, ...options })
    const db = new Kysely<object>({ dialect: new MysqlDialect({ pool: its }) })
    return { manager: kyselyManager(db, 'settings'), end: () => db.destroy() }
  },
  Knex(options) {
    const db = knex({ client: 'mysql2', connection: { uri: server.url, ...options } as never })
    return { manager: knexManager(db, 'settings'), end: () => db.destroy() }
  },
}

const NUMBERS = { supportBigNumbers: true, bigNumberStrings: true, decimalNumbers: true, dateStrings: true }

describe('mysql2, whatever is set globally:', () => {
  for (const [library, open] of Object.entries(LIBRARIES)) {
    it(`numbers and dates as text, with ${library}`, async () => expectOneDictionary(await open(NUMBERS), plain))

    // TypeORM reads the server's version, and cannot connect at all.
    if (library === 'TypeORM') continue

    it(`all columns as bytes, with ${library}`, async () => {
      const hostile = await open({ typeCast: false })
      await acceptsOrRejects(hostile)
    })

    it(`rows as arrays, with ${library}`, async () => {
      const hostile = await open({ rowsAsArray: true })
      await acceptsOrRejects(hostile)
    })
  }

  /** It is the same dictionary, or it cannot be opened: it is never empty. */
  async function acceptsOrRejects({ manager, end }: Hostile): Promise<void> {
    await plain.transaction(session => session.removeAll(), { limit: 5_000 })
    await createTables(plain)
    const other = await ModelDict.open(plain, { name: 'shared' })
    await other.set('a', 'one')
    try {
      const dict = await ModelDict.open(manager, { name: 'shared' })
      expect(await dict.get('a')).toBe('one')
      await dict.set('b', 'two')
      expect(await other.get('b')).toBe('two')
      await dict.close()
    } catch (error) {
      // mysql2 itself misreads prepared statements without its conversions: the connection then looks unusable.
      expect([StoreUnavailableError, UnsupportedError]).toContain((error as Error).constructor)
    } finally {
      await other.close()
      await end?.()
    }
  }
})
