import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTables, dropVersionTriggers, kyselyManager, ModelDict, UnsupportedError } from '../../../src/index.js'
import { commandLine } from '../../sqlite/command-line.js'
import { folders } from '../../sqlite/folder.js'
import { rejection } from '../test-database.js'

const place = folders()
let file: string
let db: Kysely<object>
let dict: Awaited<ReturnType<typeof open>>

const manager = () => kyselyManager(db, 'settings')
const open = () => ModelDict.open(manager(), { triggers: true })

let program: (file: string, input: string) => string
beforeAll(async () => {
  program = await commandLine()
})
const cli = (input: string) => program(file, input)

beforeEach(async () => {
  file = await place()
  const setup = new Database(file)
  setup.exec('PRAGMA journal_mode = WAL; CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT, note TEXT)')
  setup.close()
  db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(file) as never }) })
  await createTables(manager(), { triggers: true })
  dict = await open()
})

afterEach(async () => {
  await dict.close()
  await db.destroy()
})

async function historyOf() {
  const commits = await dict.history().toArray()
  return commits
    .reverse()
    .map(({ via, changes }) => [via, ...changes.map(({ key, before, after }) => [key, before, after])])
}

const entries = async () => Object.fromEntries(await dict.entries())

test('each statement of the command line tool is one change', async () => {
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  cli(`INSERT INTO settings (key, value) VALUES ('a', '1'), ('b', '"x"');`)
  expect(await entries()).toEqual({ a: 1, b: 'x' })
  await dict.set('c', 1)
  cli(`BEGIN; UPDATE settings SET value = '2'; UPDATE settings SET note = 'no change'; DELETE FROM settings WHERE key = 'b'; COMMIT;
    BEGIN; DELETE FROM settings; ROLLBACK;
    UPDATE settings SET key = 'd' WHERE key = 'a';
    INSERT INTO settings VALUES ('c', '3', NULL) ON CONFLICT (key) DO UPDATE SET value = excluded.value;`)
  expect(await entries()).toEqual({ c: 3, d: 2 })
  await dict.update({ x: 1, y: 2 })
  await dict.clear()
  expect(await historyOf()).toEqual([
    ['sql', ['a', undefined, 1], ['b', undefined, 'x']],
    ['library', ['c', undefined, 1]],
    ['sql', ['a', 1, 2], ['b', 'x', 2], ['c', 1, 2]],
    ['sql', ['b', 2, undefined]],
    ['sql', expect.anything(), expect.anything()],
    ['sql', ['c', 2, 3]],
    ['library', ['x', undefined, 1], ['y', undefined, 2]],
    ['library', expect.anything(), expect.anything(), expect.anything(), expect.anything()],
  ])
  expect(reasons).not.toContain('diverged')
  expect(await cli('SELECT number FROM durabledict_model_versions')).toBe('8\n')
})

test('a statement that changes very many rows is one change, and everything is loaded', async () => {
  const rows = (count: number) => `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count})
    INSERT INTO settings (key, value) SELECT 'key ' || n, n FROM n;`
  cli(rows(600))
  expect(await dict.size()).toBe(600)
  cli(`DELETE FROM settings WHERE key <> 'key 7';`)
  expect(await entries()).toEqual({ 'key 7': 7 })
  expect(cli('SELECT number FROM durabledict_model_versions')).toBe('2\n')
  cli(`UPDATE settings SET value = '8';`)
  expect(await historyOf()).toEqual([['sql', ['key 7', 7, 8]]])
})

test('unusual keys and values spoil no other key', async () => {
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  cli(`INSERT INTO settings (key, value) VALUES ('"\\', '1'), ('${'x'.repeat(513)}', '1'), ('', '1'), (NULL, '1'), (5, '1'),
    ('blob', x'00ff'), ('null', NULL), ('broken', '{'), ('é', '"\u{1F600}"');`)
  const keys = ['"\\', '5', 'blob', 'null', 'broken', 'é']
  expect((await dict.keys()).sort()).toEqual(keys.sort())
  expect(await dict.get('é')).toBe('\u{1F600}')
  for (const key of ['blob', 'null', 'broken']) {
    expect(await rejection(dict.get(key))).toMatchObject({ code: 'DURABLEDICT_DECODING' })
  }
  cli(`INSERT INTO settings (key, value) VALUES (char(1) || '0000', '2');`)
  expect(await dict.get('\0')).toBe(2)
  expect(reasons).not.toContain('diverged')
})

test('triggers that were dropped are missed at open', async () => {
  for (const sql of dropVersionTriggers('sqlite', { table: 'settings' })) cli(`${sql};`)
  const error = await rejection(open())
  expect(error).toBeInstanceOf(UnsupportedError)
  expect(error.message).toMatch(/has none/)
  await createTables(manager(), { triggers: true })
  await (await open()).close()
})
