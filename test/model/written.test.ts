import { describe, expect, onTestFinished, test } from 'vitest'
import {
  createTables,
  type Encoding,
  InvalidValueError,
  JSONEncoding,
  kyselyManager,
  ModelDict,
  UnsupportedError,
} from '../../src/index.js'
import { rejection, testDatabase } from './test-database.js'

const database = testDatabase()

/** A PostgreSQL trigger on a table that runs before each row is written. */
async function trigger(table: string, body: string, event = 'INSERT OR UPDATE'): Promise<void> {
  await database.it.sql(`CREATE FUNCTION ${table}_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;
    CREATE TRIGGER t BEFORE ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}_f()`)
}

const TEXT: Encoding<string> = { name: 'Text', encode: String, decode: stored => stored }

describe('memory never differs from the row', () => {
  const SPOILING: Readonly<Record<string, readonly [columns: string, body: string | undefined, value: unknown]>> = {
    'a trigger alters': ['key text PRIMARY KEY, value text', `NEW.value := upper(NEW.value); RETURN NEW;`, 'bad'],
    'a trigger skips': [
      'key text PRIMARY KEY, value text',
      `IF NEW.key = 'bad' THEN RETURN NULL; END IF; RETURN NEW;`,
      'bad',
    ],
    'a trigger gives another key': [
      'key text PRIMARY KEY, value text',
      `NEW.key := replace(NEW.key, 'bad', 'other'); RETURN NEW;`,
      'bad',
    ],
    'varchar strips the blanks from': ['key text PRIMARY KEY, value varchar(3)', undefined, 'b     '],
  }

  test.each(Object.entries(SPOILING))('a value that %s is rejected, and others are written', async (_, spoiling) => {
    const { it } = database
    const [columns, body, value] = spoiling
    const table = await it.table(columns)
    if (body) await trigger(table, body)
    const [dict, other] = [await it.open(table, { encoding: TEXT }), await it.open(table, { encoding: TEXT })]
    const [bad, good] = await Promise.allSettled([dict.set('bad', value), dict.set('ok', '12')])
    expect(good.status).toBe('fulfilled')
    expect((bad as PromiseRejectedResult).reason).toBeInstanceOf(InvalidValueError)
    const rows = await it.sql<{ key: string; value: string }>(`SELECT key, value FROM ${table}`)
    const stored = Object.fromEntries(rows.map(row => [row.key, row.value]))
    expect(stored).toEqual({ ok: '12' })
    for (const one of [dict, other]) expect(Object.fromEntries(await one.entries())).toEqual(stored)
  })

  test('a row that a trigger keeps does not count as removed', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table)
    await dict.update({ a: 1, b: 2 })
    await trigger(table, 'RETURN NULL;', 'DELETE')
    for (const error of await Promise.all([dict.delete('a'), dict.pop('a'), dict.clear()].map(rejection))) {
      expect(error).toBeInstanceOf(InvalidValueError)
    }
    expect(Object.fromEntries(dict.local)).toEqual({ a: 1, b: 2 })
  })

  test('JSON that the database rewrites is the same for its author and for others', async () => {
    const { it } = database
    const table = await it.table('key text PRIMARY KEY, value jsonb NOT NULL')
    const [dict, other] = [await it.open(table), await it.open(table)]
    const value = { b: 1.0, a: [1e21, 'é'], c: { z: null, y: {} } }
    await dict.set('a', value)
    expect(JSON.stringify(await dict.get('a'))).toBe(JSON.stringify(await other.get('a')))
    const reasons: string[] = []
    const fresh = await it.open(table, { resyncEvery: 20 })
    fresh.on('sync', ({ reason }) => reasons.push(reason))
    await fresh.sync()
    expect(reasons).not.toContain('diverged')
  })
})

test("a trigger's message about a value is reported without the value", async () => {
  const { it } = database
  const table = await it.table()
  await trigger(table, `RAISE 'not %, please', NEW.value;`)
  const error = await rejection((await it.open(table)).set('a', 'a secret text'))
  expect(error).toBeInstanceOf(InvalidValueError)
  expect(error.message).toMatch(/not .*, please/)
  expect(error.message).not.toContain('secret')
})

describe('touch() of rows that a transaction of the application has changed', () => {
  const CHANGES = {
    inserted: `INSERT INTO $ VALUES ('new', '2')`,
    updated: `UPDATE $ SET value = '2' WHERE key = 'a'`,
    deleted: `DELETE FROM $ WHERE key = 'a'`,
  }

  test.each(Object.entries(CHANGES))('is rejected inside it, and sees rows %s after it', async (_, sql) => {
    const { it } = database
    const table = await it.table()
    const [dict, other] = [await it.open(table, { timeout: 1_200 }), await it.open(table)]
    await dict.set('a', 1)
    const application = await it.connection()
    await application.query(`BEGIN; ${sql.replace('$', table)}`)
    for (const keys of [['a', 'new'], []]) {
      const error = await rejection(dict.touch(...keys))
      expect(error).toBeInstanceOf(UnsupportedError)
      expect(error.message).toMatch(/after the transaction is committed/)
    }
    await application.query('COMMIT')
    await dict.touch('a', 'new')
    const rows = await it.rows(table)
    for (const one of [dict, other]) expect(Object.fromEntries(await one.entries())).toEqual(rows)
  })
})

test.each([
  ['client_encoding', 'LATIN1', /client_encoding is LATIN1.*UTF8/],
  ['standard_conforming_strings', 'off', /standard_conforming_strings is off/],
])('a connection whose %s is %s is rejected at open', async (name, value, says) => {
  const { it } = database
  const table = await it.table()
  const url = `${it.server.url}?options=-c%20${name}%3D${value}`
  const pool = it.application({ url, max: 1 })
  await pool.pool.query(`SET ${name} = ${value}`)
  const error = await rejection(ModelDict.open(kyselyManager(pool.db, table)))
  expect(error).toBeInstanceOf(UnsupportedError)
  expect(error.message).toMatch(says)
})

describe('instances', () => {
  const COLUMNS = `key text PRIMARY KEY, value text, note text, role text NOT NULL DEFAULT 'user'`

  async function opened(options: object = {}) {
    const table = await database.it.table(COLUMNS)
    const dict = await ModelDict.open(kyselyManager(database.it.application().db, table), {
      returnInstances: true,
      encoding: JSONEncoding,
      ...options,
    })
    onTestFinished(() => dict.close())
    return dict
  }

  test('with a column that the table does not have are rejected, and writes beside them succeed', async () => {
    const dict = await opened()
    const bad = dict.set('bad', { key: 'bad', value: '1', nothing: 1 })
    const [error] = await Promise.all([rejection(bad), dict.set('good', 1)])
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(error.message).toMatch(/"nothing".*is not in the table/)
    expect(await dict.keys()).toEqual(['good'])
  })

  test('set only the columns of the option', async () => {
    const dict = await opened({ columns: ['value', 'note'] })
    const form = { key: 'a', value: '1', note: 'mine', role: 'admin' }
    const error = await rejection(dict.set('a', form))
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(error.message).toMatch(/"role".*"columns"/)
    expect(error.message).not.toContain('admin')
    await dict.set('a', { key: 'a', value: '1', note: 'mine' })
    await dict.set('b', 'encoded')
    const read = (await dict.getOrThrow('a')) as Record<string, unknown>
    expect(read).toMatchObject({ note: 'mine', role: 'user' })
    await dict.set('a', read)
    await expect(dict.set('a', { ...read, role: 'admin' })).rejects.toThrow(InvalidValueError)
    expect(await dict.get('a')).toEqual(read)
  })

  test('need the option to be a list of names, and to be returned', async () => {
    for (const options of [{ columns: 'value' }, { columns: [''] }, { columns: ['value'], returnInstances: false }]) {
      await expect(opened(options)).rejects.toThrow(TypeError)
    }
  })
})

describe('rights', () => {
  /** A role with these grants, and what it can open. */
  async function role(name: string, grants: (table: string) => string) {
    const { it } = database
    const table = await it.table()
    await it.sql(`CREATE ROLE ${name} LOGIN; ${grants(table)}`)
    const url = it.server.url.replace('postgres@', `${name}@`)
    return { table, url, writer: await it.open(table) }
  }

  test('to read are enough with readOnly', async () => {
    const { table, url, writer } = await role(
      'reads',
      name =>
        `GRANT SELECT ON ${name}, durabledict_model_versions, durabledict_model_changes, durabledict_model_commits TO reads`,
    )
    const reader = await database.it.open(table, { readOnly: true }, { url })
    expect(await reader.get('a')).toBeUndefined()
    await writer.set('a', 1)
    expect(await reader.get('a')).toBe(1)
    await writer.touch()
    expect(await reader.get('a')).toBe(1)
    for (const error of await Promise.all([reader.set('a', 2), reader.touch('a')].map(rejection))) {
      expect(error).toBeInstanceOf(UnsupportedError)
    }
  })

  test('of the documented statements are enough to write', async () => {
    const { table, url, writer } = await role(
      'writes',
      name => `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}, durabledict_model_changes, durabledict_model_commits TO writes;
        GRANT SELECT, INSERT, UPDATE ON durabledict_model_versions TO writes`,
    )
    const dict = await database.it.open(table, { name: 'own', maxStaleness: 50 }, { url })
    for (let n = 0; n < 65; n += 1) await dict.set('a', n)
    await dict.set('b', 1, { everywhere: true })
    await dict.touch('a')
    await dict.clear()
    expect(await writer.size()).toBe(0)
  })
})

test('version tables dropped while it runs are named in the error, with the remedy', async () => {
  const { it } = database
  await it.sql('CREATE SCHEMA dropped; CREATE TABLE dropped.settings (key text PRIMARY KEY, value text)')
  const manager = it.manager('settings', { url: `${it.server.url}?options=-c%20search_path%3Ddropped` })
  await createTables(manager)
  const dict = await it.openOn(manager)
  for (const name of ['durabledict_model_changes', 'durabledict_model_versions']) {
    await it.sql(`DROP TABLE dropped.${name}`)
    expect((await rejection(dict.set('a', 1))).message).toMatch(/createTables\(manager\)/)
  }
  for (const error of await Promise.all([dict.get('a'), dict.touch('a'), dict.sync()].map(rejection))) {
    expect(error.message).toMatch(/createTables\(manager\)/)
  }
})
