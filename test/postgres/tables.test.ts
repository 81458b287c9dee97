import pg from 'pg'
import postgresJs from 'postgres'
import { describe, expect, test } from 'vitest'
import { openDict } from '../../src/index.js'
import { migration, PostgresDict, StoreUnavailableError, UnsupportedError } from '../../src/postgres.js'
import { rejection, until } from '../model/test-database.js'
import { testServer } from './test-server.js'

const server = testServer()

interface Row {
  readonly key: string
  readonly value: unknown
  readonly encoded: string | null
}

function rowsOf(name: string): Promise<Row[]> {
  return server.it.sql<Row>('SELECT key, value, encoded FROM durabledict_entries WHERE dictionary = $1 ORDER BY key', [
    name,
  ])
}

describe('the tables', () => {
  test('have plain values as jsonb, and everything else as the text of the encoding', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name)
    const values = {
      boolean: true,
      date: new Date(0),
      half: '\ud800',
      large: 10n,
      nul: 'a\0b',
      object: { a: 1, b: [null, 'x'] },
      reordered: { long: 1, a: 2 },
      small: 5e-324,
      text: 'dark',
    }
    await dict.update(values)
    const rows = await rowsOf(name)
    expect(Object.fromEntries(rows.map(({ key, value }) => [key, value]))).toEqual({
      ...values,
      ...{ date: null, half: null, large: null, nul: null },
    })
    const encoded = rows.filter(row => row.encoded !== null).map(({ key }) => key)
    expect(encoded).toEqual(['date', 'half', 'large', 'nul', 'reordered'])
    const other = await it.open(name)
    expect((await other.snapshot()).toObject()).toEqual(values)
    expect(Object.keys((await other.get('reordered')) as object)).toEqual(['long', 'a'])
  })

  test('keep hostile names, keys, values and authors as they are', async () => {
    const { it } = server
    const texts = [
      `'; DROP TABLE durabledict_entries; --`,
      '$durabledict$ $1 $$',
      '\\',
      '"\0\u0001\u{10ffff}',
      'ü %s ? :x',
    ]
    for (const text of texts) {
      const dict = await it.open(text)
      await dict.set(text, text, { by: text.replace('\0', ''), reason: 'x' })
      const other = await it.open(text)
      expect(await other.entries()).toEqual([[text, text]])
      expect(await other.history().toArray()).toMatchObject([{ by: text.replace('\0', '') }])
    }
  })

  test('with a commit at a time that no Date can hold end the history there', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name)
    for (const value of [1, 2]) await dict.set('a', value)
    await it.sql(`UPDATE durabledict_commits SET at = '290000-01-01' WHERE position = 1 AND dictionary = $1`, [name])
    const commits = dict.history()
    expect((await commits.toArray()).map(({ changes }) => changes[0]?.after)).toEqual([2])
    expect(commits.complete).toBe(false)
  })

  test('keep two dictionaries apart, also for clear', async () => {
    const { it } = server
    const [one, other] = [await it.open(it.name()), await it.open(it.name())]
    await one.set('a', 1)
    await other.set('a', 2)
    await one.clear()
    expect([await one.size(), await other.get('a')]).toEqual([0, 2])
  })

  test('are created once by many processes at the same time, in a schema of choice', async () => {
    const { it } = server
    const schemaName = `of "choice" ${'$'}`
    const opened = await Promise.all(Array.from({ length: 6 }, () => it.open('settings', { schemaName })))
    await Promise.all(opened.map((dict, index) => dict.set(`key ${index}`, index)))
    expect(await opened[0]?.size()).toBe(6)
    const rows = await it.sql(`SELECT FROM "of ""choice"" $".durabledict_entries`)
    expect(rows).toHaveLength(6)
  })

  test('are found whatever search_path is', async () => {
    const { it } = server
    const name = it.name()
    await it.sql(
      'CREATE SCHEMA decoy; CREATE TABLE decoy.durabledict_entries (x int); CREATE FUNCTION decoy.to_json(text) RETURNS json LANGUAGE sql AS $$SELECT NULL::json$$',
    )
    const dict = await it.open(name, {}, it.pool({ options: '-c search_path=decoy,pg_catalog' }))
    await dict.set('a', 1)
    expect(await rowsOf(name)).toHaveLength(1)
  })

  test.each([
    ['LATIN1', 'latin'],
    ['SQL_ASCII', 'ascii'],
  ])('keep all text in a database whose encoding is %s', async (encoding, database) => {
    const { it } = server
    const url = await it.database(database, `ENCODING '${encoding}' TEMPLATE template0 LOCALE 'C'`)
    const entries = { plain: 'x', é: 'é', 中: { text: '中😀' }, '\0': '\0\ud800' }
    const dict = await it.open('名', {}, url)
    await dict.update(entries, { by: '中' })
    const other = await it.open('名', {}, url)
    expect((await other.snapshot()).toObject()).toEqual(entries)
    expect(await other.history().toArray()).toMatchObject([{ by: '中' }])
  })
})

describe('rights', () => {
  test('migration() prepares the tables for a user who may not create any', async () => {
    const { it } = server
    const url = await it.database('restricted')
    const admin = new pg.Client({ connectionString: url })
    await admin.connect()
    it.cleanup.push(() => admin.end())
    await admin.query('CREATE ROLE writer LOGIN; CREATE ROLE reader LOGIN; CREATE SCHEMA app')
    await admin.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
    const writing = it.pool({ url: it.urlOf('restricted', 'writer') })
    const denied = await rejection(PostgresDict.open('settings', writing, { schemaName: 'app' }))
    expect(denied).toBeInstanceOf(StoreUnavailableError)
    expect(denied.message).toMatch(/migration\(\).*GRANT USAGE ON SCHEMA/)
    await admin.query(migration({ schemaName: 'app' }))
    await admin.query(
      `GRANT USAGE ON SCHEMA app TO reader, writer;
       GRANT SELECT ON app.durabledict_entries, app.durabledict_heads, app.durabledict_changes, app.durabledict_commits, app.durabledict_replicas TO reader;
       GRANT SELECT, INSERT, UPDATE, DELETE ON app.durabledict_entries, app.durabledict_heads, app.durabledict_changes, app.durabledict_commits, app.durabledict_replicas TO writer`,
    )
    const dict = await it.open('settings', { schemaName: 'app', maxStaleness: 100, live: true }, writing)
    await dict.set('a', 1, { by: 'writer' })
    const reader = it.pool({ url: it.urlOf('restricted', 'reader') })
    const read = await it.open('settings', { schemaName: 'app', readOnly: true, live: true }, reader)
    expect([await read.get('a'), (await read.history().toArray())[0]?.by]).toEqual([1, 'writer'])
    const refused = await rejection(PostgresDict.open('another', reader, { schemaName: 'app' }))
    expect(refused.message).toMatch(/GRANT SELECT, INSERT, UPDATE, DELETE/)
    const nothing = await it.open('another', { schemaName: 'app', readOnly: true }, reader)
    expect(await nothing.size()).toBe(0)
  })

  test('a server that takes no writes can be read, and says so to writers', async () => {
    const { it } = server
    const name = it.name()
    await (await it.open(name)).set('a', 1)
    const standby = it.pool({ options: '-c default_transaction_read_only=on' })
    const read = await it.open(name, { readOnly: true }, standby)
    expect(await read.get('a')).toBe(1)
    const dict = await it.open(name, {}, standby)
    const error = await rejection(dict.set('a', 2))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toMatch(/connect to the primary/)
  })

  test('a connection that cannot hold all text is refused', async () => {
    const { it } = server
    const pool = it.pool()
    pool.on('connect', client => void client.query(`SET client_encoding = 'LATIN1'`))
    const error = await rejection(PostgresDict.open(it.name(), pool))
    expect(error).toBeInstanceOf(UnsupportedError)
  })
})

describe('clients', () => {
  test('with settings of their own return what is stored', async () => {
    const { it } = server
    const name = it.name()
    const types = { getTypeParser: () => () => 'parsed' }
    const pool = it.pool({ types, binary: true } as pg.PoolConfig)
    const sql = postgresJs(it.server.url, { transform: postgresJs.camel, onnotice: () => {}, prepare: false })
    it.cleanup.push(() => sql.end())
    const dict = await it.open(name, {}, pool)
    await dict.set('some_key', { some_member: 1 })
    const other = await PostgresDict.open(name, sql)
    it.cleanup.push(() => other.close())
    expect(await other.get('some_key')).toEqual({ some_member: 1 })
    await other.set('some_key', 2)
    expect(await dict.get('some_key')).toBe(2)
  })

  test('open by URL, with either driver, and end with the dictionary', async () => {
    const { it } = server
    const name = it.name()
    const byUrl = await openDict(`${it.server.url}#${encodeURIComponent(name)}`)
    await byUrl.set('a', 1)
    const other = await PostgresDict.open(name, it.server.url, { driver: postgresJs, live: true })
    expect(await other.get('a')).toBe(1)
    await byUrl.close()
    await other.close()
    const left = `SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name = 'postgres.js'`
    await until(async () => (await it.sql(left)).length === 0, 'the connections end')
  })

  test.each([
    ['no client', {}],
    ['a name', 'app'],
    ['another URL', 'mysql://localhost/app'],
  ])('open() rejects %s with TypeError', async (_, client) => {
    await expect(PostgresDict.open('settings', client as never)).rejects.toThrow(TypeError)
  })
})
