import { describe, expect, test } from 'vitest'
import { historyMigration } from '../../src/backends/model/history/tables.js'
import { createTables, HistoryError, InvalidValueError, UnsupportedError } from '../../src/index.js'
import { checkClockJump } from '../clock-jump.js'
import { rejection, testDatabase } from './test-database.js'

const database = testDatabase()

const OF = (table: string) => `WHERE dict LIKE '%${table}%'`

type Dict = Awaited<ReturnType<typeof database.it.open>>

async function commitsOf(dict: Dict) {
  return (await dict.history().toArray()).map(({ by, via, changes }) => ({
    by,
    via,
    changes: changes.map(({ key, before, after }) => [key, before, after]),
  }))
}

async function isComplete(dict: Dict): Promise<boolean | undefined> {
  const stream = dict.history()
  await stream.toArray()
  return stream.complete
}

/** A change as a release without history commits it. */
async function commitWithoutHistory(table: string, key: string, value: unknown): Promise<void> {
  const { it } = database
  const json = JSON.stringify(value)
  await it.sql(`INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, [
    key,
    json,
  ])
  await it.sql(
    `WITH head AS (SELECT * FROM durabledict_model_versions ${OF(table)}), made AS (
       INSERT INTO durabledict_model_changes (dict, number, nonce, previous, batch, effects, bytes)
       SELECT dict, number + 1, md5(nonce), nonce, 'old', $1, bytes FROM head)
     UPDATE durabledict_model_versions v SET number = v.number + 1, nonce = md5(v.nonce) FROM head WHERE v.dict = head.dict`,
    [JSON.stringify([['set', key, json]])],
  )
}

describe('tables of a release without history', () => {
  const takeAway = async () => {
    await database.it.sql('DROP TABLE durabledict_model_commits')
    await database.it.sql('ALTER TABLE durabledict_model_versions DROP COLUMN history, DROP COLUMN dropped')
    await database.it.sql('ALTER TABLE durabledict_model_changes DROP COLUMN notes')
  }

  test('work as before, and the history says which migration to run', async () => {
    const { it } = database
    await takeAway()
    const table = await it.table()
    const dict = await it.open(table, { history: false })
    await dict.set('a', 1, { by: 'ada' })
    expect(await dict.get('a')).toBe(1)
    const error = await rejection(dict.history().toArray())
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error.message).toMatch(/createTables\(model\).*historyMigration\(dialect\)/)
    expect(await rejection(it.open(table, { history: { keep: 10, days: 1 } }))).toBeInstanceOf(UnsupportedError)

    for (const statement of historyMigration('postgresql')) await it.sql(statement)
    const upgraded = await it.open(table)
    expect([await commitsOf(upgraded), await isComplete(upgraded)]).toEqual([[], false])
    await upgraded.set('a', 2, { by: 'ada' })
    expect(await commitsOf(upgraded)).toEqual([{ by: 'ada', via: 'library', changes: [['a', 1, 2]] }])
    expect(await isComplete(upgraded)).toBe(false)

    await dict.set('a', 3)
    expect(await commitsOf(upgraded)).toEqual([])
  })

  test('work as before for a user without rights on the new table', async () => {
    const { it } = database
    const table = await it.table()
    const writer = await it.open(table)
    await writer.set('a', 1)
    await it.sql(`CREATE ROLE unaware LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ${table}, durabledict_model_changes TO unaware;
      GRANT SELECT, INSERT, UPDATE ON durabledict_model_versions TO unaware`)
    const dict = await it.open(table, {}, { url: it.server.url.replace('postgres@', 'unaware@') })
    await dict.set('a', 2)
    expect(await writer.get('a')).toBe(2)
    expect(await rejection(dict.history().toArray())).toBeInstanceOf(UnsupportedError)
    expect(await commitsOf(writer)).toEqual([])
  })

  test('get their columns by createTables', async () => {
    const { it } = database
    await takeAway()
    const table = await it.table()
    const manager = it.manager(table)
    await Promise.all([createTables(manager), createTables(manager)])
    const dict = await it.openOn(manager)
    await dict.set('a', 1)
    expect(await commitsOf(dict)).toEqual([{ by: undefined, via: 'library', changes: [['a', undefined, 1]] }])
    expect(await isComplete(dict)).toBe(true)
  })
})

describe('the history', () => {
  test('has no holes: a change without a commit hides what is older', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    await dict.set('a', 1)
    await commitWithoutHistory(table, 'a', 2)
    expect([await commitsOf(dict), await isComplete(dict)]).toEqual([[], false])
    await dict.set('a', 3)
    expect([await commitsOf(dict), await isComplete(dict)]).toEqual([
      [{ by: undefined, via: 'library', changes: [['a', 2, 3]] }],
      false,
    ])
  })

  test('keeps changes of any size, and finds them by key', async () => {
    const { it } = database
    const dict = await it.open(await it.table())
    const values = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`key ${n}`, `${n} ${'é'.repeat(50)}`]))
    const large = { 'large one': '\u{1F600}'.repeat(200_001), 'large two': `"${'\u{1F600}x'.repeat(150_000)}` }
    await dict.update({ ...values, ...large })
    await dict.clear({ by: 'ada' })
    await dict.set('other', 'key 7')
    for (const key of ['key 2999', 'large one', 'large two']) {
      const [cleared, made, ...rest] = await dict.history({ key }).toArray()
      expect(rest).toEqual([])
      expect([cleared?.by, cleared?.changes.length, made?.changes.length]).toEqual(['ada', 3_002, 3_002])
      const value = { ...values, ...large }[key]
      expect(cleared?.changes.find(change => change.key === key)?.before).toBe(value)
      expect(made?.changes.find(change => change.key === key)?.after).toBe(value)
    }
    expect(await dict.history({ key: 'x' }).toArray()).toEqual([])
    await dict.revert((await dict.history({ limit: 2 }).toArray())[1]?.id as string)
    expect(await dict.size()).toBe(3_003)
  })

  test('recognizes the ids of commits that a restored backup does not have', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    await dict.set('a', 1)
    await it.sql(`CREATE TABLE backup AS SELECT * FROM durabledict_model_versions ${OF(table)}`)
    await dict.set('a', 2)
    const [lost] = await dict.history().toArray()
    // Only the head comes back: the commit and the row are left over.
    await it.sql(
      `UPDATE durabledict_model_versions v SET number = b.number, nonce = b.nonce, history = b.history FROM backup b WHERE v.dict = b.dict`,
    )
    await it.sql('DROP TABLE backup')
    const other = await it.open(table)
    await other.set('a', 3)
    expect((await other.history().toArray()).map(({ changes }) => changes[0]?.after)).toEqual([3, 1])
    expect(await rejection(other.history({ before: lost?.id }).toArray())).toBeInstanceOf(HistoryError)
    expect(await rejection(other.revert(lost?.id as string))).toBeInstanceOf(HistoryError)
  })

  test('begins again when a new head replaces a removed one', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    await dict.set('a', 1)
    const [old] = await dict.history().toArray()
    await it.sql(`DELETE FROM durabledict_model_versions ${OF(table)}`)
    const other = await it.open(table)
    expect(await commitsOf(other)).toEqual([])
    await other.set('a', 2)
    expect((await commitsOf(other)).map(({ changes }) => changes)).toEqual([[['a', 1, 2]]])
    expect(await rejection(other.history({ before: old?.id }).toArray())).toBeInstanceOf(HistoryError)
  })

  test.each([
    ['changes that are no JSON', `changes = '[["a"'`],
    ['a number that is none', `number = -1`],
    ['a format of a later release', `format = 2`],
    ['a continuation of nothing', `changes = '+[]'`],
  ])('ends at a commit that cannot be read: %s', async (_what, set) => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    for (const value of [1, 2, 3]) await dict.set('a', value)
    await it.sql(`UPDATE durabledict_model_commits SET ${set} ${OF(table)} AND position = 2`)
    expect((await commitsOf(dict)).map(({ changes }) => changes[0])).toEqual([['a', 2, 3]])
    expect(await isComplete(dict)).toBe(false)
    await dict.set('a', 4)
    expect((await commitsOf(dict)).length).toBe(2)
  })

  test('ignores members and columns that it does not know', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    await dict.set('a', 1, { by: 'ada' })
    await it.sql(
      `UPDATE durabledict_model_versions SET history = (history::jsonb || '{"later": [1]}')::text ${OF(table)}`,
    )
    await it.sql(`UPDATE durabledict_model_commits SET via = 'pigeon' ${OF(table)}`)
    await dict.set('a', 2, { by: 'bob' })
    expect((await commitsOf(dict)).map(({ by, via }) => [by, via])).toEqual([
      ['bob', 'library'],
      ['ada', 'library'],
    ])
  })

  test('of a later format is left alone, and writes succeed', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    await dict.set('a', 1)
    await it.sql(`UPDATE durabledict_model_versions SET history = '{"format": 2}' ${OF(table)}`)
    await dict.set('a', 2)
    expect(await rejection(dict.history().toArray())).toBeInstanceOf(HistoryError)
    expect(await it.sql(`SELECT history FROM durabledict_model_versions ${OF(table)}`)).toEqual([
      { history: '{"format": 2}' },
    ])
  })

  test.each(['', 'x', '[]', '{"format":1}', '{"format":1,"epoch":"a","nonce":"b","position":1,"floor":9,"gone":0}'])(
    'begins again where its record is malformed: %s',
    async text => {
      const { it } = database
      const table = await it.table()
      const dict = await it.open(table)
      await dict.set('a', 1)
      await it.sql(`UPDATE durabledict_model_versions SET history = $1 ${OF(table)}`, [text])
      await dict.set('a', 2)
      expect([(await commitsOf(dict)).map(({ changes }) => changes[0]), await isComplete(dict)]).toEqual([
        [['a', 1, 2]],
        false,
      ])
    },
  )

  test('has no commit of a group that the database refuses', async () => {
    const { it } = database
    const table = await it.table("key text PRIMARY KEY, value text NOT NULL CHECK (value <> '13')")
    const dict = await it.open(table)
    const [good, bad] = await Promise.allSettled([dict.set('a', 1, { by: 'ada' }), dict.set('b', 13, { by: 'bob' })])
    expect([good.status, bad.status]).toEqual(['fulfilled', 'rejected'])
    expect((bad as PromiseRejectedResult).reason).toBeInstanceOf(InvalidValueError)
    expect(await commitsOf(dict)).toEqual([{ by: 'ada', via: 'library', changes: [['a', undefined, 1]] }])
  })

  test('drops commits by their age', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    for (const value of [1, 2, 3]) await dict.set('a', value)
    await it.sql(`UPDATE durabledict_model_commits SET at = at - 91 * 86400000::bigint ${OF(table)} AND position <= 2`)
    for (let n = 4; n <= 64; n += 1) await dict.set('b', n)
    const found = await commitsOf(dict)
    expect(found.length).toBe(62)
    expect(found.at(-1)?.changes).toEqual([['a', 2, 3]])
    expect(await isComplete(dict)).toBe(false)
  })
})

test('the order is that of the commits, and none is dropped too early, when the clock of the database has jumped', async () => {
  const { it } = database
  const table = await it.table()
  await checkClockJump(await it.open(table), (position, at) =>
    it.sql(`UPDATE durabledict_model_commits SET at = $1 ${OF(table)} AND position = $2`, [at, position]),
  )
})

describe('a change by an external writer', () => {
  test('is a commit once it is announced, with the value that the process knew', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    await dict.update({ a: 1, b: 1 })
    await it.sql(`UPDATE ${table} SET value = '2' WHERE key = 'a'`)
    await it.sql(`DELETE FROM ${table} WHERE key = 'b'`)
    await dict.as({ by: 'ada' }).touch('a', 'b')
    const [newest] = await commitsOf(dict)
    expect(newest).toEqual({
      by: 'ada',
      via: 'outside',
      changes: [
        ['a', 1, 2],
        ['b', 1, undefined],
      ],
    })
  })

  test('hides the older history if it is announced without its keys', async () => {
    const { it } = database
    const dict = await it.open(await it.table())
    await dict.set('a', 1)
    await dict.touch()
    expect([await commitsOf(dict), await isComplete(dict)]).toEqual([[], false])
  })
})

test('instances: the history keeps the value column, and a revert leaves the others', async () => {
  const { it } = database
  const table = await it.table("key text PRIMARY KEY, value text NOT NULL, note text NOT NULL DEFAULT 'none'")
  const dict = await it.openOn(it.manager(table), { returnInstances: true })
  await dict.set('a', 1)
  await dict.set('a', { key: 'a', value: '2', note: 'mine' })
  const [second, first] = await dict.history().toArray()
  expect(second?.changes).toEqual([{ key: 'a', before: { key: 'a', value: '1' }, after: { key: 'a', value: '2' } }])
  expect(first?.changes).toEqual([{ key: 'a', after: { key: 'a', value: '1' } }])
  await dict.revert(second?.id as string)
  expect(await dict.get('a')).toEqual({ key: 'a', value: '1', note: 'mine' })
})
