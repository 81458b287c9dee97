import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createTables, JSONEncoding, ModelDict, StoreUnavailableError } from '../../src/index.js'
import { columnsOf, SQLITE_LIBRARIES, SqliteFile } from './sqlite-files.js'

type Journal = 'wal' | 'delete'

/** A transaction of another program, and the point where our write fails: at the lock, or at COMMIT. */
const WRITER = { journal: 'wal', sql: 'BEGIN IMMEDIATE' } as const
const READER = { journal: 'delete', sql: 'BEGIN; SELECT * FROM app_settings' } as const

const LIBRARIES = Object.keys(SQLITE_LIBRARIES)

/** In ms. */
const BLOCKED = 100

async function created(journal: Journal): Promise<SqliteFile> {
  const file = await SqliteFile.create(journal)
  onTestFinished(() => file.remove())
  return file
}

async function opened(file: SqliteFile, library: string, timeout = 10_000) {
  const options = { timeout, encoding: JSONEncoding, ...columnsOf(library) }
  const dict = await ModelDict.open(await file.open(library), options)
  onTestFinished(() => dict.close())
  return dict
}

/** Another program writes at once, and sees the same as the dictionary. */
async function nothingIsLockedOrStale(file: SqliteFile, library: string, dict: Awaited<ReturnType<typeof opened>>) {
  file.connect().exec('BEGIN IMMEDIATE; UPDATE app_settings SET setting_value = setting_value; COMMIT')
  const fresh = await opened(file, library)
  await dict.sync()
  expect(fresh.version).toBe(dict.version)
  await fresh.set('k', 2)
  expect(await dict.get('k')).toBe(2)
  await dict.set('k', 3)
  expect(await fresh.get('k')).toBe(3)
}

for (const library of LIBRARIES) {
  for (const [who, { journal, sql }] of Object.entries({ writer: WRITER, reader: READER })) {
    test(`${library}: a write that meets another ${who} succeeds afterwards and leaves nothing locked or stale`, async () => {
      const file = await created(journal)
      const dict = await opened(file, library)
      await dict.set('k', 0)
      const other = file.connect()
      other.exec(sql)
      const write = dict.set('k', 1)
      await delay(BLOCKED)
      other.exec('COMMIT')
      await write
      await nothingIsLockedOrStale(file, library, dict)
    })
  }
}

test.each(['wal', 'delete'] as const)(
  'a write that times out leaves nothing locked or stale, in journal mode %s',
  async journal => {
    const file = await created(journal)
    const dict = await opened(file, 'Kysely', 300)
    await dict.set('k', 0)
    const other = file.connect()
    other.exec('BEGIN IMMEDIATE')
    await expect(dict.set('k', 1)).rejects.toThrow(StoreUnavailableError)
    other.exec('COMMIT')
    await nothingIsLockedOrStale(file, 'Kysely', dict)
  },
)

test.each(['wal', 'delete'] as const)(
  'writers on separate connections all succeed, in journal mode %s',
  async journal => {
    const file = await created(journal)
    const dicts = await Promise.all(['Kysely', 'Knex', 'Drizzle'].map(library => opened(file, library)))
    await Promise.all(
      dicts.map(async (dict, index) => {
        for (let n = 1; n < 5; n += 1) await dict.set(`k${index}`, n)
      }),
    )
    for (const dict of dicts) expect(Object.fromEntries(await dict.entries())).toEqual({ k0: 4, k1: 4, k2: 4 })
  },
)

test('the version tables are created by several programs at the same time', async () => {
  const file = await created('delete')
  file.connect().exec('DROP TABLE durabledict_model_versions; DROP TABLE durabledict_model_changes')
  const managers = await Promise.all(['Kysely', 'Knex', 'Drizzle', 'TypeORM'].map(library => file.open(library)))
  const other = file.connect()
  other.exec('BEGIN IMMEDIATE')
  const creating = Promise.all(managers.map(manager => createTables(manager)))
  await delay(BLOCKED)
  other.exec('COMMIT')
  await creating
  await opened(file, 'Kysely')
})
