import { Kysely, MysqlDialect } from 'kysely'
import type mysql from 'mysql2'
import { createPool } from 'mysql2'
import { createConnection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTables, dropVersionTriggers, kyselyManager, ModelDict, UnsupportedError } from '../../../src/index.js'
import { mariadb } from '../../servers/mariadb.js'
import { startServer } from '../../servers/start.js'
import type { Server } from '../../servers/types.js'
import { rejection } from '../test-database.js'

const COLUMNS = `\`key\` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
  value longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, note text`

let server: Server
let person: Awaited<ReturnType<typeof createConnection>>
let pool: mysql.Pool
let db: Kysely<object>
let dict: Awaited<ReturnType<typeof open>>
let tables = 0

const table = () => `settings_${tables}`
const manager = () => kyselyManager(db, table())
const open = () => ModelDict.open(manager(), { triggers: true })
const sql = (text: string) => person.query(text.replaceAll('settings', table()))
const entries = async () => Object.fromEntries(await dict.entries())

beforeAll(async () => {
  server = await startServer(mariadb)
  person = await createConnection({ uri: server.url, multipleStatements: true })
  pool = createPool(server.url)
  db = new Kysely<object>({ dialect: new MysqlDialect({ pool }) })
})

afterAll(async () => {
  await person?.end()
  await db?.destroy()
  await server?.stop()
})

beforeEach(async () => {
  tables += 1
  await sql(`CREATE TABLE settings (${COLUMNS})`)
  await createTables(manager(), { triggers: true })
  dict = await open()
})

afterEach(() => dict.close())

async function historyOf() {
  const commits = await dict.history().toArray()
  return commits
    .reverse()
    .map(({ by, reason, via, changes }) => [
      [via, by, reason].filter(Boolean).join(' '),
      ...changes.map(({ key, before, after }) => [key, before, after]),
    ])
}

test('each statement is one change, with the author that the session names', async () => {
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  await sql(`INSERT INTO settings (\`key\`, value) VALUES ('a', '1'), ('b', '"x"')`)
  expect(await entries()).toEqual({ a: 1, b: 'x' })
  await dict.set('c', 1)
  await sql(`SET @durabledict_by = 'ada', @durabledict_reason = 'why not';
    BEGIN; UPDATE settings SET value = '2'; UPDATE settings SET note = 'no change'; DELETE FROM settings WHERE \`key\` = 'b'; COMMIT;
    SET @durabledict_by = NULL, @durabledict_reason = NULL;
    BEGIN; DELETE FROM settings; ROLLBACK;
    UPDATE settings SET \`key\` = 'd' WHERE \`key\` = 'a';
    INSERT INTO settings (\`key\`, value) VALUES ('c', '3') ON DUPLICATE KEY UPDATE value = '3'`)
  expect(await entries()).toEqual({ c: 3, d: 2 })
  await dict.update({ x: 1, y: 2 })
  await dict.clear()
  expect(await historyOf()).toEqual([
    ['sql root', ['a', undefined, 1], ['b', undefined, 'x']],
    ['library', ['c', undefined, 1]],
    ['sql ada why not', ['a', 1, 2], ['b', 'x', 2], ['c', 1, 2]],
    ['sql ada why not', ['b', 2, undefined]],
    ['sql root', ['a', 2, undefined], ['d', undefined, 2]],
    ['sql root', ['c', 2, 3]],
    ['library', ['x', undefined, 1], ['y', undefined, 2]],
    ['library', expect.anything(), expect.anything(), expect.anything(), expect.anything()],
  ])
  expect(reasons).not.toContain('diverged')
})

test('a statement that changes very many rows is one change, and everything is loaded', async () => {
  await sql(`INSERT INTO settings (\`key\`, value) SELECT CONCAT('key ', seq), seq FROM seq_1_to_600`)
  expect(await dict.size()).toBe(600)
  await sql(`DELETE FROM settings WHERE \`key\` <> 'key 7'`)
  expect(await entries()).toEqual({ 'key 7': 7 })
  await sql(`UPDATE settings SET value = '8'`)
  expect(await historyOf()).toEqual([['sql root', ['key 7', 7, 8]]])
})

test('a write in a transaction of the application commits or rolls back with it', async () => {
  const failed = db.transaction().execute(async tx => {
    await dict.in(tx).set('a', 1)
    throw new Error('no order')
  })
  expect((await rejection(failed)).message).toBe('no order')
  await db.transaction().execute(tx => dict.in(tx).set('b', 2, { by: 'ada' }))
  expect(await entries()).toEqual({ b: 2 })
  expect(await historyOf()).toEqual([['sql ada', ['b', undefined, 2]]])
})

test('triggers that were dropped are missed at open', async () => {
  for (const text of dropVersionTriggers('mysql', { table: table(), schema: 'test' })) await person.query(text)
  expect(await rejection(open())).toBeInstanceOf(UnsupportedError)
})
