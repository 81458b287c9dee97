import { once } from 'node:events'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { EDIT_OBJECTS } from '../../src/backends/sqlite/edits/edit-objects.js'
import { DecodingError, SqliteDict, type SyncEvent } from '../../src/index.js'
import { rawHandle } from './backend.js'
import { commandLine } from './command-line.js'
import { ENGINES } from './engines.js'
import { folders } from './folder.js'
import { bypassTriggers, forgetEdits } from './without-history.js'

const place = folders()
let program: (file: string, input: string) => string
let file: string
let dict: SqliteDict
let reasons: string[]

beforeAll(async () => {
  program = await commandLine()
})

beforeEach(async () => {
  file = await place()
  dict = await SqliteDict.open('d', file)
  await dict.update({ a: 1, b: 2 })
  reasons = []
  dict.on('sync', ({ reason }: SyncEvent) => reasons.push(reason))
})

afterEach(() => dict.close())

const cli = (input: string) => program(file, input)

const set = (key: string, value: string) =>
  `INSERT INTO durabledict_entries VALUES ('d', '${key}', '${value}') ON CONFLICT DO UPDATE SET value = excluded.value;`

const entries = async () => Object.fromEntries(await dict.entries())

/** The commits after those of `beforeEach`, oldest first: how, and each key with its values before and after. */
async function edits(one: SqliteDict = dict) {
  const commits = (await one.history().toArray()).reverse().filter(({ via }) => via === 'sql')
  return commits.map(({ changes }) => changes.map(({ key, before, after }) => [key, before, after]))
}

/** What another dictionary loads, which has not followed anything. */
async function loaded(options: { timeout?: number } = {}) {
  const other = await SqliteDict.open('d', file, options)
  const found = Object.fromEntries(await other.entries())
  await other.close()
  return found
}

const ONE: [string, string, object, unknown[][]][] = [
  ['INSERT', `INSERT INTO durabledict_entries VALUES ('d', 'c', '3')`, { a: 1, b: 2, c: 3 }, [['c', undefined, 3]]],
  ['UPDATE', `UPDATE durabledict_entries SET value = '7' WHERE key = 'a'`, { a: 7, b: 2 }, [['a', 1, 7]]],
  ['DELETE', `DELETE FROM durabledict_entries WHERE key = 'a'`, { b: 2 }, [['a', 1, undefined]]],
  ['REPLACE', `REPLACE INTO durabledict_entries VALUES ('d', 'a', '7')`, { a: 7, b: 2 }, [['a', 1, 7]]],
  ['an upsert', set('a', '7'), { a: 7, b: 2 }, [['a', 1, 7]]],
  [
    'INSERT OR IGNORE of an old and a new key',
    `INSERT OR IGNORE INTO durabledict_entries VALUES ('d', 'a', '7'), ('d', 'c', '3')`,
    { a: 1, b: 2, c: 3 },
    [['c', undefined, 3]],
  ],
  [
    'REPLACE of several rows',
    `REPLACE INTO durabledict_entries VALUES ('d', 'a', '7'), ('d', 'c', '3'), ('d', 'b', '8')`,
    { a: 7, b: 8, c: 3 },
    [
      ['a', 1, 7],
      ['c', undefined, 3],
      ['b', 2, 8],
    ],
  ],
  [
    'an update of every row',
    'UPDATE durabledict_entries SET value = CAST(value + 10 AS TEXT)',
    { a: 11, b: 12 },
    [
      ['a', 1, 11],
      ['b', 2, 12],
    ],
  ],
  [
    'DELETE without a condition',
    'DELETE FROM durabledict_entries',
    {},
    [
      ['a', 1, undefined],
      ['b', 2, undefined],
    ],
  ],
  [
    'a swap of two values',
    `UPDATE durabledict_entries SET value = CASE key WHEN 'a' THEN '2' ELSE '1' END`,
    { a: 2, b: 1 },
    [
      ['a', 1, 2],
      ['b', 2, 1],
    ],
  ],
  [
    'a new name of a key',
    `UPDATE durabledict_entries SET key = 'größe' WHERE key = 'a'`,
    { größe: 1, b: 2 },
    [
      ['a', 1, undefined],
      ['größe', undefined, 1],
    ],
  ],
  [
    'UPDATE OR REPLACE to the name of another key',
    `UPDATE OR REPLACE durabledict_entries SET key = 'b' WHERE key = 'a'`,
    { b: 1 },
    [
      ['a', 1, undefined],
      ['b', 2, 1],
    ],
  ],
  [
    'a move to another dictionary',
    `UPDATE durabledict_entries SET dict = 'other' WHERE key = 'a'`,
    { b: 2 },
    [['a', 1, undefined]],
  ],
]

test.each(ONE)('one statement of the command line tool is one change: %s', async (_what, sql, expected, changes) => {
  const seen: unknown[][] = []
  dict.on('change', ({ key, previous, value }) => seen.push([key, previous, value]))
  cli(`${sql};`)
  expect(await entries()).toEqual(expected)
  expect(reasons).toEqual(['changes'])
  expect(new Set(seen)).toEqual(new Set(changes))
  expect((await edits()).map(commit => new Set(commit))).toEqual([new Set(changes)])
  expect(await loaded()).toEqual(expected)
})

test('REPLACE is one commit with triggers for what it deletes', async () => {
  cli(`PRAGMA recursive_triggers = ON; REPLACE INTO durabledict_entries VALUES ('d', 'a', '7'), ('d', 'b', '8');`)
  expect(await entries()).toEqual({ a: 7, b: 8 })
  expect(await edits()).toEqual([
    [
      ['a', 1, 7],
      ['b', 2, 8],
    ],
  ])
})

test('a transaction that was rolled back leaves nothing', async () => {
  cli(`BEGIN; ${set('a', '7')} SAVEPOINT s; ${set('b', '8')} ROLLBACK TO s; RELEASE s; COMMIT;`)
  expect(await entries()).toEqual({ a: 7, b: 2 })
  cli(`BEGIN; ${set('a', '9')} ROLLBACK;`)
  expect(await entries()).toEqual({ a: 7, b: 2 })
  expect(await edits()).toEqual([[['a', 1, 7]]])
  expect(reasons).toEqual(['changes'])
})

test('statements of one transaction are followed at once, each as a commit', async () => {
  cli(`BEGIN; ${set('a', '7')} ${set('b', '8')} DELETE FROM durabledict_entries WHERE key = 'a'; COMMIT;`)
  expect(await entries()).toEqual({ b: 8 })
  expect(await edits()).toEqual([[['a', 1, 7]], [['b', 2, 8]], [['a', 7, undefined]]])
  expect(reasons).toEqual(['changes'])
})

test('a statement that changes no value is not a change', async () => {
  const { version } = dict
  cli(`UPDATE durabledict_entries SET value = value;`)
  await dict.get('a')
  expect(dict.version).toBe(version)
})

test('a live dictionary reports an edit, and how it was made', async () => {
  const live = await SqliteDict.open('d', file, { live: true })
  const seen = live.watch()
  cli(set('a', '7'))
  expect((await seen.next()).value).toMatchObject({ key: 'a', previous: 1, value: 7, via: 'sql' })
  await live.close()
})

test('writes of dictionaries and edits alternate, and each is in the history once', async () => {
  const expected: unknown[] = []
  for (let n = 0; n < 5; n += 1) {
    cli(set('a', `${2 * n}`))
    await dict.set('a', 2 * n + 1, { by: 'ada' })
    expected.push([undefined, 'sql', 2 * n], ['ada', 'library', 2 * n + 1])
  }
  const commits = (await dict.history({ key: 'a' }).toArray()).reverse().slice(1)
  expect(commits.map(({ by, via, changes }) => [by, via, changes[0]?.after])).toEqual(expected)
  expect(reasons).toEqual(Array.from({ length: 5 }).fill('changes'))
})

test('the library logs its own writes once', async () => {
  await Promise.all([dict.set('a', 7), dict.set('c', 3), dict.delete('b')])
  await dict.clear()
  await dict.setDefault('a', 1)
  await dict.setDefault('a', 2)
  const commits = await dict.history().toArray()
  expect(commits.map(({ via }) => via)).toEqual(Array.from({ length: 6 }).fill('library'))
  expect(cli('SELECT count(*) FROM durabledict_heads WHERE writing IS NOT NULL;')).toBe('0\n')
})

const DAMAGED: [string, string][] = [
  ['text that is not JSON', "'{'"],
  ['a number', '5'],
  ['text that is not UTF-8', "CAST(x'22ff22' AS TEXT)"],
]

test.each(DAMAGED)('a value that cannot be decoded breaks only its own key: %s', async (_what, value) => {
  cli(`UPDATE durabledict_entries SET value = ${value} WHERE key = 'a'; ${set('b', '8')}`)
  await expect(dict.get('a')).rejects.toThrow(DecodingError)
  expect(await dict.get('b')).toBe(8)
  expect(reasons).toEqual(['changes'])
  await dict.set('a', 3)
  const commits = await dict.history({ key: 'b' }).toArray()
  expect(commits.map(({ via }) => via)).toEqual(['sql', 'library'])
  expect(await loaded()).toEqual({ a: 3, b: 8 })
})

const NO_KEYS: [string, string][] = [
  ['an empty one', "''"],
  ['bytes', "x'00ff'"],
  ['one with NUL', "'c' || char(0)"],
  ['one that is longer than 512 bytes', "printf('%.513c', 'k')"],
  ['one that is longer than 512 bytes in UTF-8', "replace(printf('%.257c', 'k'), 'k', 'é')"],
]

test.each(NO_KEYS)('a row with an invalid key is not an entry: %s', async (_what, key) => {
  cli(`INSERT INTO durabledict_entries VALUES ('d', ${key}, '3'); ${set('b', '8')}`)
  expect(await entries()).toEqual({ a: 1, b: 8 })
  cli(
    `UPDATE durabledict_entries SET value = '4' WHERE value = '3'; DELETE FROM durabledict_entries WHERE value = '4';`,
  )
  expect(await entries()).toEqual({ a: 1, b: 8 })
  expect(await edits()).toEqual([[['b', 2, 8]]])
  expect(reasons).toEqual(['changes'])
})

test('a row whose key is not well-formed text is not an entry, and leaves the history as it is', async () => {
  for (const bytes of ['ff', 'c3', '6bc3a9a9', 'eda080', 'f09f98', 'c080']) {
    cli(`INSERT INTO durabledict_entries VALUES ('d', CAST(x'${bytes}' AS TEXT), '3');`)
  }
  cli(set('b', '8'))
  expect(await entries()).toEqual({ a: 1, b: 8 })
  expect(await edits()).toEqual([[['b', 2, 8]]])
  expect(reasons).toEqual(['changes'])
})

test('keys of every alphabet are followed', async () => {
  const keys = ['ключ', '鍵', '🔑', `${'é'.repeat(255)}`, '"quoted"', "it's", '\u007f', '\ufffe', '\uffff']
  for (const key of keys) cli(set(key.replaceAll("'", "''"), '1'))
  expect(Object.keys(await entries()).sort()).toEqual([...keys, 'a', 'b'].sort())
  expect(await edits()).toEqual(keys.map(key => [[key, undefined, 1]]))
})

test('an edit of a key that is stored in an escaped form is loaded', async () => {
  await dict.set('nul\0', 1)
  cli(`UPDATE durabledict_entries SET value = '7' WHERE key LIKE 'nul%';`)
  expect(await dict.get('nul\0')).toBe(7)
  expect(reasons).toEqual(['changes', 'loaded'])
  await dict.set('a', 3)
  expect(await dict.history().toArray()).toHaveLength(1)
})

test('a statement that changes 12,000 rows makes every process load everything, and is one commit', async () => {
  cli(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
    INSERT INTO durabledict_entries SELECT 'd', 'k' || i, CAST(i AS TEXT) FROM n WHERE true;`)
  expect((await entries()).k11999).toBe(11_999)
  cli(`UPDATE durabledict_entries SET value = '0'; ${set('a', '5')}`)
  expect(await dict.get('a')).toBe(5)
  expect(reasons).toEqual(['loaded', 'loaded'])
  const [after, large] = await dict.history().toArray()
  expect(large?.changes).toHaveLength(12_002)
  expect(after?.changes).toEqual([{ key: 'a', before: 0, after: 5 }])
})

const triggers = () => cli(`SELECT group_concat(name) FROM sqlite_master WHERE name LIKE 'durabledict_edit%';`)

const LOST: [string, string][] = [
  ['a trigger was dropped', 'DROP TRIGGER durabledict_edits_1_updated;'],
  [
    'a trigger was altered',
    `DROP TRIGGER durabledict_edits_1_row;
    CREATE TRIGGER durabledict_edits_1_row INSTEAD OF INSERT ON durabledict_edit BEGIN SELECT 1; END;`,
  ],
  [
    'all were dropped',
    [...EDIT_OBJECTS.keys()]
      .slice(1)
      .map(name => `DROP TRIGGER ${name};`)
      .join(' '),
  ],
]

test.each(LOST)('open repairs triggers, and every process loads what it missed: %s', async (_what, sql) => {
  const before = triggers()
  cli(sql)
  const raw = await rawHandle(file)
  bypassTriggers(raw, `UPDATE durabledict_entries SET value = '7' WHERE key = 'a'`)
  raw.close()
  expect(await dict.get('a')).toBe(1)
  expect(await loaded()).toEqual({ a: 7, b: 2 })
  expect(triggers().split(',').sort()).toEqual(before.split(',').sort())
  expect(await entries()).toEqual({ a: 7, b: 2 })
  cli(set('b', '8'))
  expect(await entries()).toEqual({ a: 7, b: 8 })
  expect(await edits()).toEqual([[['b', 2, 8]]])
})

test('a write repairs triggers as well', async () => {
  cli('DROP TRIGGER durabledict_edits_1_deleted;')
  await dict.set('c', 3)
  cli(`DELETE FROM durabledict_entries WHERE key = 'a';`)
  expect(await entries()).toEqual({ b: 2, c: 3 })
})

test('a file of a release without triggers gets them at open, and keeps its history', async () => {
  const raw = await rawHandle(file)
  forgetEdits(raw)
  raw.close()
  expect(await loaded()).toEqual({ a: 1, b: 2 })
  cli(set('a', '7'))
  expect(await dict.get('a')).toBe(7)
  expect((await dict.history().toArray()).map(({ via }) => via)).toEqual(['sql', 'library'])
  expect(reasons).toEqual(['changes'])
})

test('triggers of a later release are left as they are', async () => {
  cli(`CREATE TRIGGER durabledict_edits_2_updated AFTER UPDATE ON durabledict_entries BEGIN SELECT 1; END;
    DROP TRIGGER durabledict_edits_1_updated;`)
  const before = triggers()
  await loaded()
  await dict.set('c', 3)
  expect(triggers()).toBe(before)
})

test('a dictionary with { readOnly: true } warns of missing triggers, and creates none', async () => {
  cli('DROP TRIGGER durabledict_edits_1_updated;')
  const before = triggers()
  const warned = once(process, 'warning')
  const reader = await SqliteDict.open('d', file, { readOnly: true })
  expect((await warned)[0]).toMatchObject({ code: 'DURABLEDICT_TRIGGERS' })
  expect(await reader.get('a')).toBe(1)
  await reader.close()
  expect(triggers()).toBe(before)
})

test('a locked file without triggers can be opened and read', async () => {
  const raw = await rawHandle(file)
  raw.exec('DROP TRIGGER durabledict_edits_1_updated; BEGIN IMMEDIATE')
  // It waits for the lock first.
  expect(await loaded({ timeout: 1_000 })).toEqual({ a: 1, b: 2 })
  raw.exec('ROLLBACK')
  raw.close()
})

test.each(Object.entries(ENGINES))(
  'edits through a connection that a dictionary uses are followed: %s',
  async (_name, open) => {
    if (!open) return
    const raw = await open(':memory:')
    const one = await SqliteDict.open('d', raw)
    await one.set('a', 1)
    raw.exec(`BEGIN; ${set('a', '7')} ${set('b', '2')} COMMIT`)
    raw.exec(`BEGIN; ${set('b', '3')} ROLLBACK`)
    expect(Object.fromEntries(await one.entries())).toEqual({ a: 7, b: 2 })
    expect(await edits(one)).toEqual([[['a', 1, 7]], [['b', undefined, 2]]])
    await one.close()
    raw.close()
  },
)

test('triggers run where the schema is not trusted', async () => {
  cli(`PRAGMA trusted_schema = OFF; ${set('a', '7')}`)
  expect(await dict.get('a')).toBe(7)
})

test('an edit keeps its order with writes in a file with another encoding', async () => {
  const other = await place('utf16.db')
  program(other, 'PRAGMA encoding = "UTF-16le"; CREATE TABLE t (a);')
  const one = await SqliteDict.open('d', other)
  await one.set('größe', 'ä')
  program(other, `${set('größe', '"ö"')} ${set('k'.repeat(512), '1')} ${set('k'.repeat(513), '1')}`)
  expect(Object.fromEntries(await one.entries())).toEqual({ größe: 'ö', ['k'.repeat(512)]: 1 })
  expect(await edits(one)).toEqual([[['größe', 'ä', 'ö']], [['k'.repeat(512), undefined, 1]]])
  await one.close()
})

test('the log and the history of many edits do not grow without bound', async () => {
  const many = (n: number) => `UPDATE durabledict_entries SET value = '${n}' WHERE key = 'a';`
  const policy = await SqliteDict.open('d', file, { history: { keep: 10, days: 1 } })
  await policy.close()
  // As after so many edits: that many statements would take seconds.
  cli(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10020)
    INSERT INTO durabledict_commits SELECT 'd', h.history_position + i, 1, nonce, 0, NULL, NULL, 'sql', 1, 'a' FROM n, durabledict_heads h;
    UPDATE durabledict_heads SET history_position = history_position + 10020, history_commits = history_commits + 10020;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11000)
    INSERT INTO durabledict_changes SELECT 'd', h.number + i, 0, nonce, nonce, 'x', 'delete', 'z', NULL, 1, NULL FROM n, durabledict_heads h;
    UPDATE durabledict_heads SET number = number + 11000, log_rows = log_rows + 11000;`)
  cli(`${many(7)} ${many(8)}`)
  expect(await dict.get('a')).toBe(8)
  const counts = cli(
    'SELECT (SELECT count(*) FROM durabledict_changes), log_rows, (SELECT count(*) FROM durabledict_commits), history_commits FROM durabledict_heads;',
  )
  const [changes, rows, commits, recorded] = counts.trim().split('|').map(Number)
  expect([changes, commits]).toEqual([rows, recorded])
  expect([changes, commits]).toEqual([5_002, 12])
})
