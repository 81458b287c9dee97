import { Kysely, MysqlDialect } from 'kysely'
import mysql from 'mysql2'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  createTables,
  InvalidValueError,
  JSONEncoding,
  kyselyManager,
  ModelDict,
  memoryVersions,
  StoreUnavailableError,
  UnsupportedError,
} from '../../src/index.js'
import { mariadb } from '../servers/mariadb.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { rejection } from './test-database.js'

/** Small enough that too large values are not large. */
const PACKET = 1024 * 1024

let server: Server
let admin: mysql.Pool
const cleanup: (() => unknown)[] = []

beforeAll(async () => {
  server = await startServer(mariadb, { args: [`--max-allowed-packet=${PACKET}`] })
  admin = mysql.createPool({ uri: server.url, connectionLimit: 4, multipleStatements: true })
  await sql('CREATE TABLE known (k int)')
})

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(async () => {
  await admin?.promise().end()
  await server?.stop()
})

async function sql(text: string): Promise<Record<string, unknown>[]> {
  return (await admin.promise().query(text))[0] as Record<string, unknown>[]
}

/** A pool of an application, whose connections begin with these settings. */
function manager(table: string, settings = '', options: mysql.PoolOptions = {}) {
  const pool = mysql.createPool({ uri: server.url, connectionLimit: 3, ...options })
  if (settings) pool.on('connection', connection => void connection.query(settings))
  const db = new Kysely<object>({ dialect: new MysqlDialect({ pool }) })
  cleanup.push(() => db.destroy())
  return kyselyManager(db, table)
}

let tables = 0

const UTF8 = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'

async function table(key = `varchar(100) ${UTF8}`, value = `longtext ${UTF8}`): Promise<string> {
  tables += 1
  await sql(`CREATE TABLE settings_${tables} (\`key\` ${key} PRIMARY KEY, value ${value}, note varchar(10))`)
  return `settings_${tables}`
}

async function open(model: object, options: object = {}) {
  await createTables(manager('known'))
  const dict = await ModelDict.open(model, { encoding: JSONEncoding, ...options })
  cleanup.push(() => dict.close())
  return dict
}

async function rowsOf(name: string): Promise<Record<string, unknown>> {
  const rows = await sql(`SELECT * FROM ${name}`)
  return Object.fromEntries(rows.map(row => [row.key, JSON.parse(row.value as string)]))
}

test('the version tables are created by any number of processes at the same time', async () => {
  const managers = Array.from({ length: 6 }, () => manager('known'))
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(managers.map(one => createTables(one)))
    await sql('DROP TABLE durabledict_model_versions, durabledict_model_changes')
  }
})

describe('without strict mode', () => {
  test('a value that would be truncated is rejected, and writes beside it succeed', async () => {
    const name = await table(`varchar(10) ${UTF8}`, `varchar(20) ${UTF8}`)
    const dict = await open(manager(name, `SET SESSION sql_mode = ''`))
    const long = 'x'.repeat(100)
    const results = await Promise.allSettled([
      dict.set('value', long),
      dict.set('a key that is too long', 1),
      dict.set('good', 1),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    for (const result of results.slice(0, 2)) {
      const { reason } = result as PromiseRejectedResult
      expect(reason).toBeInstanceOf(InvalidValueError)
      expect(reason.message).not.toContain('xxx')
    }
    expect(await rowsOf(name)).toEqual({ good: 1 })
    expect(Object.fromEntries(dict.local)).toEqual({ good: 1 })
  })

  test('text that the column cannot store is rejected', async () => {
    const name = await table(undefined, 'varchar(100) CHARACTER SET latin1 COLLATE latin1_bin')
    const dict = await open(manager(name, `SET SESSION sql_mode = ''`))
    expect(await rejection(dict.set('a', 'ключ 🌱'))).toBeInstanceOf(InvalidValueError)
    await dict.set('b', 'plain')
    expect(Object.fromEntries(dict.local)).toEqual(await rowsOf(name))
  })

  test('a column of an instance that would be truncated is rejected', async () => {
    const dict = await open(manager(await table(), `SET SESSION sql_mode = ''`), { returnInstances: true })
    const bad = { key: 'a', value: '1', note: 'longer than ten characters' }
    expect(await rejection(dict.set('a', bad as never))).toBeInstanceOf(InvalidValueError)
    expect(await dict.size()).toBe(0)
  })
})

describe('a value that is too large for the server', () => {
  test('is rejected in a short message, and writes beside it succeed', async () => {
    const name = await table()
    const dict = await open(manager(name))
    const [big, beside] = await Promise.allSettled([dict.set('big', 'x'.repeat(PACKET + 1)), dict.set('beside', 2)])
    expect(beside.status).toBe('fulfilled')
    const { reason } = big as PromiseRejectedResult
    expect(reason).toBeInstanceOf(InvalidValueError)
    expect(reason.message).toMatch(/max_allowed_packet/)
    expect(reason.message.length).toBeLessThan(400)
    expect(Object.keys(await rowsOf(name))).toEqual(['beside'])
  })

  test('is distinguished from values that are large together, which are written in several statements', async () => {
    const name = await table()
    const options = { timeout: 20_000 }
    const [dict, other] = [await open(manager(name), options), await open(manager(name), options)]
    const half = '"'.repeat(PACKET / 5)
    const keys = ['a', 'b', 'c', 'd']
    await Promise.all(keys.map(key => dict.set(key, half)))
    expect(Object.values(await rowsOf(name))).toEqual(keys.map(() => half))
    for (const key of keys) expect(await other.get(key)).toBe(half)
  })

  test('is rejected as an instance, too', async () => {
    const dict = await open(manager(await table()), { returnInstances: true })
    const big = { key: 'big', value: 'x'.repeat(PACKET), note: null }
    const [bad, good] = await Promise.allSettled([dict.set('big', big as never), dict.set('good', 1 as never)])
    expect((bad as PromiseRejectedResult).reason).toBeInstanceOf(InvalidValueError)
    expect(good.status).toBe('fulfilled')
  })
})

test.each([
  [`SET NAMES latin1`, {}, /character set is latin1.*utf8mb4/],
  [`SET NAMES utf8mb3`, {}, /character set is utf8.*utf8mb4/],
  [`SET character_set_results = latin1`, {}, /latin1/],
  ['', { charset: 'latin1' }, /latin1/],
  [`SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'`, {}, /NO_BACKSLASH_ESCAPES/],
  [`SET SESSION sql_select_limit = 10`, {}, /sql_select_limit/],
  [`SET SESSION autocommit = 0`, {}, /autocommit is off.*set it to 1/],
  [`SET SESSION completion_type = 1`, {}, /completion_type is CHAIN.*NO_CHAIN/],
  [`SET SESSION completion_type = 2`, {}, /completion_type is RELEASE.*NO_CHAIN/],
])('a session by %s %j is rejected at open and at any later write', async (settings, options, says) => {
  const name = await table()
  const error = await rejection(open(manager(name, settings, options)))
  expect(error).toBeInstanceOf(UnsupportedError)
  expect(error.message).toMatch(says)
  // Connections that a pool opens later.
  let now = ''
  const pool = mysql.createPool({ uri: server.url, connectionLimit: 1, maxIdle: 0, idleTimeout: 1 })
  if (settings) pool.on('acquire', connection => void (now && (connection as mysql.PoolConnection).query(now)))
  const db = new Kysely<object>({ dialect: new MysqlDialect({ pool }) })
  cleanup.push(() => db.destroy())
  const dict = await open(kyselyManager(db, name))
  await dict.set('a', 1)
  now = settings
  if (settings) expect((await rejection(dict.set('a', `it's \\ "quoted"`))).message).toMatch(says)
  expect(await rowsOf(name)).toEqual({ a: 1 })
})

test('text that the driver returns as bytes is read as text', async () => {
  const name = await table()
  const dict = await open(manager(name, '', { typeCast: false }))
  await dict.set('ключ', 'naïve 🌱')
  const other = await open(manager(name, '', { typeCast: false }))
  expect(Object.fromEntries(other.local)).toEqual({ ключ: 'naïve 🌱' })
  await other.set('a', 1)
  expect(await dict.get('a')).toBe(1)
})

test('a clear() that the session refuses reports it', async () => {
  const dict = await open(manager(await table(), 'SET SESSION sql_safe_updates = 1'))
  await dict.set('a', 1)
  const error = await rejection(dict.clear())
  expect(error).toBeInstanceOf(InvalidValueError)
  expect(error.message).toMatch(/refused to remove all rows; none was removed: .*safe update mode/)
  expect(await dict.get('a')).toBe(1)
})

test('modes that change the meaning of quotes and bars change nothing', async () => {
  const modes = 'ANSI_QUOTES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE,HIGH_NOT_PRECEDENCE,STRICT_ALL_TABLES'
  const name = await table()
  const dict = await open(manager(name, `SET SESSION sql_mode = '${modes}'`))
  const values = { quotes: `' " \` \\ \\' ''`, bars: 'a || b', blank: 'x  ', nul: '\0' }
  await dict.update(values)
  await dict.touch()
  expect(Object.fromEntries(await dict.entries())).toEqual(values)
  expect(await rowsOf(name)).toEqual(values)
})

test('a write whose row a trigger alters is rejected', async () => {
  const name = await table()
  await sql(`CREATE TRIGGER ${name}_t BEFORE INSERT ON ${name} FOR EACH ROW SET NEW.value = '7'`)
  const dict = await open(manager(name))
  expect(await rejection(dict.set('a', 1))).toBeInstanceOf(InvalidValueError)
  expect([await rowsOf(name), Object.fromEntries(dict.local)]).toEqual([{}, {}])
})

test('touch() of rows that a transaction of the application has changed is rejected inside it', async () => {
  const name = await table()
  const [dict, other] = [await open(manager(name), { timeout: 2_500 }), await open(manager(name))]
  await dict.update({ a: 1, gone: 1 })
  const application = await admin.promise().getConnection()
  cleanup.push(() => application.release())
  await application.query(
    `BEGIN; UPDATE ${name} SET value = '2' WHERE \`key\` = 'a'; INSERT INTO ${name} (\`key\`, value) VALUES ('new', '2')`,
  )
  for (const keys of [['a'], ['new'], []]) {
    expect(await rejection(dict.touch(...keys))).toBeInstanceOf(UnsupportedError)
  }
  await application.query('COMMIT')
  await dict.touch('a', 'new')
  expect(Object.fromEntries(await other.entries())).toEqual({ a: 2, gone: 1, new: 2 })
})

test('a write that waits for a row of the application delays other writes by at most its timeout', async () => {
  const name = await table()
  const [dict, other] = [await open(manager(name), { timeout: 1_500 }), await open(manager(name), { timeout: 10_000 })]
  await dict.update({ a: 1, b: 1 })
  const application = await admin.promise().getConnection()
  cleanup.push(() => application.query('ROLLBACK').then(() => application.release()))
  await application.query(`BEGIN; UPDATE ${name} SET value = '2' WHERE \`key\` = 'a'`)
  expect(await rejection(dict.set('a', 3))).toBeInstanceOf(StoreUnavailableError)
  await other.set('b', 4)
  expect(await dict.get('b')).toBe(4)
})

describe('rights', () => {
  async function user(name: string, grants: readonly string[]) {
    await sql(`CREATE USER ${name}@'%' IDENTIFIED BY ''; ${grants.join(';')}`)
    return server.url.replace('root@', `${name}@`)
  }

  test('to read are enough with readOnly, also with a version cache', async () => {
    const name = await table()
    const cache = memoryVersions()
    const [writer, cached] = [await open(manager(name)), await open(manager(name), { cache })]
    const own = [name, 'durabledict_model_versions', 'durabledict_model_changes', 'durabledict_model_commits']
    const uri = await user(
      'reader',
      own.map(one => `GRANT SELECT ON ${one} TO reader@'%'`),
    )
    const reader = await open(manager(name, '', { uri }), { readOnly: true })
    const other = await open(manager(name, '', { uri }), { readOnly: true, cache })
    await writer.set('a', 1)
    expect(await reader.get('a')).toBe(1)
    await cached.set('b', 2)
    expect(await other.get('b')).toBe(2)
    expect(await rejection(reader.set('a', 2))).toBeInstanceOf(UnsupportedError)
  })

  test('of the documented statements are enough to write', async () => {
    const name = await table()
    await open(manager(name))
    const uri = await user('writer', [
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name} TO writer@'%'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON durabledict_model_changes TO writer@'%'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON durabledict_model_commits TO writer@'%'`,
      `GRANT SELECT, INSERT, UPDATE ON durabledict_model_versions TO writer@'%'`,
    ])
    const dict = await open(manager(name, '', { uri }), { name: 'own' })
    for (let n = 0; n < 65; n += 1) await dict.set('a', n)
    await dict.touch('a')
    await dict.clear()
    expect(await rowsOf(name)).toEqual({})
    expect((await dict.history().toArray()).length).toBe(67)
  })
})
