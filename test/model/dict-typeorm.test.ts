import { type DataSource, EntitySchema, type EntitySubscriberInterface } from 'typeorm'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createTables, InvalidValueError, JSONEncoding, ModelDict, UnsupportedError } from '../../src/index.js'
import { onPostgres, onSqlite, type Source } from './managers/typeorm-sources.js'

class Setting {
  declare id: number
  declare key: string
  declare value: unknown
  declare note: string
  declare updatedAt: Date
  declare version: number
  declare deletedAt: Date | null

  get title() {
    return `${this.key} (${this.note})`
  }
}

const entity = new EntitySchema<Setting>({
  name: 'Setting',
  target: Setting,
  columns: {
    id: { type: Number, primary: true, generated: true },
    key: { type: 'varchar', unique: true, name: 'setting_key' },
    value: { type: 'simple-json' },
    note: { type: 'text', default: 'none' },
    updatedAt: { type: Date, updateDate: true },
    version: { type: Number, version: true },
    deletedAt: { type: Date, deleteDate: true },
  },
})

const shared = new EntitySchema<object>({
  name: 'Shared',
  columns: { id: { type: Number, primary: true }, key: { type: 'varchar' }, value: { type: 'text' } } as object,
})

describe.each([
  ['PostgreSQL', onPostgres],
  ['SQLite', onSqlite],
])('ModelDict on TypeORM and %s', (_name, start) => {
  let opened: Source
  let source: DataSource
  beforeAll(async () => {
    opened = await start()
    source = await opened.another([entity as never, shared as never])
    await source.synchronize()
    await createTables(source.getRepository(Setting))
  })
  afterAll(() => opened?.end())

  const instances = async () => {
    const dict = await ModelDict.open(source.getRepository(Setting), { returnInstances: true, encoding: JSONEncoding })
    onTestFinished(() => dict.close())
    return dict
  }
  const values = async () => {
    const dict = await ModelDict.open<Record<string, unknown>>(source.getRepository(Setting), {
      encoding: JSONEncoding,
    })
    onTestFinished(() => dict.close())
    return dict
  }

  test('accepts a repository and stores JSON as JSON', async () => {
    const dict = await values()
    await dict.update({ object: { list: [1, null] }, text: 'text', nothing: null })
    const rows = await source.getRepository(Setting).find({ order: { key: 'ASC' } })
    expect(rows.map(({ key, value }) => [key, value])).toEqual([
      ['nothing', null],
      ['object', { list: [1, null] }],
      ['text', 'text'],
    ])
    const other = await values()
    expect(await other.get('nothing')).toBe(null)
    expect(await other.get('object')).toEqual({ list: [1, null] })
    await dict.clear()
  })

  test('instances are entities and equal in every process', async () => {
    const [dict, other] = [await instances(), await instances()]
    await dict.set('theme', 'dark')
    const setting = await other.getOrThrow('theme')
    expect(setting).toBeInstanceOf(Setting)
    expect(setting.title).toBe('theme (none)')
    expect(await dict.getOrThrow('theme')).toEqual(setting)
    setting.note = 'mine'
    setting.value = { dark: true }
    await other.set('theme', setting)
    const saved = await dict.getOrThrow('theme')
    expect(saved).toMatchObject({ id: setting.id, note: 'mine', value: { dark: true }, version: 2 })
    expect(saved.updatedAt.getTime()).toBeGreaterThanOrEqual(setting.updatedAt.getTime())
    await source.getRepository(Setting).update({ key: 'theme' }, { note: 'by hand' })
    await dict.touch('theme')
    expect((await other.getOrThrow('theme')).title).toBe('theme (by hand)')
    await dict.clear()
  })

  test('a softly deleted key is gone once announced, and can be set again', async () => {
    const dict = await values()
    await dict.set('a', 1)
    await source.getRepository(Setting).softDelete({ key: 'a' })
    expect(await dict.get('a')).toBe(1)
    await dict.touch('a')
    expect(await dict.get('a')).toBeUndefined()
    await dict.update({ a: 2, b: 3 })
    expect(await (await values()).get('a')).toBe(2)
    expect(await dict.delete('a')).toBe(true)
    await dict.clear()
    expect(await source.getRepository(Setting).count({ withDeleted: true })).toBe(0)
  })

  test('an error from a subscriber rejects that write only', async () => {
    const subscriber: EntitySubscriberInterface<Setting> = {
      listenTo: () => Setting,
      beforeInsert({ entity: { key } }) {
        if (key === 'bad') throw new Error('No bad settings.')
      },
    }
    source.subscribers.push(subscriber)
    onTestFinished(() => void source.subscribers.pop())
    const dict = await values()
    const bad = dict.set('bad', 1)
    const good = dict.set('good', 2)
    await expect(bad).rejects.toThrow(InvalidValueError)
    await expect(bad).rejects.toThrow(/No bad settings/)
    await good
    expect(await dict.keys()).toEqual(['good'])
    await dict.clear()
  })

  test('a key column that is not unique is rejected', async () => {
    await expect(ModelDict.open(source.getRepository('Shared'))).rejects.toThrow(UnsupportedError)
  })
})
