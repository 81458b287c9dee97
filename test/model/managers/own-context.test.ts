import 'reflect-metadata'
import { AsyncLocalStorage } from 'node:async_hooks'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { DataTypes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import { addTransactionalDataSource, initializeTransactionalContext, runInTransaction } from 'typeorm-transactional'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kyselyManager, ModelDict, sequelizeManager, typeormManager } from '../../../src/index.js'
import { poolOf, TestDatabase } from '../test-database.js'

let database: TestDatabase
let pool: pg.Pool

beforeAll(async () => {
  database = await TestDatabase.start()
  await database.sql('CREATE TABLE entries (key text PRIMARY KEY, value text NOT NULL, author text)')
  pool = poolOf(database.server.url, 6)
})

beforeEach(async () => {
  await database.sql('DELETE FROM entries')
  await database.sql('DELETE FROM durabledict_model_versions')
})

afterAll(async () => {
  await pool?.end()
  await database?.end()
})

/** A library that keeps its current transaction in an async context. */
interface Contextual {
  readonly model: () => object
  /** Runs the work in a transaction of the application, which is rolled back. */
  rolledBack(work: () => Promise<unknown>): Promise<unknown>
  end(): Promise<unknown>
}

const failing = async (work: () => Promise<unknown>) => {
  await work()
  throw new Error('The request failed')
}

async function typeorm(): Promise<Contextual> {
  initializeTransactionalContext({ storageDriver: 'ASYNC_LOCAL_STORAGE' as never })
  const text = { type: 'text' } as const
  const entity = new EntitySchema<{ key: string }>({
    name: 'Entry',
    tableName: 'entries',
    columns: { key: { ...text, primary: true }, value: text, author: { ...text, nullable: true } } as never,
  })
  const source = new DataSource({ type: 'postgres', url: database.server.url, entities: [entity], poolSize: 6 })
  addTransactionalDataSource(source)
  await source.initialize()
  const repository = source.getRepository(entity)
  return {
    model: () => typeormManager(repository),
    rolledBack: work =>
      runInTransaction(async () => {
        await repository.count()
        await failing(work)
      }).catch(() => {}),
    end: () => source.destroy(),
  }
}

/** The part of the package `cls-hooked` that `Sequelize.useCLS` needs. */
function namespace() {
  const storage = new AsyncLocalStorage<Map<string, unknown>>()
  return {
    get: (name: string) => storage.getStore()?.get(name),
    set: (name: string, value: unknown) => storage.getStore()?.set(name, value),
    run: (work: () => unknown) => storage.run(new Map(storage.getStore()), work),
    bind: (work: unknown) => work,
    _contexts: [],
  }
}

async function sequelize(): Promise<Contextual> {
  class Own extends Sequelize {}
  Own.useCLS(namespace() as never)
  const source = new Own(database.server.url, { logging: false, pool: { max: 6 } })
  const model = source.define(
    'Entry',
    { key: { type: DataTypes.TEXT, primaryKey: true }, value: DataTypes.TEXT },
    { tableName: 'entries', timestamps: false },
  )
  return {
    model: () => sequelizeManager(model as never),
    rolledBack: work => source.transaction(() => failing(work)).catch(() => {}),
    end: () => source.close(),
  }
}

/** As applications and frameworks do it: a proxy for the transaction of the current context. */
async function proxied(): Promise<Contextual> {
  const storage = new AsyncLocalStorage<Kysely<object>>()
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
  const proxy = new Proxy(db, {
    get(target, name) {
      const present = storage.getStore() ?? target
      const member = Reflect.get(present, name, present)
      return typeof member === 'function' ? member.bind(present) : member
    },
  })
  return {
    model: () => kyselyManager(proxy, 'entries'),
    rolledBack: work =>
      db
        .transaction()
        .execute(trx => storage.run(trx, () => failing(work)))
        .catch(() => {}),
    async end() {},
  }
}

describe.each([
  ['typeorm-transactional', typeorm],
  ['Sequelize with continuation-local storage', sequelize],
  ['a client that is the transaction of its context', proxied],
] as const)('with %s', (_, make) => {
  let library: Contextual
  beforeAll(async () => {
    library = await make()
  })
  afterAll(() => library?.end())

  it("writes of all callers survive a rollback of one caller's transaction", async () => {
    const dict = await ModelDict.open(library.model())
    let begun = () => {}
    const inside = new Promise<void>(resolve => {
      begun = resolve
    })
    const rolledBack = library.rolledBack(async () => {
      begun()
      for (const n of [1, 2, 3]) await dict.set(`inside ${n}`, n)
    })
    await inside
    for (const n of [1, 2, 3]) await dict.set(`outside ${n}`, n)
    await rolledBack
    const again = await ModelDict.open(library.model())
    expect(await again.size()).toBe(6)
    await Promise.all([dict.close(), again.close()])
  })

  it('a dictionary opened inside a transaction does not belong to it', async () => {
    let opened: Promise<ModelDict> | undefined
    await library.rolledBack(async () => {
      opened = ModelDict.open(library.model()) as Promise<ModelDict>
      await (await opened).set('a', 1)
    })
    const dict = (await opened) as ModelDict
    await dict.set('b', 2)
    const again = await ModelDict.open(library.model())
    expect(Object.fromEntries(await again.entries())).toEqual({ a: 1, b: 2 })
    await Promise.all([dict.close(), again.close()])
  })
})

describe('the option "row"', () => {
  it('runs in the context of the call that writes, even if calls are committed together', async () => {
    const request = new AsyncLocalStorage<{ readonly user: string }>()
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
    const row = () => ({ author: request.getStore()?.user })
    const dict = await ModelDict.open(kyselyManager(db, 'entries'), { row })
    const as = (user: string, work: () => Promise<unknown>) => request.run({ user }, work)
    await Promise.all([
      ...['ann', 'bob', 'eve'].map(user => as(user, () => dict.set(`of ${user}`, 1))),
      as('dan', () => dict.update({ 'of dan': 1, 'also of dan': 2 })),
      as('fay', () => dict.setDefault('of fay', 1)),
      as('gus', () =>
        dict.transact(async tx => {
          tx.set('of gus', 1)
        }),
      ),
    ])
    const rows = await database.sql<{ key: string; author: string }>('SELECT key, author FROM entries')
    expect(rows).toHaveLength(7)
    for (const { key, author } of rows) expect(key).toMatch(new RegExp(`of ${author}$`))
    await dict.close()
  })
})
