import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { ModelDict, RichEncoding, StoreUnavailableError } from '../../src/index.js'
import { Door } from '../last-known/door.js'
import { checkMatrix, folder } from '../last-known/matrix.js'
import { testDatabase } from './test-database.js'

const database = testDatabase()
let door: Door

beforeAll(async () => {
  door = await Door.to(Number(new URL(database.it.server.url).port))
})

afterAll(() => door?.remove())

for (const [title, columns] of [
  ['text', 'key text PRIMARY KEY, value text NOT NULL'],
  ['JSON', 'key text PRIMARY KEY, value jsonb NOT NULL'],
  ['bytes', 'key text PRIMARY KEY, value bytea NOT NULL'],
] as const) {
  test(`a dictionary in a column of ${title} starts without its database`, async () => {
    const table = await database.it.table(columns)
    const manager = database.it.manager(table, { url: door.reroute(database.it.server.url), max: 20 })
    const options = { encoding: new RichEncoding(), name: table }
    await checkMatrix({
      open: more => ModelDict.open(manager, { ...options, ...more }),
      direct: () => ModelDict.open(database.it.manager(table), options),
      shut: () => door.shut(),
      reopen: () => door.open(),
    })
  })
}

test('touch() and in() reject until the database has answered', async () => {
  const table = await database.it.table()
  const lastKnown = `${await folder()}/last.json`
  const manager = database.it.manager(table, { url: door.reroute(database.it.server.url) })
  await (await ModelDict.open(manager, { lastKnown })).close()
  door.shut()
  const dict = await ModelDict.open(manager, { lastKnown })
  onTestFinished(() => dict.close())
  await expect(dict.touch('theme')).rejects.toThrow(StoreUnavailableError)
  expect(() => dict.in({})).toThrow(StoreUnavailableError)
  door.open()
  await dict.sync().catch(() => {})
  await expect.poll(() => dict.origin).toBe('store')
  await dict.touch('theme')
})

test('open rejects if the table is missing, even with a last known file', async () => {
  const table = await database.it.table()
  const lastKnown = `${await folder()}/last.json`
  await (await database.it.open(table, { lastKnown })).close()
  await database.it.sql(`DROP TABLE ${table}`)
  await expect(database.it.open(table, { lastKnown })).rejects.toThrow('has no table')
})
