import { inspect } from 'node:util'
import { Cache } from 'drizzle-orm/cache/core'
import { drizzle } from 'drizzle-orm/node-postgres'
import * as pgCore from 'drizzle-orm/pg-core'
import knex, { type Knex } from 'knex'
import {
  CamelCasePlugin,
  DeduplicateJoinsPlugin,
  Kysely,
  type KyselyPlugin,
  OperationNodeTransformer,
  ParseJSONResultsPlugin,
  PostgresDialect,
  type SelectQueryNode,
  sql,
  WhereNode,
  WithSchemaPlugin,
} from 'kysely'
import pg from 'pg'
import { DataTypes, type Options, Sequelize } from 'sequelize'
import { DataSource, type DataSourceOptions, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drizzleManager } from '../../../src/backends/model/managers/drizzle/drizzle-manager.js'
import { knexManager } from '../../../src/backends/model/managers/knex/knex-manager.js'
import { kyselyManager } from '../../../src/backends/model/managers/kysely/kysely-manager.js'
import type { ModelManager } from '../../../src/backends/model/managers/manager.js'
import { prismaManager } from '../../../src/backends/model/managers/prisma/prisma-manager.js'
import { sequelizeManager } from '../../../src/backends/model/managers/sequelize/sequelize-manager.js'
import { typeormManager } from '../../../src/backends/model/managers/typeorm/typeorm-manager.js'
import { createTables, ModelDict, StoreUnavailableError } from '../../../src/index.js'
import { type PrismaDatabase, prismaOnPostgres } from '../prisma/databases.js'
import { poolOf, rejection } from '../test-database.js'
import { expectOneDictionary, type Hostile } from './hostile-options.js'

const SECRET = 'secret-value'
let database: PrismaDatabase
let plain: ModelManager
let pool: pg.Pool
/** A database with the same tables and no rows, like a lagging replica. */
let replica: string

beforeAll(async () => {
  database = await prismaOnPostgres()
  pool = poolOf(database.url, 6)
  await pool.query('CREATE DATABASE replica TEMPLATE template0')
  replica = database.url.replace(/[^/]*$/, 'replica')
  const copy = poolOf(replica, 1)
  await copy.query('CREATE TABLE jsonb_settings ("key" text PRIMARY KEY, "value" jsonb NOT NULL)')
  await copy.end()
  plain = kyselyManager(new Kysely<object>({ dialect: new PostgresDialect({ pool }) }), 'jsonb_settings')
})

afterAll(async () => {
  await pool?.end()
  await database?.end()
})

type Cases = Readonly<Record<string, () => Hostile | Promise<Hostile>>>

function check(library: string, cases: Cases): void {
  describe(`${library}, whatever is set globally:`, () => {
    for (const [name, open] of Object.entries(cases)) {
      it(name, async () => expectOneDictionary(await open(), plain))
    }
  })
}

const entity = new EntitySchema<{ key: string; value: unknown }>({
  name: 'Entry',
  tableName: 'jsonb_settings',
  columns: { key: { type: 'text', primary: true }, value: { type: 'jsonb' } },
})

async function typeorm(options: object): Promise<Hostile> {
  const base = { type: 'postgres', url: database.url, entities: [entity], poolSize: 3 }
  const source = new DataSource({ ...base, ...options } as DataSourceOptions)
  await source.initialize()
  if (source.queryResultCache) await source.queryResultCache.synchronize()
  return { manager: typeormManager(source.getRepository(entity)), end: () => source.destroy() }
}

class Watching {
  beforeUpdate() {}
  beforeRemove() {}
}

check('TypeORM', {
  'a cache of all results': () => typeorm({ cache: { alwaysEnabled: true, duration: 60_000 } }),
  'a cache, while subscribers wait for entities': () =>
    typeorm({ cache: { alwaysEnabled: true, duration: 60_000 }, subscribers: [Watching] }),
  'a replica for reads': () =>
    typeorm({
      url: undefined,
      replication: { defaultMode: 'slave', master: { url: database.url }, slaves: [{ url: replica }] },
    }),
  'an isolation level': () => typeorm({ isolationLevel: 'SERIALIZABLE' }),
  '64-bit integers as numbers': () => typeorm({ parseInt8: true }),
  'its own limits and loading': () =>
    typeorm({ maxQueryExecutionTime: 1, relationLoadStrategy: 'query', isolateWhereStatements: true, logger: 'debug' }),
  'rejection of undefined or null': () =>
    typeorm({ invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' } }),
})

function sequelize(options: Options, more: object = {}, columns: object = {}): Hostile {
  const source = new Sequelize(database.url, { logging: false, pool: { max: 3 }, ...options })
  const model = source.define(
    'Entry',
    { key: { type: DataTypes.TEXT, primaryKey: true }, value: { type: DataTypes.JSONB, allowNull: false }, ...columns },
    { tableName: 'jsonb_settings', timestamps: false, ...more },
  )
  return { manager: sequelizeManager(model), end: () => source.close() }
}

check('Sequelize', {
  'raw results': () => sequelize({ query: { raw: true } }),
  'plain results': () => sequelize({ query: { plain: true } as never }),
  'nested results': () => sequelize({ query: { nest: true } as never }),
  'one type for all queries': () => sequelize({ query: { type: 'SELECT' } as never }),
  'no nulls': () => sequelize({ omitNull: true }),
  'validation of types': () => sequelize({ typeValidation: true }),
  'unquoted names': () => sequelize({ quoteIdentifiers: false }),
  'short aliases': () => sequelize({ minifyAliases: true }),
  'an isolation level': () => sequelize({ isolationLevel: 'SERIALIZABLE' }),
  'a replica for reads': () => sequelize({ replication: { write: urlParts(database.url), read: [urlParts(replica)] } }),
  'retries of statements': () => sequelize({ retry: { max: 3, match: [/./] } }),
  'a time zone': () => sequelize({ timezone: '+05:30' }),
  'hooks that narrow results': () =>
    sequelize({
      hooks: {
        beforeFind: options => {
          if (options.raw) options.where = { key: 'none' }
        },
      },
    }),
  'a default scope': () => sequelize({ define: { defaultScope: { where: { key: 'none' } } } }),
})

function urlParts(url: string) {
  const { hostname: host, port, username, pathname } = new URL(url)
  return { host, port, username, database: pathname.slice(1) } as never
}

async function prisma(options: object, extend: (client: never) => unknown = client => client): Promise<Hostile> {
  const client = await database.client(undefined, undefined, options)
  return { manager: prismaManager(extend(client as never) as never, 'jsonbSetting' as never) }
}

/** The arguments that an extension gets for a query. */
interface Call {
  readonly operation: string
  readonly args: readonly string[]
  readonly query: (args: unknown) => unknown
  readonly __internalParams: { readonly transaction?: object }
}

interface Extensible {
  $extends(extension: object): unknown
}

check('Prisma', {
  'omitted fields': () => prisma({ omit: { jsonbSetting: { value: true } } }),
  'an isolation level, and no timestamps': () =>
    prisma({ transactionOptions: { isolationLevel: 'Serializable', timeout: 1, maxWait: 1 } }),
  'extensions that narrow results': () =>
    prisma({}, (client: Extensible) =>
      client.$extends({
        query: {
          $allModels: {
            findMany: ({ args, query }: { args: { select?: object }; query(args: object): unknown }) =>
              query(args.select ? { ...args, where: { key: 'none' } } : args),
          },
        },
      }),
    ),
  'an extension that sends reads to a replica': async () => {
    const copy = poolOf(replica, 1)
    const send = async ({ operation, args, query, __internalParams }: Call) =>
      operation.startsWith('$queryRaw') && !__internalParams.transaction
        ? (await copy.query(String(args[0]), args.slice(1))).rows
        : query(args)
    const hostile = await prisma({}, (client: Extensible) => client.$extends({ query: { $allOperations: send } }))
    return { ...hostile, end: () => copy.end() }
  },
})

class Remembering extends Cache {
  readonly kept = new Map<string, unknown>()
  override strategy() {
    return 'all' as const
  }
  override async get(key: string) {
    return this.kept.get(key) as never
  }
  override async put(key: string, response: unknown) {
    this.kept.set(key, response)
  }
  override async onMutate() {}
}

const table = pgCore.pgTable('jsonb_settings', { key: pgCore.text().primaryKey(), value: pgCore.jsonb().notNull() })

check('Drizzle', {
  'a cache of all results': () => ({
    manager: drizzleManager(drizzle({ client: pool, cache: new Remembering() }), table),
  }),
  'names in another case': () => ({ manager: drizzleManager(drizzle({ client: pool, casing: 'camelCase' }), table) }),
  'a replica for reads': () => {
    const copy = poolOf(replica, 2)
    const db = pgCore.withReplicas(drizzle({ client: pool }), [drizzle({ client: copy })])
    return { manager: drizzleManager(db, table), end: () => copy.end() }
  },
})

/** Like a plugin for soft deletion or for tenants. */
class Narrowing extends OperationNodeTransformer {
  protected override transformSelectQuery(node: SelectQueryNode): SelectQueryNode {
    return node.selections?.length === 2 ? { ...node, where: WhereNode.create(sql`1 = 0`.toOperationNode()) } : node
  }
  transformQuery({ node }: { node: never }) {
    return this.transformNode(node)
  }
  async transformResult({ result }: { result: unknown }) {
    return result
  }
}

const kysely = (...plugins: KyselyPlugin[]) => ({
  manager: kyselyManager(new Kysely<object>({ dialect: new PostgresDialect({ pool }), plugins }), 'jsonb_settings'),
})

check('Kysely', {
  'names in another case': () => kysely(new CamelCasePlugin()),
  'parsed results': () => kysely(new ParseJSONResultsPlugin()),
  'omitted joins': () => kysely(new DeduplicateJoinsPlugin()),
  'a schema': () => kysely(new WithSchemaPlugin('public')),
  'a plugin that narrows results': () => kysely(new Narrowing() as never),
})

function knexWith(config: Knex.Config, change: (db: Knex) => unknown = () => {}): Hostile {
  const db = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 3 }, ...config })
  change(db)
  return { manager: knexManager(db, 'jsonb_settings'), end: () => db.destroy() }
}

check('Knex', {
  'changed responses': () =>
    knexWith({
      postProcessResponse: response => (Array.isArray(response) ? response.map(row => ({ row, ...row })) : {}),
    }),
  'wrapped names': () => knexWith({ wrapIdentifier: (name, wrap) => wrap(name.toLowerCase()) }),
  'stack traces and a search path': () => knexWith({ asyncStackTraces: true, searchPath: ['public'] }),
  'a listener that narrows results': () =>
    knexWith({}, db =>
      db.on('start', builder => {
        if (/select "key", cast/.test(builder.toString())) builder.whereRaw('1 = 0')
      }),
    ),
})

/** Runs the work while `pg` converts types as the application configured. */
async function withParsers(parsers: Readonly<Record<number, (text: string) => unknown>>, work: () => Promise<unknown>) {
  const oids = Object.keys(parsers).map(Number)
  const before = oids.map(oid => pg.types.getTypeParser(oid))
  try {
    for (const oid of oids) pg.types.setTypeParser(oid, parsers[oid] as never)
    await work()
  } finally {
    for (const [index, oid] of oids.entries()) pg.types.setTypeParser(oid, before[index] as never)
  }
}

/** The types of our own columns, and JSON. */
const [BIGINT, DOUBLE, JSONB] = [20, 701, 3802]

describe('pg, whatever conversions are set globally:', () => {
  const parsers = { [BIGINT]: BigInt, [DOUBLE]: (text: string) => text, [JSONB]: (text: string) => ({ wrapped: text }) }
  for (const [library, open] of Object.entries({
    TypeORM: () => typeorm({}),
    Sequelize: () => sequelize({}),
    Drizzle: () => ({ manager: drizzleManager(drizzle({ client: pool }), table) }),
    Kysely: () => kysely(),
    Knex: () => knexWith({}),
  })) {
    it(`with ${library}`, () => withParsers(parsers, async () => expectOneDictionary(await open(), plain)))
  }

  it('a reply of unknown shape rejects with its types and without its contents', async () => {
    const { manager } = kysely()
    await createTables(manager)
    await plain.transaction(session => session.removeAll(), { limit: 5_000 })
    await withParsers({ [BIGINT]: () => ({ hidden: SECRET }) }, async () => {
      const error = await rejection(ModelDict.open(manager))
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).not.toContain(SECRET)
    })
  })
})

describe('logs of the application', () => {
  const logged: unknown[] = []
  const log = (...args: unknown[]) => void logged.push(...args)
  const logger = { logQuery: log, logQueryError: log, logQuerySlow: log, logSchemaBuild() {}, logMigration() {}, log }
  const cases: Readonly<Record<string, () => Hostile | Promise<Hostile>>> = {
    TypeORM: () => typeorm({ logging: true, logger, maxQueryExecutionTime: 1 }),
    Sequelize: () => sequelize({ logging: log, logQueryParameters: true, benchmark: true }),
    Drizzle: () => ({ manager: drizzleManager(drizzle({ client: pool, logger: { logQuery: log } }), table) }),
  }
  for (const [library, open] of Object.entries(cases)) {
    it(`of ${library} contain no value that a dictionary reads or writes`, async () => {
      logged.length = 0
      const { manager, end } = await open()
      await manager.transaction(
        async session => {
          await session.removeAll()
          await session.create([{ key: 'a', value: SECRET }])
          await session.update('key', 'a', { value: `${SECRET}s` })
          await session.rows({ keyCol: 'key', columns: ['key', 'value'] })
        },
        { limit: 5_000 },
      )
      await end?.()
      expect(logged.filter(one => inspect(one, { depth: 3 }).includes(SECRET))).toEqual([])
    })
  }
})
