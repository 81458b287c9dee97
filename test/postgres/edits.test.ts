import postgresJs from 'postgres'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../model/test-database.js'
import { testServer } from './test-server.js'

const server = testServer()

test('open() warns when the triggers are disabled', async () => {
  const { it } = server
  await it.open(it.name())
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  it.cleanup.push(() => warning.mockRestore())
  await it.sql('ALTER TABLE durabledict_entries DISABLE TRIGGER USER')
  await it.open('without triggers')
  await it.sql('ALTER TABLE durabledict_entries ENABLE TRIGGER USER')
  await it.open('with triggers')
  const messages = warning.mock.calls.map(([message]) => String(message))
  expect(messages.filter(text => text.includes('missing or disabled'))).toEqual([
    expect.stringMatching(/"without triggers".*migration\(\)/),
  ])
})

describe('an edit by hand', () => {
  test('is followed, pushed and recorded with the user of the database', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name, { live: true })
    await dict.update({ changed: 1, deleted: 2, reordered: { long: 1, a: 2 } })
    const steps: unknown[] = []
    dict.on('change', ({ key, value, by, via }) => steps.push([key, value, by, via]))
    await it.sql(`UPDATE durabledict_entries SET value = '{"b": [1, 2]}' WHERE dictionary = $1 AND key <> 'deleted'`, [
      name,
    ])
    await it.sql(`DELETE FROM durabledict_entries WHERE dictionary = $1 AND key = 'deleted'`, [name])
    await until(() => steps.length === 3, 'it is notified')
    expect(steps).toEqual([
      ['changed', { b: [1, 2] }, 'postgres', 'sql'],
      ['reordered', { b: [1, 2] }, 'postgres', 'sql'],
      ['deleted', undefined, 'postgres', 'sql'],
    ])
    const [newest, older] = await dict.history({ limit: 2 }).toArray()
    expect(newest).toMatchObject({ by: 'postgres', via: 'sql', changes: [{ key: 'deleted', before: 2 }] })
    expect(older?.changes.map(({ key, before, after }) => [key, before, after])).toEqual([
      ['changed', 1, { b: [1, 2] }],
      ['reordered', { long: 1, a: 2 }, { b: [1, 2] }],
    ])
  })

  test('in a transaction is one change, with an author and a reason of its own, and none after a rollback', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name)
    const connection = await it.connection()
    const insert = `INSERT INTO durabledict_entries (dictionary, key, value) VALUES ('${name}', 'a', '1'), ('${name}', 'b', '2')`
    await connection.query(`BEGIN; ${insert}; ROLLBACK`)
    expect(await dict.size()).toBe(0)
    await connection.query(
      `BEGIN; SET LOCAL durabledict.by = 'ada'; SET LOCAL durabledict.reason = 'incident'; ${insert};
       UPDATE durabledict_entries SET value = '3' WHERE dictionary = '${name}'; COMMIT`,
    )
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: 3, b: 3 })
    expect(await dict.history().toArray()).toMatchObject([{ by: 'ada', reason: 'incident', via: 'sql' }])
  })

  test('that is not committed does not block writes to other keys', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name)
    await dict.update({ a: 1, b: 1 })
    const connection = await it.connection()
    await connection.query('BEGIN')
    await connection.query(`UPDATE durabledict_entries SET value = '2' WHERE dictionary = $1 AND key = 'a'`, [name])
    const other = await it.open(name)
    const blocked = other.set('a', 3)
    await dict.set('b', 2)
    await connection.query('COMMIT')
    await blocked
    expect(await dict.get('a')).toBe(3)
    expect((await dict.history({ key: 'a' }).toArray()).map(({ via }) => via)).toEqual(['library', 'sql', 'library'])
  })

  test('of everything by TRUNCATE, or of very many rows, is followed', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name)
    await it.sql(
      `INSERT INTO durabledict_entries (dictionary, key, value) SELECT $1, 'key ' || n, '1' FROM generate_series(1, 12000) n`,
      [name],
    )
    expect(await dict.size()).toBe(12_000)
    await it.sql('TRUNCATE durabledict_entries')
    expect(await dict.size()).toBe(0)
  })

  test('of both columns to NULL fails that key only', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name)
    await dict.update({ a: 1, b: 1 })
    await it.sql(`UPDATE durabledict_entries SET value = NULL WHERE dictionary = $1 AND key = 'a'`, [name])
    await expect(dict.get('a')).rejects.toThrow('NULL')
    expect(await dict.get('b')).toBe(1)
  })
})

describe('in(transaction)', () => {
  test('writes with pg and postgres.js commit or roll back with the application', async () => {
    const { it } = server
    const name = it.name()
    const dict = await it.open(name, { defaults: { theme: 'light' }, by: 'the service' })
    const connection = await it.connection()
    await connection.query('BEGIN')
    await dict.in(connection).set('theme', 'dark')
    await connection.query('ROLLBACK')
    expect(await dict.get('theme')).toBe('light')
    await connection.query('BEGIN')
    const entries = dict.in(connection)
    await entries.update({ theme: 'dark', date: new Date(0) } as never, { reason: 'order 7' })
    expect(await entries.get('theme')).toBe('dark')
    expect(await dict.get('theme')).toBe('light')
    await connection.query('COMMIT')
    expect(await dict.get('theme')).toBe('dark')
    expect(await dict.history().toArray()).toMatchObject([{ by: 'the service', reason: 'order 7' }])
    const sql = postgresJs(it.server.url, { onnotice: () => {} })
    it.cleanup.push(() => sql.end())
    await sql.begin(async tx => {
      expect(await dict.in(tx).delete('theme')).toBe(true)
    })
    expect(await dict.get('theme')).toBe('light')
  })

  test('rejects what is not a transaction', async () => {
    const { it } = server
    const pool = it.pool()
    const dict = await it.open(it.name(), {}, pool)
    for (const other of [pool, {}]) expect(() => dict.in(other)).toThrow(TypeError)
  })
})
