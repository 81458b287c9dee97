import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { DataTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  createTables,
  drizzleManager,
  ModelDict,
  prismaManager,
  sequelizeManager,
  typeormManager,
} from '../../../src/index.js'
import { type PrismaDatabase, prismaOnPostgres } from '../prisma/databases.js'

let database: PrismaDatabase
let warnings: string[] = []
const note = ({ message }: Error) => warnings.push(message)

beforeAll(async () => {
  database = await prismaOnPostgres()
  await createTables((await database.client()).appSetting)
})
beforeEach(() => {
  warnings = []
  process.on('warning', note)
})
afterEach(() => void process.off('warning', note))
afterAll(() => database?.end())

interface Settings {
  readonly connectionTimeoutMillis?: number
  readonly query_timeout?: number
}

const columns = { settingKey: 'setting_key', settingValue: 'setting_value' }
const LIBRARIES = {
  async TypeORM(extra: Settings) {
    const column = (name: string, primary = false) => ({ type: 'text', name, primary }) as const
    const entity = new EntitySchema<{ settingKey: string }>({
      name: 'AppSetting',
      tableName: 'app_settings',
      columns: {
        settingKey: column(columns.settingKey, true),
        settingValue: column(columns.settingValue),
      } as never,
    })
    const source = await new DataSource({ type: 'postgres', url: database.url, entities: [entity], extra }).initialize()
    return { model: typeormManager(source.getRepository(entity)), end: () => source.destroy() }
  },
  async Sequelize(dialectOptions: Settings) {
    const source = new Sequelize(database.url, { logging: false, dialectOptions })
    const column = (field: string, primaryKey = false) => ({ type: DataTypes.TEXT, field, primaryKey })
    const model = source.define(
      'AppSetting',
      { settingKey: column(columns.settingKey, true), settingValue: column(columns.settingValue) },
      { tableName: 'app_settings', timestamps: false },
    )
    return { model: sequelizeManager(model as never), end: () => source.close() }
  },
  async Drizzle(settings: Settings) {
    const pool = new pg.Pool({ connectionString: database.url, ...settings })
    if (settings.connectionTimeoutMillis) pool.on('error', () => {})
    const table = pgTable('app_settings', {
      settingKey: text(columns.settingKey).primaryKey(),
      settingValue: text(columns.settingValue).notNull(),
    })
    return { model: drizzleManager(drizzle({ client: pool }), table), end: () => pool.end() }
  },
  async Prisma(settings: Settings) {
    const client = await database.client(settings as never)
    return { model: prismaManager(client, 'appSetting'), end: async () => {} }
  },
}

/** The settings that each library needs. */
const NEEDED: Readonly<Record<keyof typeof LIBRARIES, readonly string[]>> = {
  TypeORM: ['connectionTimeoutMillis'],
  Sequelize: ['connectionTimeoutMillis'],
  Drizzle: ["pool.on('error'", 'connectionTimeoutMillis'],
  Prisma: ['connectionTimeoutMillis', 'query_timeout'],
}

async function warningsOf(library: keyof typeof LIBRARIES, settings: Settings): Promise<string[]> {
  const { model, end } = await LIBRARIES[library](settings)
  for (const name of ['one', 'two']) {
    const dict = await ModelDict.open(model, { name, keyCol: 'settingKey', valueCol: 'settingValue' })
    await dict.close()
  }
  // Warnings are emitted in the next tick.
  await new Promise(resolve => setImmediate(resolve))
  await end()
  return warnings.filter(text => text.startsWith(library))
}

describe.each(Object.keys(LIBRARIES) as (keyof typeof LIBRARIES)[])('%s', library => {
  it('is warned about once for each missing setting', async () => {
    const found = await warningsOf(library, {})
    expect(found).toHaveLength(NEEDED[library].length)
    for (const [index, needed] of NEEDED[library].entries()) expect(found[index]).toContain(needed)
  })

  it('is not warned about when everything is set', async () => {
    expect(await warningsOf(library, { connectionTimeoutMillis: 5_000, query_timeout: 6_000 })).toEqual([])
  })
})
