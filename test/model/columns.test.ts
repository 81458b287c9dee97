import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Encoding,
  JSONEncoding,
  ModelDict,
  NoOpEncoding,
  RichEncoding,
  UnsupportedError,
} from '../../src/index.js'
import { testDatabase } from './test-database.js'

const database = testDatabase()

const JSON_VALUES = [{ a: [1, null, { b: 'é\u2028😀' }] }, [], 'text', '"quoted"', '{"a":1}', 12.5, true, false, null]

const RICH_VALUES = [
  ...JSON_VALUES,
  new Date(0),
  new Map([['a', 1n]]),
  'nul \0 inside',
  'half \ud800 of a pair',
  Number.NaN,
]

/** Values as bytes. */
const Bytes: Encoding<Uint8Array> = {
  name: 'Bytes',
  encode: value => new TextEncoder().encode(JSON.stringify(value)),
  decode: stored => JSON.parse(new TextDecoder('utf8', { fatal: true }).decode(stored)),
}

async function open(columns: string, options: object = {}) {
  const table = await database.it.table(columns)
  const again = async () => {
    const dict = await ModelDict.open(database.it.manager(table), options)
    onTestFinished(() => dict.close())
    return dict
  }
  return { table, dict: await again(), again }
}

/** Values written by one are read by another, by the log and by a load. */
async function roundTrip(columns: string, values: readonly unknown[], options: object = {}) {
  const { dict, again, table } = await open(columns, options)
  const other = await again()
  for (const [index, value] of values.entries()) await dict.set(`key ${index}`, value)
  const third = await again()
  for (const [index, value] of values.entries()) {
    for (const one of [dict, other, third]) expect(await one.get(`key ${index}`)).toEqual(value)
  }
  return table
}

describe('a value column of', () => {
  for (const type of ['text', 'varchar(2000)', 'json', 'jsonb', 'bytea']) {
    it(`${type} holds what RichEncoding makes`, async () => {
      await roundTrip(`key text PRIMARY KEY, value ${type} NOT NULL`, RICH_VALUES)
    })

    it(`${type} holds what JSONEncoding makes`, async () => {
      await roundTrip(`key text PRIMARY KEY, value ${type} NOT NULL`, JSON_VALUES, { encoding: JSONEncoding })
    })
  }

  for (const type of ['json', 'jsonb']) {
    it(`${type} is read by others as what JSONEncoding was given`, async () => {
      const options = { encoding: JSONEncoding }
      const table = await roundTrip(`key text PRIMARY KEY, value ${type} NOT NULL`, JSON_VALUES, options)
      const rows = await database.it.sql(`SELECT value FROM ${table} ORDER BY key`)
      expect(rows.map(({ value }) => value)).toEqual(JSON_VALUES)
    })
  }

  it('bytea holds bytes', async () => {
    await roundTrip('key text PRIMARY KEY, value bytea NOT NULL', JSON_VALUES, { encoding: Bytes })
  })

  it('text holds no bytes, which is told at open', async () => {
    const error = await open('key text PRIMARY KEY, value text', { encoding: Bytes }).catch(error => error)
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error.message).toMatch(/Bytes makes bytes, which column "value" .* cannot hold, being of text/)
  })

  it('any type holds no values as they are', async () => {
    const opening = open('key text PRIMARY KEY, value text', { encoding: NoOpEncoding })
    await expect(opening).rejects.toThrow(UnsupportedError)
  })

  it('jsonb that holds NUL refuses it, and says so', async () => {
    const { dict } = await open('key text PRIMARY KEY, value jsonb', { encoding: JSONEncoding })
    await expect(dict.set('a', 'nul \0 inside')).rejects.toMatchObject({ code: 'DURABLEDICT_INVALID_VALUE', key: 'a' })
    expect(await dict.has('a')).toBe(false)
  })

  it('json is refused for two encodings whose values it cannot tell apart', async () => {
    const opening = open('key text PRIMARY KEY, value json', { encoding: JSONEncoding, oldEncoding: RichEncoding })
    await expect(opening).rejects.toThrow(/RichEncoding .* cannot tell which of them wrote one/)
  })

  it('text is written anew in another encoding', async () => {
    const { dict, table } = await open('key text PRIMARY KEY, value text')
    await dict.set('a', [1])
    const manager = database.it.manager(table)
    const later = await ModelDict.open(manager, { encoding: JSONEncoding, oldEncoding: RichEncoding })
    onTestFinished(() => later.close())
    expect(await later.get('a')).toEqual([1])
    await later.reencode()
    const rows = await database.it.sql(`SELECT value FROM ${table}`)
    expect(rows).toEqual([{ value: '[1]' }])
  })
})

describe('values that no encoding made', () => {
  it('break the reading of their key alone', async () => {
    const { table, again } = await open('key text PRIMARY KEY, value text')
    await database.it.sql(`INSERT INTO ${table} VALUES ('by hand', 'dark'), ('null', NULL)`)
    const dict = await again()
    await dict.set('a', 1)
    for (const key of ['by hand', 'null']) {
      await expect(dict.get(key)).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING', key })
    }
    expect(await dict.get('a')).toBe(1)
    expect(await dict.size()).toBe(3)
  })
})

describe('other columns', () => {
  it('keep what they hold, and get their defaults', async () => {
    const { table, dict } = await open(
      `key text PRIMARY KEY, value text, note text NOT NULL DEFAULT 'none', changed timestamptz DEFAULT now()`,
    )
    await dict.set('a', 1)
    await database.it.sql(`UPDATE ${table} SET note = 'mine'`)
    await dict.set('a', 2)
    const rows = await database.it.sql(`SELECT * FROM ${table}`)
    expect(rows).toEqual([{ key: 'a', value: expect.any(String), note: 'mine', changed: expect.any(Date) }])
  })

  it('are filled by the option "row", for rows that are inserted', async () => {
    const given: unknown[] = []
    const row = (key: string, value: unknown) => {
      given.push([key, value])
      return { owner: `owner of ${key}` }
    }
    const { table, dict } = await open('id serial, key text PRIMARY KEY, value text, owner text NOT NULL', { row })
    await dict.set('a', { b: new Date(0) })
    await dict.set('a', 2)
    await dict.update({ a: 3, c: 4 })
    expect(await dict.setDefault('d', [5])).toEqual([5])
    const rows = await database.it.sql(`SELECT key, owner FROM ${table} ORDER BY id`)
    expect(rows).toEqual(['a', 'c', 'd'].map(key => ({ key, owner: `owner of ${key}` })))
    expect(given).toEqual([
      ['a', { b: new Date(0) }],
      ['c', 4],
      ['d', [5]],
    ])
  })

  it('that must be filled, and are not, are told by the write', async () => {
    const { dict } = await open('key text PRIMARY KEY, value text, owner text NOT NULL')
    await expect(dict.set('a', 1)).rejects.toThrow(/owner/)
    await expect(dict.set('a', 1)).rejects.toMatchObject({ code: 'DURABLEDICT_INVALID_VALUE', key: 'a' })
  })
})
