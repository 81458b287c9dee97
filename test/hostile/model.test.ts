import * as fc from 'fast-check'
import type Database from 'libsql'
import { describe, expect, onTestFinished, test } from 'vitest'
import { OutsideVersions } from '../../src/backends/model/versions/caches/outside-versions.js'
import { readHead } from '../../src/backends/model/versions/head.js'
import { readEffects } from '../../src/backends/sql/log/change-record.js'
import { DecodingError, JSONEncoding, ModelDict, StoreUnavailableError } from '../../src/index.js'
import { SqliteFile } from '../model/sqlite-files.js'

const OPTIONS = { encoding: JSONEncoding, keyCol: 'setting_key', valueCol: 'setting_value', timeout: 10_000 }

/** A file, and dictionaries on separate connections. */
async function opened() {
  const file = await SqliteFile.create('wal')
  onTestFinished(() => file.remove())
  const open = async (options: object = {}) => {
    const dict = await ModelDict.open(await file.open('Kysely'), { ...OPTIONS, ...options })
    onTestFinished(() => dict.close())
    return dict
  }
  const hand: Database.Database = file.connect()
  return { open, hand, dict: await open() }
}

type Opened = Awaited<ReturnType<typeof opened>>

/** How memory reaches each state from now on. */
function reasonsOf(dict: Opened['dict']): string[] {
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  return reasons
}

const GIGABYTE = 1_000_000_000

/** Lists of effects that no release has written. */
const DAMAGED_EFFECTS: Readonly<Record<string, string>> = {
  'no JSON': 'nonsense',
  'no list': '{"0":["clear"],"length":1}',
  'an effect that is not a list': '[{"type":"clear"}]',
  'an unknown effect': '[["explode","a"]]',
  'an effect named like an inherited member': '[["constructor"]]',
  'a size instead of bytes': `[["bytes","a",{"length":${GIGABYTE}}]]`,
  'a number instead of bytes': `[["bytes","a",${GIGABYTE}]]`,
  'bytes that are not base64': '[["bytes","a","@@@@"]]',
  'bytes in noncanonical base64': '[["bytes","a","AA"]]',
  'an object instead of text': '[["set","a",{"length":3}]]',
  'a missing value': '[["set","a"]]',
  'a surplus value': '[["set","a","1","2"]]',
  'a key that is not text': '[["delete",1]]',
  'an empty key': '[["delete",""]]',
  'a key that is too long': JSON.stringify([['delete', 'k'.repeat(513)]]),
  'a key with a lone surrogate': '[["delete","\\ud800"]]',
  'one invalid effect among valid ones': '[["set","a","1"],["row"],["clear"]]',
}

describe('a record of the change log', () => {
  test.each(Object.entries(DAMAGED_EFFECTS))('with %s is rejected by the parser', (_, text) => {
    expect(readEffects(text)).toBe('damaged')
  })

  test('is rejected or read as effects on valid keys, whatever it contains', () => {
    const member = fc.oneof(fc.string(), fc.constantFrom('set', 'bytes', 'row', 'delete', 'clear'), fc.jsonValue())
    const list = fc.array(fc.oneof(fc.array(member, { maxLength: 4 }), fc.jsonValue()), { maxLength: 5 })
    fc.assert(
      fc.property(
        fc.oneof(
          list.map(one => JSON.stringify(one)),
          fc.string(),
        ),
        text => {
          const effects = readEffects(text)
          if (effects === 'damaged') return
          for (const effect of effects) {
            if (effect.type === 'clear') continue
            expect(effect.key).not.toBe('')
            if (effect.type === 'set')
              expect(Buffer.byteLength(effect.stored as string)).toBeLessThanOrEqual(text.length * 3)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each(
    Object.entries({
      'is damaged': `effects = '[["bytes","a",{"length":${GIGABYTE}}]]'`,
      'has no id': "batch = x'00'",
      'has an invalid nonce': `nonce = 'no nonce'`,
      'has an invalid number': 'number = 9.5',
    }),
  )('that %s causes one full load, and writes continue', async (_, damage) => {
    const { open, hand, dict } = await opened()
    const other = await open({ autosync: false })
    await dict.set('a', 1)
    await other.sync()
    const reasons = reasonsOf(other)
    await dict.set('a', 2)
    hand.exec(`UPDATE durabledict_model_changes SET ${damage} WHERE number = 2`)
    await other.sync()
    expect(other.local.get('a')).toBe(2)
    expect(reasons).toEqual(['diverged'])
    await other.set('b', 1)
    await dict.set('b', 2)
    expect(await dict.get('a')).toBe(2)
    await other.sync()
    expect(other.local.get('b')).toBe(2)
  })
})

/** Columns of a head that no release has written. */
const MALFORMED_HEADS: Readonly<Record<string, string>> = {
  'the largest number': 'number = 9223372036854775807',
  'the largest safe number': `number = ${Number.MAX_SAFE_INTEGER}`,
  'a negative number': 'number = -1',
  'a number that is text': `number = 'abc'`,
  'a fractional number': 'number = 1.5',
  'an empty epoch': `epoch = ''`,
  'an epoch that is a path': `epoch = '../x'`,
  'an epoch of bytes': `epoch = x'00'`,
  'an empty nonce': `nonce = ''`,
  'the largest size': 'bytes = 9223372036854775807',
  'a negative size': 'bytes = -1',
  'an infinite bound': 'bound = 9e999',
  'a negative bound': 'bound = -1',
  'a bound that is text': `bound = 'x'`,
  'a format of 0': 'format = 0',
  'a negative format': 'format = -1',
  'the largest format': 'format = 9223372036854775807',
}

describe('a head of the history', () => {
  test.each(Object.entries(MALFORMED_HEADS))(
    'with %s is created again, so that reads and writes work',
    async (_, sql) => {
      const { open, hand, dict } = await opened()
      await dict.set('a', 1)
      const other = await open()
      hand.exec(`UPDATE durabledict_model_versions SET ${sql}`)
      await other.set('b', 2)
      expect(await dict.get('b')).toBe(2)
      expect(await dict.get('a')).toBe(1)
      hand.exec(`UPDATE durabledict_model_versions SET ${sql}`)
      expect(await dict.get('a')).toBe(1)
      await dict.set('c', 3)
      expect(await (await open()).get('c')).toBe(3)
    },
  )

  test('that is malformed leaves read-only dictionaries with the rows of the table', async () => {
    const { open, hand, dict } = await opened()
    await dict.set('a', 1)
    hand.exec('UPDATE durabledict_model_versions SET number = -1')
    const reader = await open({ readOnly: true })
    expect(await reader.get('a')).toBe(1)
    expect(hand.prepare('SELECT number FROM durabledict_model_versions').get()).toMatchObject({ number: -1 })
    await dict.set('a', 2)
    expect(await reader.get('a')).toBe(2)
  })

  test('is read, found malformed, or rejected with its shape, whatever a library returns', () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.bigInt(), fc.constant(null), fc.jsonValue())
    const columns = { format: value, epoch: value, number: value, nonce: value, bytes: value, bound: value }
    const reply = fc.oneof(
      fc.record(columns).map(row => [row]),
      fc.record(columns, { requiredKeys: [] }).map(row => [row]),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(reply, answer => {
        try {
          const head = readHead('Kysely', answer, 'settings')
          if (typeof head === 'object') expect(head.number).toBeLessThanOrEqual(2 ** 52)
        } catch (error) {
          expect(error).toBeInstanceOf(StoreUnavailableError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a row', () => {
  /** What is inserted into the table by hand, and whether its key is then one of the dictionary's. */
  const ROWS: Readonly<Record<string, readonly [values: string, key: string | undefined]>> = {
    'a value of NULL': [`'bad', NULL`, 'bad'],
    'a value of bytes': [`'bad', x'ff00'`, 'bad'],
    'a value that is not JSON': [`'bad', '{'`, 'bad'],
    'an integer beyond 2^53': [`'bad', 9007199254740993`, 'bad'],
    'a key of bytes': [`x'61', '1'`, undefined],
    'a key of NULL': [`NULL, '1'`, undefined],
    'an empty key': [`'', '1'`, undefined],
    'a key that is too long': [`'${'k'.repeat(513)}', '1'`, undefined],
    'an escaped form of an ordinary key': [`char(1) || '0061', '1'`, undefined],
  }

  test.each(Object.entries(ROWS))('with %s fails for its own key only', async (_, [values, key]) => {
    const { open, hand, dict } = await opened()
    hand.exec(`DROP TABLE app_settings; CREATE TABLE app_settings (setting_key TEXT UNIQUE, setting_value)`)
    hand.exec(`INSERT INTO app_settings VALUES (${values}), ('good', '1')`)
    await dict.touch()
    expect([...dict.local.keys()].sort()).toEqual([...(key === undefined ? [] : [key]), 'good'])
    expect(await dict.get('good')).toBe(1)
    await dict.set('good', 2)
    if (key === undefined) return
    const fresh = await open()
    if (values.includes('9007')) expect(await fresh.get('good')).toBe(2)
    else await expect(fresh.get(key)).rejects.toThrow(DecodingError)
    await fresh.set(key, 3)
    expect(await dict.get(key)).toBe(3)
  })

  test('that has the key of another row fails for that key only', async () => {
    const { hand, dict } = await opened()
    await dict.set('good', 1)
    hand.exec(`DROP TABLE app_settings; CREATE TABLE app_settings (setting_key TEXT, setting_value TEXT)`)
    hand.exec(`INSERT INTO app_settings VALUES ('two', '1'), ('two', '2'), ('good', '1')`)
    await dict.touch()
    expect(await dict.get('good')).toBe(1)
    await expect(dict.get('two')).rejects.toThrow(/Several rows/)
    await dict.set('two', 3)
    expect(await dict.get('two')).toBe(3)
  })
})

describe('a value in a version cache', () => {
  const HOSTILE: readonly unknown[] = [
    'abc',
    '',
    '-1',
    '1.5',
    '9007199254740992',
    '1e3',
    ' 1',
    {},
    [],
    true,
    Number.NaN,
    'x'.repeat(100_000),
  ]

  test.each(HOSTILE.map(value => [typeof value, value] as const))(
    'that is not a version (%s) is rejected in a short message',
    async (_, value) => {
      const client = {
        label: 'Redis',
        get: async () => value,
        add: async () => true,
        incr: async () => value,
      }
      const cache = new OutsideVersions(client)
      for (const ask of [() => cache.get('key'), () => cache.incr('key')]) {
        const error = await ask().catch(one => one)
        expect(error).toBeInstanceOf(StoreUnavailableError)
        expect(error.message.length).toBeLessThan(400)
        expect(error.message).not.toContain('xxx')
      }
    },
  )
})
