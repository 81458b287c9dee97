import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ModelManager, ModelSession } from '../../../src/backends/model/managers/manager.js'
import { isTypeormRepository, typeormManager } from '../../../src/backends/model/managers/typeorm/typeorm-manager.js'
import { onMariadb, onPostgres, onSqlite, Setting, type Source } from './typeorm-sources.js'

const run = <R>(on: ModelManager, work: (session: ModelSession) => Promise<R>, limit = 10_000) =>
  on.transaction(work, { limit })
const keys = async (session: ModelSession) =>
  (await session.rows({ keyCol: 'key', columns: ['key'] })).map(row => (row as { key: string }).key)
const create = (session: ModelSession, key: string) => session.create([{ key, value: '' }])

describe('typeormManager accepts', () => {
  let opened: Source
  beforeAll(async () => {
    opened = await onPostgres()
  })
  afterAll(() => opened?.end())

  test('only a repository', () => {
    expect(isTypeormRepository(opened.source.getRepository(Setting))).toBe(true)
    for (const other of [undefined, null, {}, Setting, opened.source, opened.source.manager]) {
      expect(isTypeormRepository(other)).toBe(false)
      expect(() => typeormManager(other as never)).toThrow(/dataSource\.getRepository/)
    }
  })

  test('only an initialized data source', async () => {
    const { options } = opened.source
    const repository = new DataSource(options).getRepository(Setting)
    expect(() => typeormManager(repository)).toThrow(/initialize/)
  })

  test('only a manager outside any transaction', async () => {
    await opened.source.transaction(async within => {
      expect(() => typeormManager(within.getRepository(Setting))).toThrow(/transaction/)
    })
  })

  test('only a supported database', async () => {
    const repository = new DataSource({ type: 'cockroachdb', entities: opened.source.options.entities } as never)
    expect(() => typeormManager(repository.getRepository(Setting))).toThrow(/postgres.*not "cockroachdb"/)
  })

  test('tables in a schema', async () => {
    const { source, another } = opened
    const entity = new EntitySchema<Setting>({
      name: 'Elsewhere',
      tableName: 'settings',
      schema: 'other schema',
      columns: { key: { type: 'text', primary: true }, value: { type: 'text' } },
    })
    await source.query('CREATE SCHEMA "other schema"')
    const elsewhere = await another([entity as never])
    await elsewhere.synchronize()
    const manager = typeormManager(elsewhere.getRepository(entity))
    expect(manager.table).toEqual({ schema: 'other schema', name: 'settings' })
    expect(manager.model).toBe('Elsewhere')
    await run(manager, session => create(session, 'a'))
    expect(await source.query('SELECT key FROM "other schema".settings')).toEqual([{ key: 'a' }])
  })
})

test('typeormManager finds tables in another database of MariaDB', async () => {
  const { source, another, end } = await onMariadb()
  await source.query('CREATE DATABASE other')
  await source.query('CREATE TABLE other.settings (`key` varchar(9) PRIMARY KEY, value text)')
  const entity = new EntitySchema<Setting>({
    name: 'Elsewhere',
    tableName: 'settings',
    database: 'other',
    columns: { key: { type: 'varchar', primary: true }, value: { type: 'text' } },
  })
  const manager = typeormManager((await another([entity as never])).getRepository(entity))
  expect(manager.table).toEqual({ schema: 'other', name: 'settings' })
  await run(manager, session => create(session, 'a'))
  expect(await source.query('SELECT `key` AS name FROM other.settings')).toEqual([{ name: 'a' }])
  await end()
})

describe('typeormManager on the single connection of SQLite', () => {
  let opened: Source
  let manager: ModelManager
  let source: DataSource
  beforeAll(async () => {
    opened = await onSqlite()
    source = opened.source
    manager = typeormManager(source.getRepository(Setting))
    await source.query(
      `CREATE TABLE settings (id INTEGER PRIMARY KEY, key TEXT UNIQUE, value TEXT NOT NULL, note TEXT, size, created_at)`,
    )
  })
  beforeEach(() => run(manager, session => session.removeAll()))
  afterAll(() => opened?.end())

  test('reads one state in a snapshot, whatever other processes write', async () => {
    const other = typeormManager((await opened.another()).getRepository(Setting))
    await manager.transaction(
      async session => {
        expect(await keys(session)).toEqual([])
        await run(other, within => create(within, 'a'))
        expect(await keys(session)).toEqual([])
      },
      { isolation: 'snapshot', limit: 10_000 },
    )
    expect(await run(manager, keys)).toEqual(['a'])
  })

  test("waits for the application's transactions and never joins them", async () => {
    let ready = () => {}
    const running = new Promise<void>(resolve => {
      ready = resolve
    })
    const mine = new Error('mine')
    const application = source.transaction(async within => {
      await within.query(`INSERT INTO settings (key, value) VALUES ('lost', '')`)
      ready()
      await new Promise(resolve => setTimeout(resolve, 20))
      throw mine
    })
    await running
    const outside = manager.query('SELECT key AS name FROM settings', [])
    const writing = run(manager, session => create(session, 'kept'))
    await expect(application).rejects.toBe(mine)
    expect(await outside).toEqual([])
    await writing
    expect(await run(manager, keys)).toEqual(['kept'])
  })

  test('names the remedy if such a transaction does not end', async () => {
    await source.transaction(async () => {
      await expect(run(manager, session => create(session, 'a'), 30)).rejects.toThrow(/30 ms.*data source of its own/)
    })
    await run(manager, session => create(session, 'a'))
  })

  test('alternates with other managers of the same source', async () => {
    const same = typeormManager(source.getRepository(Setting))
    const mine = new Error('mine')
    const failing = run(manager, async session => {
      await create(session, 'lost')
      await new Promise(resolve => setImmediate(resolve))
      throw mine
    })
    const others = [
      run(same, session => create(session, 'a')),
      same.query('SELECT key AS name FROM settings', []),
    ] as const
    await expect(failing).rejects.toBe(mine)
    await others[0]
    expect(await others[1]).toEqual([{ name: 'a' }])
    expect(await run(manager, keys)).toEqual(['a'])
  })
})
