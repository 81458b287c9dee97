import { AsyncLocalStorage } from 'node:async_hooks'
import { DataTypes, type Model, type ModelStatic, Op, Sequelize } from 'sequelize'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ModelManager, ModelSession } from '../../../src/backends/model/managers/manager.js'
import { isSequelizeModel, sequelizeManager } from '../../../src/backends/model/managers/sequelize/sequelize-manager.js'
import { onMariadb, onPostgres, type Source } from './sequelize-sources.js'

const run = <R>(on: ModelManager, work: (session: ModelSession) => Promise<R>) =>
  on.transaction(work, { limit: 10_000 })
const lean = { keyCol: 'key', columns: ['key', 'value'] }
const create = (on: ModelManager, ...rows: object[]) => run(on, session => session.create(rows as never, 'key'))
const read = (on: ModelManager, query = {}) => run(on, session => session.rows({ ...lean, ...query }))
const pairs = (...keys: string[]) => keys.map(key => ({ key, value: `value of ${key}` }))

const text = { type: DataTypes.TEXT, allowNull: false }
const key = { type: DataTypes.STRING(200), allowNull: false, unique: true }

describe.each([
  ['PostgreSQL', onPostgres],
  ['MariaDB', onMariadb],
])('sequelizeManager and the features of a model, on %s', (_name, open) => {
  let opened: Source
  let sequelize: Sequelize

  beforeAll(async () => {
    opened = await open()
    sequelize = opened.sequelize
  })
  afterAll(() => opened?.end())

  async function defined(name: string, columns: object, options: object = {}): Promise<ModelStatic<Model>> {
    const model = sequelize.define(name, { key, value: text, ...columns }, { charset: 'utf8mb4', ...options })
    await model.sync()
    return model
  }

  test('hooks run for each row, with the whole instance, one after the other', async () => {
    const calls: string[] = []
    const model = await defined('Hooked', { note: DataTypes.STRING })
    const manager = sequelizeManager(model)
    await create(manager, ...pairs('x', 'y'))
    model.addHook('beforeCreate', async (instance: Model) => {
      await new Promise(resolve => setImmediate(resolve))
      instance.set('note', `made for ${instance.get('key')}`)
    })
    model.addHook('afterCreate', (instance: Model) => {
      calls.push(`created ${instance.get('key')} as ${typeof instance.get('id')}`)
    })
    model.addHook('beforeUpdate', (instance: Model) => {
      instance.set('note', `${instance.get('key')} is ${instance.get('value')}`)
    })
    sequelize.addHook('beforeDestroy', 'of all', ((instance: Model) => {
      calls.push(`destroying ${instance.get('key')}: ${instance.get('value')}`)
    }) as never)
    model.addHook('beforeBulkDestroy', () => {
      calls.push('destroying many')
    })
    await create(manager, ...pairs('a', 'b'))
    await run(manager, session => session.update('key', 'a', { value: 'new' }))
    const notes = await run(manager, session => session.rows({ keyCol: 'key', columns: ['note'], keys: ['a', 'b'] }))
    expect(notes).toEqual([{ note: 'a is new' }, { note: 'made for b' }])
    await run(manager, session => session.remove('key', ['a', 'x']))
    await run(manager, session => session.removeAll())
    expect(calls.splice(0, 3)).toEqual(['created a as number', 'created b as number', 'destroying many'])
    expect(calls.splice(0, 3).sort()).toEqual(['destroying a: new', 'destroying many', 'destroying x: value of x'])
    expect(calls.sort()).toEqual(['destroying b: value of b', 'destroying y: value of y'])
    sequelize.removeHook('beforeDestroy', 'of all')
  })

  test('no hook of a failed create writes afterwards', async () => {
    const model = await defined('Failing', {})
    model.addHook('beforeCreate', async (instance: Model) => {
      await new Promise(resolve => setTimeout(resolve, instance.get('key') === 'a' ? 0 : 10))
    })
    const manager = sequelizeManager(model)
    await create(manager, { key: 'a', value: '' })
    await run(manager, async session => {
      await session.query('SAVEPOINT here', [])
      await expect(session.create(pairs('a', 'b', 'c'))).rejects.toThrow()
      await session.query('ROLLBACK TO SAVEPOINT here', [])
      await new Promise(resolve => setTimeout(resolve, 30))
    })
    expect(await read(manager)).toEqual([{ key: 'a', value: '' }])
  })

  test('validations of one row, of many rows and of the model are respected', async () => {
    const validate = {
      notEqual() {
        const { key, value } = this as unknown as Record<string, string>
        if (key === undefined || value === undefined) throw new Error('not all of it')
        if (key === value) throw new Error('key and value are the same')
      },
    }
    const manager = sequelizeManager(
      await defined('Validated', { value: { ...text, validate: { len: [1, 12] } } }, { validate }),
    )
    const long = { key: 'long', value: 'much too long for it' }
    await expect(create(manager, long)).rejects.toThrow(/len/)
    await expect(create(manager, ...pairs('a'), long)).rejects.toThrow(/len/)
    await expect(create(manager, ...pairs('a', 'b'), { key: 'c', value: 'c' })).rejects.toThrow(/the same/)
    await create(manager, ...pairs('a', 'b'))
    const update = (value: string) => run(manager, session => session.update('key', 'a', { value }))
    await expect(update('much too long for it')).rejects.toThrow(/len/)
    await expect(update('a')).rejects.toThrow(/the same/)
    expect(await read(manager)).toEqual(pairs('a', 'b'))
    await expect(run(manager, session => session.update('key', 'missing', { value: 'x' }))).rejects.toThrow(/"missing"/)
  })

  test('defaults, timestamps and versions are kept', async () => {
    let count = 0
    const columns = { number: { type: DataTypes.INTEGER, defaultValue: () => ++count } }
    const manager = sequelizeManager(await defined('Defaulted', columns, { version: true }))
    await create(manager, { ...pairs('a')[0], number: 7 }, ...pairs('b', 'c'))
    await run(manager, session => session.update('key', 'a', { value: 'new' }))
    const instances = (await run(manager, session => session.rows({ keyCol: 'key' }))) as Model[]
    expect(instances.map(one => [one.get('number'), one.get('version')])).toEqual([
      [7, 1],
      [expect.any(Number), 0],
      [count, 0],
    ])
    const [created, updated] = ['createdAt', 'updatedAt'].map(name => instances[0]?.get(name) as Date)
    expect(updated?.getTime()).toBeGreaterThanOrEqual(created?.getTime() as number)
  })

  test('getters and setters apply to columns and to instances', async () => {
    const value = {
      ...text,
      get(this: Model) {
        return String(this.getDataValue('value')).slice(1, -1)
      },
      set(this: Model, given: string) {
        this.setDataValue('value', `<${given}>`)
      },
    }
    const loud = {
      type: DataTypes.VIRTUAL,
      get(this: Model) {
        return (this.get('value') as string).toUpperCase()
      },
    }
    const manager = sequelizeManager(await defined('Accessed', { value, loud }, { tableName: 'accessed' }))
    await create(manager, { key: 'a', value: 'one' })
    await create(manager, { key: 'b', value: 'two' }, { key: 'c', value: 'three' })
    await run(manager, session => session.update('key', 'b', { value: 'four' }))
    expect(await manager.query('SELECT value AS v FROM accessed ORDER BY id', [])).toEqual([
      { v: '<one>' },
      { v: '<four>' },
      { v: '<three>' },
    ])
    expect(await read(manager, { after: 'a', limit: 1 })).toEqual([{ key: 'b', value: 'four' }])
    const [instance] = (await run(manager, session => session.rows({ keyCol: 'key', limit: 1 }))) as [Model]
    const columns = manager.columnsOf?.(instance)
    expect(Object.keys(columns ?? {})).toEqual(['id', 'key', 'value', 'createdAt', 'updatedAt'])
    expect(columns).toMatchObject({ key: 'a', value: 'one' })
    const again = manager.instance?.(columns ?? {}) as Model
    expect([again.get('value'), again.get('loud'), again.changed(), again.isNewRecord]).toEqual([
      'one',
      'ONE',
      false,
      false,
    ])
    expect(manager.column('loud')).toBeUndefined()
  })

  test('a softly deleted row of a paranoid model is gone and can be replaced, and the dictionary deletes physically', async () => {
    const model = await defined('Paranoid', {}, { paranoid: true, deletedAt: 'goneAt' })
    const manager = sequelizeManager(model)
    await create(manager, ...pairs('a', 'b', 'c'))
    await model.destroy({ where: { key: { [Op.in]: ['a', 'b'] } } })
    expect(await read(manager)).toEqual(pairs('c'))
    await create(manager, { key: 'a', value: 'new' })
    await expect(create(manager, ...pairs('c'))).rejects.toThrow()
    const all = await model.findAll({ paranoid: false, order: ['key'] })
    expect(all.map(one => [one.get('key'), one.get('value'), one.get('goneAt') === null])).toEqual([
      ['a', 'new', true],
      ['b', 'value of b', false],
      ['c', 'value of c', true],
    ])
    await run(manager, session => session.remove('key', ['b', 'c']))
    expect(await model.count({ paranoid: false })).toBe(1)
    await model.destroy({ where: { key: 'a' } })
    await run(manager, session => session.removeAll())
    expect(await model.count({ paranoid: false })).toBe(0)
  })

  test('scopes hide no row', async () => {
    const model = await defined('Scoped', {}, { scopes: { none: { where: { key: 'nothing' } } } })
    const manager = sequelizeManager(model.scope('none'))
    await create(manager, ...pairs('a', 'b'))
    await run(manager, session => session.update('key', 'a', { value: 'new' }))
    expect(await read(manager)).toEqual([{ key: 'a', value: 'new' }, ...pairs('b')])
    await run(manager, session => session.remove('key', ['a']))
    await run(manager, session => session.removeAll())
    expect(await model.count()).toBe(0)
  })

  test('a model without a primary key', async () => {
    const model = sequelize.define('Keyless', { key, value: text }, { timestamps: false })
    model.removeAttribute('id')
    await model.sync()
    const manager = sequelizeManager(model)
    await create(manager, ...pairs('a', 'b'))
    await run(manager, session => session.update('key', 'a', { value: 'new' }))
    expect(await read(manager)).toEqual([{ key: 'a', value: 'new' }, ...pairs('b')])
  })

  test('tables in a schema have the name that the database uses', async () => {
    await sequelize.createSchema('other', {})
    const model = await defined('Elsewhere', {}, { schema: 'other', tableName: 'settings' })
    const manager = sequelizeManager(model)
    const mysql = manager.dialect === 'mysql'
    expect(manager.table).toEqual(mysql ? { name: 'other.settings' } : { schema: 'other', name: 'settings' })
    await create(manager, ...pairs('a'))
    const quoted = mysql ? '`other.settings`' : '"other"."settings"'
    expect(await manager.query(`SELECT value AS v FROM ${quoted}`, [])).toEqual([{ v: 'value of a' }])
  })

  test('a transaction of the application in continuation-local storage is not used', async () => {
    const storage = new AsyncLocalStorage<Map<unknown, unknown>>()
    const namespace = {
      bind: (work: unknown) => work,
      run: (work: (context: object) => unknown) => storage.run(new Map(), () => work({})),
      get: (name: string) => storage.getStore()?.get(name),
      set: (name: string, value: unknown) => storage.getStore()?.set(name, value),
    }
    const model = await defined('Local', {}, { tableName: 'local' })
    const log = await defined('Log', {}, { tableName: 'logs' })
    model.addHook('afterCreate', async instance => {
      await log.create({ key: instance.get('key'), value: 'created' })
    })
    const manager = sequelizeManager(model)
    const mine = new Error('mine')
    Sequelize.useCLS(namespace)
    try {
      const application = sequelize.transaction(async () => {
        await model.create({ key: 'theirs', value: '' })
        expect(await manager.query('SELECT value AS v FROM local', [])).toEqual([])
        await create(manager, { key: 'ours', value: '' })
        throw mine
      })
      await expect(application).rejects.toBe(mine)
      // Writes of hooks take part in our transaction.
      const failing = run(manager, async session => {
        await session.create([{ key: 'lost', value: '' }])
        throw mine
      })
      await expect(failing).rejects.toBe(mine)
    } finally {
      delete (Sequelize as unknown as { _cls?: unknown })._cls
    }
    expect(await read(manager)).toEqual([{ key: 'ours', value: '' }])
    expect((await log.findAll()).map(entry => entry.get('key'))).toEqual(['ours'])
  })
})

describe('sequelizeManager accepts', () => {
  const options = { dialectModule: {} }

  test('only a model that is initialized', () => {
    const sequelize = new Sequelize({ dialect: 'postgres' })
    expect(isSequelizeModel(sequelize.define('Setting', {}))).toBe(true)
    for (const other of [undefined, null, {}, sequelize, Sequelize, class {}, sequelize.models.Setting?.prototype]) {
      expect(isSequelizeModel(other)).toBe(false)
      expect(() => sequelizeManager(other as never)).toThrow(/sequelizeManager\(Setting\)/)
    }
  })

  test('only a supported database', () => {
    const model = new Sequelize({ dialect: 'snowflake', ...options }).define('Setting', {})
    expect(() => sequelizeManager(model)).toThrow(/postgres.*not "snowflake"/)
  })
})
