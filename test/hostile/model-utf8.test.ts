import type Database from 'libsql'
import type { DataSource } from 'typeorm'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DecodingError, InvalidValueError, JSONEncoding, ModelDict, prismaManager } from '../../src/index.js'
import { prismaClient } from '../model/prisma/generate.js'
import { columnsOf, SQLITE_LIBRARIES, SqliteFile } from '../model/sqlite-files.js'

// libsql aborts a process that reads such text: if one of these tests fails, so does the whole file.

/** Bytes that are not valid text. */
const NO_TEXT = "CAST(x'ff41' AS TEXT)"

const VALID = { é: 'é', '😀': '😀 and \0', '\ufffd': '\ufffd', plain: 'plain' }

/** A file, and dictionaries of the library on separate connections. */
async function opened(library: string, encoding = 'UTF-8') {
  const file = await SqliteFile.create('wal', encoding)
  onTestFinished(() => file.remove())
  const open = async (options: object = {}) => {
    const fixed = { encoding: JSONEncoding, timeout: 10_000, ...columnsOf(library) }
    const dict = await ModelDict.open(await file.open(library), { ...fixed, ...options })
    onTestFinished(() => dict.close())
    return dict
  }
  const hand: Database.Database = file.connect()
  return { open, hand, file }
}

describe.each(Object.keys(SQLITE_LIBRARIES))('through %s', library => {
  test('a value and a key with invalid text leave all other entries readable and writable', async () => {
    const { open, hand } = await opened(library)
    await (await open()).update(VALID)
    hand.exec(`INSERT INTO app_settings VALUES ('bad', ${NO_TEXT}), (${NO_TEXT}, '1'), ('ugly', ${NO_TEXT})`)
    const [dict, other] = [await open(), await open({ live: true, pollEvery: 20 })]
    expect([...dict.local.keys()].sort()).toEqual([...Object.keys(VALID), 'bad', 'ugly'].sort())
    for (const [key, value] of Object.entries(VALID)) expect(await dict.get(key)).toBe(value)
    await expect(dict.get('bad')).rejects.toThrow(DecodingError)
    await dict.update({ é: 'new', bad: 'mended' })
    await dict.delete('ugly')
    expect(await other.get('é')).toBe('new')
    expect(await other.get('bad')).toBe('mended')
    expect(await other.has('ugly')).toBe(false)
    await dict.clear()
    expect(hand.prepare('SELECT count(*) AS rows FROM app_settings').get()).toMatchObject({ rows: 0 })
  })

  test('a log with invalid text causes a full load, and a log that is not ASCII is followed', async () => {
    const { open, hand } = await opened(library)
    const [dict, other] = [await open(), await open({ autosync: false })]
    const reasons: string[] = []
    other.on('sync', ({ reason }) => reasons.push(reason))
    await dict.update(VALID)
    await other.sync()
    expect(other.local.get('😀')).toBe(VALID['😀'])
    expect(reasons).toEqual(['changes'])
    for (const column of ['effects', 'batch', 'nonce', 'number']) {
      await dict.set('é', column)
      hand.exec(`UPDATE durabledict_model_changes SET ${column} = ${NO_TEXT}
        WHERE number = (SELECT max(number) FROM durabledict_model_changes WHERE typeof(number) = 'integer')`)
      await other.sync()
      expect(other.local.get('é')).toBe(column)
      expect(reasons.pop()).toBe('diverged')
    }
    await other.set('b', 1)
    expect(await dict.get('b')).toBe(1)
  })

  test('an instance with invalid text in a column fails for its own key only', async () => {
    const { open, hand } = await opened(library)
    await (await open()).update(VALID)
    hand.exec(`INSERT INTO app_settings VALUES ('bad', ${NO_TEXT}), (${NO_TEXT}, '1')`)
    const dict = await open({ returnInstances: true })
    expect(await dict.size()).toBe(Object.keys(VALID).length + 1)
    expect(await dict.get('é')).toMatchObject({ [columnsOf(library).valueCol]: '"é"' })
    await expect(dict.get('bad')).rejects.toThrow(DecodingError)
    await dict.set('bad', 'mended')
    expect(await dict.get('bad')).toMatchObject({ [columnsOf(library).valueCol]: '"mended"' })
  })

  test('a head with invalid text is created again', async () => {
    const { open, hand } = await opened(library)
    const dict = await open()
    for (const column of ['epoch', 'nonce', 'number', 'bound', 'format', 'bytes']) {
      await dict.set('a', column)
      hand.exec(`UPDATE durabledict_model_versions SET ${column} = ${NO_TEXT}`)
      expect(await dict.get('a')).toBe(column)
      await dict.set('b', column)
      expect(await (await open()).get('b')).toBe(column)
    }
  })
})

test('every row with invalid text is found among thousands of rows that are not ASCII', async () => {
  const { open, hand } = await opened('Drizzle')
  hand.exec(`DROP TABLE app_settings; CREATE TABLE app_settings (setting_key TEXT UNIQUE, setting_value)`)
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)'
  for (const key of [`'é' || i`, 'NULL', `CAST('é' || i AS BLOB)`]) {
    hand.exec(`${numbers} INSERT INTO app_settings SELECT ${key}, iif(i % 1000 = 0, ${NO_TEXT}, '"é"') FROM n`)
  }
  const dict = await open()
  expect(await dict.size()).toBe(2500)
  for (const key of ['é1000', 'é2000']) await expect(dict.get(key)).rejects.toThrow(DecodingError)
  for (const key of ['é1', 'é2500']) expect(await dict.get(key)).toBe('é')
})

test('a UTF-16 file is read correctly, and a lone surrogate fails for its own key only', async () => {
  const { open, hand } = await opened('Kysely', 'UTF-16le')
  const dict = await open()
  await dict.update(VALID)
  hand.exec("INSERT INTO app_settings VALUES ('bad', CAST(x'00d84100' AS TEXT))")
  const other = await open()
  for (const [key, value] of Object.entries(VALID)) expect(await other.get(key)).toBe(value)
  await expect(other.get('bad')).rejects.toThrow(DecodingError)
  await dict.set('é', 'new')
  expect(await other.get('é')).toBe('new')
})

test('rows with invalid text are changed and removed when TypeORM subscribers get whole entities', async () => {
  const { hand, file } = await opened('TypeORM')
  const manager = await file.open('TypeORM')
  const heard: string[] = []
  const { subscribers } = manager.database as DataSource
  subscribers.push({ beforeUpdate: () => heard.push('update'), beforeRemove: () => heard.push('remove') } as never)
  hand.exec(
    `INSERT INTO app_settings VALUES ('a', ${NO_TEXT}), ('b', ${NO_TEXT}), ('c', ${NO_TEXT}), (${NO_TEXT}, '1')`,
  )
  const dict = await ModelDict.open(manager, { encoding: JSONEncoding, ...columnsOf('TypeORM') })
  onTestFinished(() => dict.close())
  await dict.set('a', 'mended')
  expect(await dict.get('a')).toBe('mended')
  await dict.delete('b')
  await dict.clear()
  expect(hand.prepare('SELECT count(*) AS rows FROM app_settings').get()).toMatchObject({ rows: 0 })
  expect(heard).toEqual(['update', 'remove', 'remove', 'remove'])
})

test('a row that Prisma cannot return because of another column is not changed, and other writes succeed', async () => {
  const { hand, file } = await opened('Prisma')
  hand.exec(`CREATE TABLE settings (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT 'none', size BIGINT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP, updated_at DATETIME)`)
  hand.exec(`INSERT INTO settings (key, value, note) VALUES ('a', '1', ${NO_TEXT})`)
  const prisma = await prismaClient('sqlite', { url: `file:${file.path}` })
  onTestFinished(() => prisma.$disconnect())
  const dict = await ModelDict.open(prismaManager(prisma, 'setting'), { encoding: JSONEncoding })
  onTestFinished(() => dict.close())
  expect(await dict.get('a')).toBe(1)
  const writes = await Promise.allSettled([dict.set('a', 2), dict.set('b', 3)])
  expect(writes).toMatchObject([{ reason: expect.any(InvalidValueError) }, { status: 'fulfilled' }])
  expect(await dict.get('a')).toBe(1)
  await dict.delete('a')
  expect(await dict.has('a')).toBe(false)
})
