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
    it(`${type} stores the output of RichEncoding`, async () => {
      await roundTrip(`key text PRIMARY KEY, value ${type} NOT NULL`, RICH_VALUES)
    })

    it(`${type} stores the output of JSONEncoding`, async () => {
      await roundTrip(`key text PRIMARY KEY, value ${type} NOT NULL`, JSON_VALUES, { encoding: JSONEncoding })
    })
  }

  for (const type of ['json', 'jsonb']) {
    it(`${type} written by JSONEncoding shows external readers the original value`, async () => {
      const options = { encoding: JSONEncoding }
      const table = await roundTrip(`key text PRIMARY KEY, value ${type} NOT NULL`, JSON_VALUES, options)
      const rows = await database.it.sql(`SELECT value FROM ${table} ORDER BY key`)
      expect(rows.map(({ value }) => value)).toEqual(JSON_VALUES)
    })
  }

  it('bytea stores bytes', async () => {
    await roundTrip('key text PRIMARY KEY, value bytea NOT NULL', JSON_VALUES, { encoding: Bytes })
  })

  it('text cannot store bytes, and open() rejects', async () => {
    const error = await open('key text PRIMARY KEY, value text', { encoding: Bytes }).catch(error => error)
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error.message).toMatch(/Bytes makes bytes, which column "value" .* cannot hold, being of text/)
  })

  it('no type stores unencoded values', async () => {
    const opening = open('key text PRIMARY KEY, value text', { encoding: NoOpEncoding })
    await expect(opening).rejects.toThrow(UnsupportedError)
  })

  it('jsonb rejects NUL, and the error says so', async () => {
    const { dict } = await open('key text PRIMARY KEY, value jsonb', { encoding: JSONEncoding })
    await expect(dict.set('a', 'nul \0 inside')).rejects.toMatchObject({ code: 'DURABLEDICT_INVALID_VALUE', key: 'a' })
    expect(await dict.has('a')).toBe(false)
  })

  for (const type of ['json', 'jsonb']) {
    it(`${type} written by RichEncoding shows external readers the original value, as far as JSON can express it`, async () => {
      const table = await roundTrip(`key text PRIMARY KEY, value ${type} NOT NULL`, RICH_VALUES)
      const rows = await database.it.sql(`SELECT value FROM ${table} ORDER BY length(key), key`)
      const values = rows.map(({ value }) => value)
      expect(values.slice(0, JSON_VALUES.length)).toEqual(JSON_VALUES)
      for (const value of values.slice(JSON_VALUES.length)) expect(value).toMatch(/^rich:/)
    })

    it(`${type} written by external writers is read, and causes no failure`, async () => {
      const { table, again } = await open(`key text PRIMARY KEY, value ${type}`)
      await database.it.sql(
        `INSERT INTO ${table} VALUES ('a', ' { "b" : 1, "aa" : [true] } '), ('big', '12345678901234567890'),
        ('bare', '"dark"'), ('null', NULL), ('tagged', '"rich:[true]"'), ('torn', '"rich:["')`,
      )
      const dict = await again()
      expect(await dict.get('a')).toEqual({ b: 1, aa: [true] })
      expect(await dict.get('big')).toBe(12345678901234567890n)
      expect(await dict.get('bare')).toBe('dark')
      expect(await dict.get('null')).toBe(null)
      expect(await dict.get('tagged')).toBe(true)
      await expect(dict.get('torn')).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING', key: 'torn' })
    })

    it(`${type} is compared by value, however the database rewrites the text`, async () => {
      const { dict, again } = await open(`key text PRIMARY KEY, value ${type}`)
      const other = await again()
      await dict.update({ a: { longer: 1e300, b: [1, { z: 1, y: 2 }] }, c: 1.5 })
      await other.sync()
      const changes: unknown[] = []
      for (const one of [dict, other]) one.on('change', change => changes.push(change))
      await dict.touch()
      await other.sync()
      await dict.set('d', 1)
      expect(changes).toEqual([expect.objectContaining({ key: 'd' })])
    })

    it(`${type} written by RichEncoding is re-encoded by JSONEncoding`, async () => {
      const { dict, table } = await open(`key text PRIMARY KEY, value ${type}`)
      const shared = { a: 1 }
      await dict.update({ plain: [1], tagged: [shared, shared], text: 'rich:[1]' })
      const manager = database.it.manager(table)
      const later = await ModelDict.open(manager, { encoding: JSONEncoding, oldEncoding: RichEncoding })
      onTestFinished(() => later.close())
      expect(await later.get('tagged')).toEqual([shared, shared])
      await expect(later.set('text', 'rich:[1]')).rejects.toMatchObject({ code: 'DURABLEDICT_ENCODING', key: 'text' })
      await later.delete('text')
      await later.reencode()
      const rows = await database.it.sql(`SELECT value FROM ${table} ORDER BY key`)
      expect(rows).toEqual([{ value: [1] }, { value: [shared, shared] }])
    })
  }

  it('jsonb stores the output of a custom encoding: JSON, strings, or both behind a tag', async () => {
    const rich = new RichEncoding()
    const encode = (value: unknown) => rich.encode(value)
    const decode = (stored: string) => rich.decode(stored)
    const own: Encoding[] = [
      { name: 'Mixed', encode, decode },
      { name: 'Tagged', tag: rich.tag, encode, decode },
      { name: 'Marked', encode: value => `:${encode(value)}`, decode: stored => decode(stored.slice(1)) },
    ]
    for (const encoding of own) {
      await roundTrip('key text PRIMARY KEY, value jsonb NOT NULL', RICH_VALUES, { encoding })
    }
  })

  it('text is re-encoded in another encoding', async () => {
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

describe('values that no encoding wrote', () => {
  it('fail for their own key only', async () => {
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
  it('keep their contents and get their defaults', async () => {
    const { table, dict } = await open(
      `key text PRIMARY KEY, value text, note text NOT NULL DEFAULT 'none', changed timestamptz DEFAULT now()`,
    )
    await dict.set('a', 1)
    await database.it.sql(`UPDATE ${table} SET note = 'mine'`)
    await dict.set('a', 2)
    const rows = await database.it.sql(`SELECT * FROM ${table}`)
    expect(rows).toEqual([{ key: 'a', value: expect.any(String), note: 'mine', changed: expect.any(Date) }])
  })

  it('are filled by the option "row" for inserted rows', async () => {
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

  it('that are required and not filled make the write reject', async () => {
    const { dict } = await open('key text PRIMARY KEY, value text, owner text NOT NULL')
    await expect(dict.set('a', 1)).rejects.toThrow(/owner/)
    await expect(dict.set('a', 1)).rejects.toMatchObject({ code: 'DURABLEDICT_INVALID_VALUE', key: 'a' })
  })
})
