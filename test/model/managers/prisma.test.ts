import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ModelManager } from '../../../src/backends/model/managers/manager.js'
import { isPrismaDelegate, prismaManager } from '../../../src/backends/model/managers/prisma/prisma-manager.js'
import { keptFields } from '../../../src/backends/model/managers/prisma/schema.js'
import { type PrismaDatabase, prismaOnPostgres, prismaOnSqlite } from '../prisma/databases.js'
import { managerSuite, type Opened } from './suite.js'

const OPTIONS = { limit: 10_000 }

for (const [name, open] of Object.entries({ PostgreSQL: prismaOnPostgres, SQLite: prismaOnSqlite })) {
  describe(name, () => {
    let database: PrismaDatabase
    beforeAll(async () => {
      database = await open()
    })
    afterAll(() => database?.end())

    managerSuite('prismaManager', () => opened(database))
    ownCases(() => database)
  })
}

async function opened(database: PrismaDatabase): Promise<Opened> {
  const prisma = await database.client()
  return {
    manager: prismaManager(prisma, 'setting'),
    mapped: prismaManager(prisma, 'appSetting'),
    json: prismaManager(prisma, 'jsonSetting'),
    jsonb: prismaManager(prisma, 'jsonbSetting'),
    bytes: prismaManager(prisma, 'bytesSetting'),
    filled({ id, createdAt, updatedAt }) {
      expect(id).toBeGreaterThan(0)
      expect(createdAt).toBeInstanceOf(Date)
      expect(updatedAt).toBeInstanceOf(Date)
    },
    end: () => prisma.$disconnect(),
  }
}

/** Fields that the suite does not know. */
function ownCases(database: () => PrismaDatabase) {
  let prisma: Awaited<ReturnType<PrismaDatabase['client']>>
  let manager: ModelManager
  beforeAll(async () => {
    prisma = await database().client()
    manager = prismaManager(prisma, 'setting')
  })
  beforeEach(() => prisma.setting.deleteMany())

  it("runs the client's extensions and writes the rows that they return", async () => {
    const calls: string[] = []
    const extended = prisma.$extends({
      query: {
        setting: {
          $allOperations({
            operation,
            args,
            query,
          }: {
            operation: string
            args: never
            query: (args: never) => unknown
          }) {
            calls.push(operation)
            return query(args)
          },
          update({ args, query }: { args: { data: object }; query: (args: object) => unknown }) {
            return query({ ...args, data: { ...args.data, note: 'extended' } })
          },
        },
      },
    })
    await prismaManager(extended, 'setting').transaction(async session => {
      await session.create([{ key: 'a', value: '1' }])
      await session.create([
        { key: 'b', value: '2' },
        { key: 'c', value: '3' },
      ])
      await session.update('key', 'b', { value: '4' })
      await session.remove('key', ['a'])
      expect(await session.rows({ keyCol: 'key', columns: ['key', 'note'] })).toEqual([
        { key: 'b', note: 'extended' },
        { key: 'c', note: 'none' },
      ])
      await session.removeAll()
    }, OPTIONS)
    // Values are read without extensions, which could narrow or cache the result.
    expect(calls).toEqual(['create', 'createMany', 'update', 'deleteMany', 'deleteMany'])
  })

  it('returns instances with computed fields of an extension, which are not columns', async () => {
    const extended = prisma.$extends({
      result: {
        setting: { shout: { needs: { value: true }, compute: ({ value }: { value: string }) => `${value}!` } },
      },
    })
    const extendedManager = prismaManager(extended, 'setting')
    await extendedManager.transaction(async session => {
      await session.create([{ key: 'a', value: 'hey' }])
      const [instance] = await session.rows({ keyCol: 'key' })
      expect(instance).toMatchObject({ key: 'a', shout: 'hey!' })
      const columns = extendedManager.columnsOf?.(instance as object)
      expect(Object.keys(columns ?? {})).toEqual(['id', 'key', 'value', 'note', 'size', 'createdAt', 'updatedAt'])
    }, OPTIONS)
  })

  it('omits relations from the columns of an instance', async () => {
    const instance = await prisma.setting.create({ data: { key: 'a', value: 'b' }, include: { changes: true } })
    expect(instance.changes).toEqual([])
    expect(manager.columnsOf?.(instance)).not.toHaveProperty('changes')
  })

  it('updates @updatedAt fields with every update', async () => {
    const past = new Date('2001-01-01')
    await prisma.setting.create({ data: { key: 'a', value: 'b', updatedAt: past } })
    await manager.transaction(session => session.update('key', 'a', { value: 'c' }), OPTIONS)
    const { updatedAt } = await prisma.setting.findUniqueOrThrow({ where: { key: 'a' } })
    expect(updatedAt.getTime()).toBeGreaterThan(past.getTime())
  })

  it('knows the columns of the model and which of them store JSON and bytes', () => {
    expect(manager.model).toBe('Setting')
    expect(manager.table).toEqual({ name: 'settings', ...(manager.dialect === 'postgresql' && { schema: 'public' }) })
    expect(['key', 'createdAt', 'changes', 'missing'].map(name => manager.column(name))).toEqual([
      'key',
      'created_at',
      undefined,
      undefined,
    ])
    const kinds = [prisma.jsonSetting, prisma.bytesSetting, prisma.setting].map(model =>
      prismaManager(model).kind?.('value'),
    )
    expect(kinds).toEqual(['json', 'bytes', undefined])
  })

  it('rejects JSON that Prisma would store incompletely, and writes nothing', async () => {
    const json = prismaManager(prisma, 'jsonSetting')
    const value = JSON.parse('{ "a": [{ "__proto__": 1 }] }')
    await prisma.jsonSetting.deleteMany()
    await prisma.jsonSetting.create({ data: { key: 'a', value: 1 } })
    const created = json.transaction(session => session.create([{ key: 'b', value }]), OPTIONS)
    await expect(created).rejects.toThrow('Prisma cannot write a member named "__proto__" to the JSON column "value".')
    const updated = json.transaction(session => session.update('key', 'a', { value }), OPTIONS)
    await expect(updated).rejects.toThrow('Prisma cannot write a member named "__proto__" to the JSON column "value".')
    expect(await prisma.jsonSetting.findMany()).toEqual([{ key: 'a', value: 1 }])
  })

  it('finds the first of many keys after a key', async () => {
    const keys = Array.from({ length: 1_000 }, (_, index) => `k${String(index).padStart(3, '0')}`)
    await prisma.setting.createMany({ data: keys.map(key => ({ key, value: 'v' })) })
    const query = { keyCol: 'key', columns: ['key'], keys: keys.toReversed(), after: 'k899', limit: 50 }
    const rows = await manager.transaction(session => session.rows(query), OPTIONS)
    expect(rows).toEqual(keys.slice(900, 950).map(key => ({ key })))
  })

  it('ends a transaction that takes longer than its limit', async () => {
    const late = manager.transaction(
      async session => {
        await session.create([{ key: 'a', value: 'b' }])
        // The driver of SQLite blocks timers.
        for (;;) await setImmediate().then(() => session.query('SELECT 1 AS one', []))
      },
      { limit: 100 },
    )
    await expect(late).rejects.toMatchObject({ code: 'P2028' })
    expect(await prisma.setting.count()).toBe(0)
  })

  it('sets no limit if the limit exceeds the longest timer', async () => {
    await manager.transaction(session => session.create([{ key: 'a', value: 'b' }]), {
      limit: Number.POSITIVE_INFINITY,
    })
    expect(await prisma.setting.count()).toBe(1)
  })

  it('accepts a model alone, unless its client cannot be reached from it', async () => {
    await prismaManager(prisma.setting).transaction(session => session.create([{ key: 'a', value: 'b' }]), OPTIONS)
    expect(await prisma.setting.count()).toBe(1)
    const extended = prisma.$extends({ query: {} })
    expect(isPrismaDelegate(extended.setting)).toBe(true)
    expect(() => prismaManager(extended.setting)).toThrow(/made by \$extends.*prismaManager\(prisma, 'setting'\)/)
    await prisma.$transaction(async (transaction: typeof prisma) => {
      expect(() => prismaManager(transaction.setting)).toThrow(/or to a transaction/)
      expect(() => prismaManager(transaction, 'setting')).toThrow(/the client of a transaction/)
    })
  })

  it('names the arguments to pass', () => {
    for (const nothing of [undefined, null, 'setting', {}, prisma, () => {}]) {
      expect(isPrismaDelegate(nothing)).toBe(false)
      expect(() => prismaManager(nothing as never)).toThrow(
        /not a model of a Prisma client\. Pass the client and the name/,
      )
    }
    expect(() => prismaManager({} as never, 'setting' as never)).toThrow(TypeError)
    expect(() => prismaManager(prisma, 'settings')).toThrow('The Prisma client has no model "settings".')
    const other = (members: PropertyDescriptorMap) => Object.create(prisma, members)
    const provider = other({ _activeProvider: { value: 'mongodb' } })
    expect(() => prismaManager(provider, 'setting')).toThrow(/the Prisma client's provider is "mongodb"/)
    const changed = other({ _runtimeDataModel: { value: undefined } })
    expect(() => prismaManager(changed, 'setting')).toThrow(TypeError)
    expect(() => prismaManager(changed, 'setting')).toThrow(/does not describe its model Setting/)
  })

  it('works without optional client properties', async () => {
    const members = { _engineConfig: { value: undefined }, _extensions: { value: undefined } }
    const less = prismaManager(Object.create(prisma, members), 'setting')
    expect(less.table).toEqual(manager.table)
    expect(less.instance?.({ key: 'a', value: 'b' })).toEqual({ key: 'a', value: 'b' })
  })
}

describe('the schema of a model', () => {
  const schema = `
    model Settings { key String @id }
    model Setting {
      id        Int      @default(autoincrement()) @id // its own
      updatedAt DateTime @map("updated // at") @updatedAt
      key       String   @unique // not @id
      note      String   @default("a \\" @updatedAt {}")
      ident     String   @map("x") @identity
    }
    model Other {
      name String @id
    }`

  it('determines which fields of an existing row are unchanged', () => {
    expect([...keptFields(schema, 'Setting')]).toEqual(['id', 'updatedAt'])
    expect([...keptFields(schema, 'Other')]).toEqual(['name'])
    expect([...keptFields(schema, 'Missing')]).toEqual([])
    expect([...keptFields('', 'Setting')]).toEqual([])
  })
})

describe('the schema of the driver adapter', () => {
  let database: PrismaDatabase
  beforeAll(async () => {
    database = await prismaOnPostgres()
  })
  afterAll(() => database?.end())

  it('is that of the table', async () => {
    const first = await database.client()
    await first.$executeRawUnsafe('CREATE SCHEMA tenant')
    await first.$executeRawUnsafe('CREATE TABLE tenant.app_settings (LIKE public.app_settings INCLUDING ALL)')
    const manager = prismaManager(await database.client({}, { schema: 'tenant' }), 'appSetting')
    expect(manager.table).toEqual({ schema: 'tenant', name: 'app_settings' })
    await manager.transaction(session => session.create([{ settingKey: 'a', settingValue: 'b' }]), OPTIONS)
    const rows = await first.$queryRawUnsafe('SELECT setting_key AS name FROM tenant.app_settings')
    expect(rows).toEqual([{ name: 'a' }])
    expect(await first.appSetting.count()).toBe(0)
  })
})
