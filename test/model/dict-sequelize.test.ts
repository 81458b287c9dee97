import { DataTypes, type Model, type ModelStatic, type Sequelize } from 'sequelize'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createTables, InvalidValueError, JSONEncoding, ModelDict, UnsupportedError } from '../../src/index.js'
import { onMariadb, onPostgres, type Source } from './managers/sequelize-sources.js'

describe.each([
  ['PostgreSQL', onPostgres],
  ['MariaDB', onMariadb],
])('ModelDict on Sequelize and %s', (name, start) => {
  let opened: Source
  let sequelize: Sequelize
  let Setting: ModelStatic<Model>

  beforeAll(async () => {
    opened = await start()
    sequelize = opened.sequelize
    Setting = define('Setting', { value: { type: DataTypes.JSON, allowNull: false } }, { paranoid: true })
    await Setting.sync()
    await createTables(Setting)
  })
  afterAll(() => opened?.end())

  /** In MySQL and MariaDB, texts are compared by their bytes if they are `BINARY`. */
  function define(model: string, columns: object, options: object = {}): ModelStatic<Model> {
    const type = name === 'MariaDB' ? DataTypes.STRING(512).BINARY : DataTypes.STRING(512)
    const key = { type, allowNull: false, unique: true }
    const note = { type: DataTypes.STRING(20), defaultValue: 'none' }
    return sequelize.define(model, { key, note, ...columns }, { charset: 'utf8mb4', underscored: true, ...options })
  }

  const values = async () => {
    const dict = await ModelDict.open<Record<string, unknown>>(Setting, { encoding: JSONEncoding })
    onTestFinished(() => dict.close())
    return dict
  }

  test('accepts a model and stores JSON as JSON', async () => {
    const dict = await values()
    await dict.update({ object: { list: [1, null] }, text: '{"a":1}', nothing: null })
    const other = await values()
    expect(Object.fromEntries(await other.entries())).toEqual({
      object: { list: [1, null] },
      text: '{"a":1}',
      nothing: null,
    })
    const [[stored]] = await sequelize.query('SELECT CAST(value AS char(99)) AS json FROM settings ORDER BY id')
    expect(JSON.parse((stored as { json: string }).json)).toEqual({ list: [1, null] })
    await dict.clear()
  })

  test('instances are of the model and equal in every process', async () => {
    const Text = define('TextSetting', { value: { type: DataTypes.TEXT, allowNull: false } }, { version: true })
    await Text.sync()
    const open = async () => {
      const dict = await ModelDict.open(Text, { returnInstances: true })
      onTestFinished(() => dict.close())
      return dict
    }
    const [dict, other] = [await open(), await open()]
    await dict.set('theme', 'dark')
    const setting = await other.getOrThrow('theme')
    expect(setting).toBeInstanceOf(Text)
    expect(setting.get()).toEqual((await dict.getOrThrow('theme')).get())
    setting.set('note', 'mine')
    await other.set('theme', setting)
    const saved = await dict.getOrThrow('theme')
    expect(saved.get()).toMatchObject({ id: setting.get('id'), note: 'mine', version: 1 })
    await saved.update({ note: 'by hand' })
    await dict.touch('theme')
    expect((await other.getOrThrow('theme')).get('note')).toBe('by hand')
    expect(await dict.pop('theme')).toBeInstanceOf(Text)
    expect(await Text.count()).toBe(0)
  })

  test('a key softly deleted from a paranoid model is gone once announced, and can be set again', async () => {
    const dict = await values()
    await dict.set('a', 1)
    await Setting.destroy({ where: { key: 'a' } })
    await dict.touch('a')
    expect(await dict.get('a')).toBeUndefined()
    await dict.update({ a: 2, b: 3 })
    expect(await (await values()).get('a')).toBe(2)
    await dict.clear()
    expect(await Setting.count({ paranoid: false })).toBe(0)
  })

  test('an error from a hook or the database rejects that write only', async () => {
    const Hooked = define('HookedSetting', { value: DataTypes.TEXT })
    await Hooked.sync()
    Hooked.addHook('beforeCreate', instance => {
      if (instance.get('key') === 'bad') throw new Error('No bad settings.')
    })
    const row = (key: string) => ({ note: key === 'long' ? 'much too long for its column' : 'short' })
    const dict = await ModelDict.open(Hooked, { row })
    onTestFinished(() => dict.close())
    const [bad, long, good] = [dict.set('bad', 1), dict.set('long', 2), dict.set('good', 3)]
    await expect(bad).rejects.toThrow(/No bad settings/)
    await expect(bad).rejects.toThrow(InvalidValueError)
    await expect(long).rejects.toThrow(InvalidValueError)
    await good
    expect(await dict.keys()).toEqual(['good'])
  })

  test('a key column that is not unique is rejected', async () => {
    const Shared = define('Shared', { key: DataTypes.STRING(99), value: DataTypes.TEXT })
    await Shared.sync()
    await expect(ModelDict.open(Shared)).rejects.toThrow(UnsupportedError)
  })
})
