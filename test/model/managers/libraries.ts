import { mysqlTable, text as myText, varchar } from 'drizzle-orm/mysql-core'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { Kysely, PostgresDialect } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { DataTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import {
  drizzleManager,
  knexManager,
  kyselyManager,
  prismaManager,
  sequelizeManager,
  typeormManager,
} from '../../../src/index.js'
import { prismaClient } from '../prisma/generate.js'

/** Small pools, which a few lost connections exhaust. */
const CONNECTIONS = 2
/** Generous, since many connect at the same time. In ms. */
const CONNECTING = 5_000
/** The time limit of a statement for a library that exposes no connection, in ms. */
const QUERY_TIMEOUT = 1_000

/** A model of the table `entries`, or with Prisma of `app_settings`. */
interface Opened {
  readonly model: object
  readonly options?: object
  end(): Promise<unknown> | unknown
}

/** Opens a model by the URL of its database. */
export type Library = (url: string) => Promise<Opened> | Opened

const poolOptions = { max: CONNECTIONS, connectionTimeoutMillis: CONNECTING }

function pgPool(connectionString: string, more: pg.PoolConfig = {}) {
  const pool = new pg.Pool({ connectionString, ...poolOptions, ...more })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

const entity = new EntitySchema<{ key: string; value: string }>({
  name: 'Entry',
  tableName: 'entries',
  columns: { key: { type: 'varchar', primary: true }, value: { type: 'text' } },
})

async function typeorm(type: 'postgres' | 'mysql', url: string): Promise<Opened> {
  const extra = type === 'postgres' ? { connectionTimeoutMillis: CONNECTING } : { connectTimeout: CONNECTING }
  const source = new DataSource({ type, url, entities: [entity], poolSize: CONNECTIONS, extra })
  await source.initialize()
  return { model: typeormManager(source.getRepository(entity)), end: () => source.destroy() }
}

function sequelize(url: string): Opened {
  const source = new Sequelize(url, { logging: false, pool: { max: CONNECTIONS, acquire: CONNECTING } })
  const columns = { key: { type: DataTypes.STRING(512), primaryKey: true }, value: DataTypes.TEXT }
  const model = source.define('Entry', columns, { tableName: 'entries', timestamps: false })
  return { model: sequelizeManager(model as never), end: () => source.close() }
}

function knexOn(client: string, connection: string): Opened {
  const db = knex({ client, connection, pool: { min: 0, max: CONNECTIONS }, acquireConnectionTimeout: CONNECTING })
  return { model: knexManager(db, 'entries'), end: () => db.destroy() }
}

/** With the settings that the docs recommend. */
export const ON_POSTGRESQL: Readonly<Record<string, Library>> = {
  TypeORM: url => typeorm('postgres', url),
  Sequelize: sequelize,
  Knex: url => knexOn('pg', url),
  Drizzle(url) {
    const pool = pgPool(url)
    const table = pgTable('entries', { key: text().primaryKey(), value: text().notNull() })
    return { model: drizzleManager(drizzle({ client: pool }), table), end: () => pool.end() }
  },
  // These two expose no connection: the pool's own limit ends the wait.
  Kysely(url) {
    const pool = pgPool(url, { query_timeout: QUERY_TIMEOUT })
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
    return { model: kyselyManager(db, 'entries'), end: () => db.destroy() }
  },
  async Prisma(url) {
    const pool = pgPool(url, { query_timeout: QUERY_TIMEOUT })
    const client = await prismaClient('postgresql', pool)
    return {
      model: prismaManager(client, 'appSetting'),
      options: { keyCol: 'settingKey', valueCol: 'settingValue' },
      end: () => client.$disconnect().then(() => pool.end()),
    }
  },
}

export const ON_MARIADB: Readonly<Record<string, Library>> = {
  TypeORM: url => typeorm('mysql', url),
  Sequelize: sequelize,
  Knex: url => knexOn('mysql2', url),
  Drizzle(uri) {
    const pool = mysql.createPool({ uri, connectionLimit: CONNECTIONS, connectTimeout: CONNECTING })
    const table = mysqlTable('entries', { key: varchar({ length: 512 }).primaryKey(), value: myText().notNull() })
    return { model: drizzleManager(drizzleMysql({ client: pool }), table), end: () => pool.end() }
  },
}
