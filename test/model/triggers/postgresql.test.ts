import { execFileSync } from 'node:child_process'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import {
  createTables,
  dropVersionTriggers,
  kyselyManager,
  StoreUnavailableError,
  UnsupportedError,
  versionTriggers,
} from '../../../src/index.js'
import { rejection, testDatabase, until } from '../test-database.js'

const database = testDatabase()

type Dict = Awaited<ReturnType<typeof database.it.open>>

/** What the history has, oldest first. */
async function historyOf(dict: Dict) {
  const commits = await dict.history().toArray()
  return commits.reverse().map(({ by, reason, via, changes }) => ({
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    via,
    changes: changes.map(({ key, before, after }) => [key, before, after]),
  }))
}

/** A table with triggers, and a dictionary in it. */
async function triggered(columns?: string, options: Parameters<typeof database.it.open>[1] = {}) {
  const { it } = database
  const table = await it.table(columns)
  const manager = it.manager(table)
  const { returnInstances } = options
  await createTables(manager, { triggers: true, returnInstances })
  return { table, manager, dict: await it.openOn(manager, { triggers: true, ...options }) }
}

const JSONB = 'key text PRIMARY KEY, value jsonb'

describe('a change by SQL', () => {
  test('is one change for each transaction, with the values before it and at its end', async () => {
    const { it } = database
    const { table, dict } = await triggered(JSONB)
    await it.sql(`INSERT INTO ${table} VALUES ('a', '{"b": 1, "a": [2]}'), ('b', '"x"')`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: { a: [2], b: 1 }, b: 'x' })
    const seen: unknown[] = []
    dict.on('change', ({ key, value, by }) => seen.push([key, value, by]))
    await it.sql(`BEGIN; SET LOCAL durabledict.by = 'ada'; SET LOCAL durabledict.reason = 'why not';
      UPDATE ${table} SET value = '2' WHERE key = 'a'; UPDATE ${table} SET value = '3' WHERE key = 'a';
      UPDATE ${table} SET key = 'c' WHERE key = 'b'; INSERT INTO ${table} VALUES ('d', '4'); DELETE FROM ${table} WHERE key = 'd';
      UPDATE ${table} SET value = value; COMMIT`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: 3, c: 'x' })
    expect(seen).toEqual([
      ['a', 3, 'ada'],
      ['b', undefined, 'ada'],
      ['c', 'x', 'ada'],
    ])
    await dict.set('a', 5, { by: 'bob' })
    await it.sql(`TRUNCATE ${table}`)
    expect(await dict.size()).toBe(0)
    expect(await historyOf(dict)).toEqual([
      {
        by: 'postgres',
        via: 'sql',
        changes: [
          ['a', undefined, { a: [2], b: 1 }],
          ['b', undefined, 'x'],
        ],
      },
      {
        by: 'ada',
        reason: 'why not',
        via: 'sql',
        changes: [
          ['a', { a: [2], b: 1 }, 3],
          ['b', 'x', undefined],
          ['c', undefined, 'x'],
        ],
      },
      { by: 'bob', via: 'library', changes: [['a', 3, 5]] },
      {
        by: 'postgres',
        via: 'sql',
        changes: [
          ['a', 5, undefined],
          ['c', 'x', undefined],
        ],
      },
    ])
    const [, , third] = await dict.history().toArray()
    await dict.revert(third?.id as string, { force: true })
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: { a: [2], b: 1 }, b: 'x' })
  })

  test('that swaps or shifts keys in one statement is followed', async () => {
    const { it } = database
    const { table, dict } = await triggered('key text PRIMARY KEY DEFERRABLE, value jsonb')
    await it.sql(`INSERT INTO ${table} VALUES ('a', '1'), ('b', '2'), ('c', '3')`)
    await it.sql(`UPDATE ${table} SET key = CASE key WHEN 'a' THEN 'b' ELSE 'a' END WHERE key <> 'c'`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: 2, b: 1, c: 3 })
    await it.sql(`UPDATE ${table} SET key = chr(ascii(key) + 1)`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ b: 2, c: 1, d: 3 })
    await it.sql(`UPDATE ${table} SET key = chr(ascii(key) - 1)`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: 2, b: 1, c: 3 })
    const [back, shift, swap] = (await historyOf(dict)).reverse()
    expect(swap?.changes).toEqual([
      ['a', 1, 2],
      ['b', 2, 1],
    ])
    expect(shift?.changes).toEqual([
      ['a', 2, undefined],
      ['b', 1, 2],
      ['c', 3, 1],
      ['d', undefined, 3],
    ])
    expect(back?.changes).toEqual([
      ['a', undefined, 2],
      ['b', 2, 1],
      ['c', 1, 3],
      ['d', 3, undefined],
    ])
  })

  test('leaves nothing if it, or a part of it, is rolled back', async () => {
    const { it } = database
    const { table, dict } = await triggered()
    const { version } = dict
    await it.sql(`BEGIN; INSERT INTO ${table} VALUES ('a', '1'); ROLLBACK`)
    await dict.sync()
    expect(dict.version).toBe(version)
    await it.sql(`BEGIN; SAVEPOINT one; INSERT INTO ${table} VALUES ('a', '1'); ROLLBACK TO one;
      INSERT INTO ${table} VALUES ('b', '1'); SAVEPOINT two; UPDATE ${table} SET value = '2'; ROLLBACK TO two; COMMIT`)
    expect(await historyOf(dict)).toEqual([{ by: 'postgres', via: 'sql', changes: [['b', undefined, 1]] }])
  })

  test('is followed from psql with COPY, an upsert, a cascade, and constraints set to immediate', async () => {
    const { it } = database
    const { table, dict } = await triggered('key text PRIMARY KEY, value text, owner int')
    await it.sql(`CREATE TABLE ${table}_owners (id int PRIMARY KEY); INSERT INTO ${table}_owners VALUES (1);
      ALTER TABLE ${table} ADD FOREIGN KEY (owner) REFERENCES ${table}_owners ON DELETE CASCADE`)
    const psql = (input: string) => execFileSync('psql', [it.server.url, '-q', '-v', 'ON_ERROR_STOP=1'], { input })
    psql(`COPY ${table} FROM STDIN;\na\t1\t1\nb\t"two"\t\\N\n\\.\n`)
    psql(`INSERT INTO ${table} VALUES ('b', '3'), ('c', '4') ON CONFLICT (key) DO UPDATE SET value = excluded.value;`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: 1, b: 3, c: 4 })
    psql(`DELETE FROM ${table}_owners;`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ b: 3, c: 4 })
    psql(
      `BEGIN; SET CONSTRAINTS ALL IMMEDIATE; UPDATE ${table} SET value = '5'; UPDATE ${table} SET value = '6' WHERE key = 'b'; COMMIT;`,
    )
    expect(Object.fromEntries(await dict.entries())).toEqual({ b: 6, c: 5 })
    expect((await historyOf(dict)).map(({ changes }) => changes.length)).toEqual([2, 2, 1, 1, 1, 1])
  })

  test('does not block writes of other keys while its transaction is open', async () => {
    const { it } = database
    const { table, dict } = await triggered(undefined, { timeout: 3_000 })
    await dict.update({ a: 1, b: 1 })
    const person = await it.connection()
    await person.query(
      `BEGIN; UPDATE ${table} SET value = '2' WHERE key = 'a'; INSERT INTO ${table} VALUES ('new', '2')`,
    )
    await dict.set('b', 2)
    const other = await it.open(table, { timeout: 3_000 })
    const blocked = [rejection(dict.set('a', 3)), rejection(dict.set('new', 3))]
    await other.set('b', 3)
    const errors = await Promise.all(blocked)
    for (const error of errors) expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(errors[0]?.message).toMatch(/locked by a transaction that has not ended/)
    const waiting = dict.set('a', 4)
    await person.query('COMMIT')
    await waiting
    expect(Object.fromEntries(await other.entries())).toEqual({ a: 4, b: 3, new: 2 })
    expect((await historyOf(other)).slice(-2)).toEqual([
      {
        by: 'postgres',
        via: 'sql',
        changes: [
          ['a', 1, 2],
          ['new', undefined, 2],
        ],
      },
      { via: 'library', changes: [['a', 2, 4]] },
    ])
  })

  test('in a serializable transaction is followed, or fails and can be repeated', async () => {
    const { it } = database
    const { table, dict } = await triggered()
    await dict.set('b', 1)
    const person = await it.connection()
    for (const level of ['REPEATABLE READ', 'SERIALIZABLE']) {
      const edit = async (meanwhile: () => Promise<unknown>) => {
        await person.query(`BEGIN ISOLATION LEVEL ${level}; UPDATE ${table} SET value = '"${level}"' WHERE key = 'b'`)
        await meanwhile()
        await person.query('COMMIT')
      }
      expect(await rejection(edit(() => dict.set('other', level)))).toMatchObject({ code: '40001' })
      await edit(async () => {})
      expect(await dict.get('b')).toBe(level)
    }
  })

  test('of very many rows makes processes load everything, with one change', async () => {
    const { it } = database
    const { table, dict } = await triggered()
    const insert = (count: number) =>
      it.sql(`INSERT INTO ${table} SELECT 'key ' || n, n::text FROM generate_series(1, ${count}) n`)
    await insert(2_000)
    expect([await dict.size(), (await historyOf(dict))[0]?.changes.length]).toEqual([2_000, 2_000])
    await it.sql(`DELETE FROM ${table}`)
    await insert(11_000)
    expect(await dict.size()).toBe(11_000)
    expect(await it.changes(table)).toBe(3)
    await it.sql(`TRUNCATE ${table}`)
    expect(await dict.size()).toBe(0)
    await it.sql(`INSERT INTO ${table} VALUES ('large', to_json(repeat('x', 9 * 1024 * 1024)))`)
    expect((await dict.get('large')) as string).toHaveLength(9 * 1024 * 1024)
    await dict.set('a', 1)
    expect(await historyOf(dict)).toEqual([{ via: 'library', changes: [['a', undefined, 1]] }])
  })

  test('by a user without rights on the version tables is recorded with the name of the user', async () => {
    const { it } = database
    const { table, dict } = await triggered()
    await it.sql(`CREATE ROLE editor LOGIN; GRANT SELECT, INSERT, UPDATE ON ${table} TO editor`)
    const { pool } = it.application({ url: it.server.url.replace('postgres@', 'editor@') })
    // What comes first in the search path of a user must not matter.
    await pool.query(`CREATE TEMP TABLE durabledict_model_versions (dict text); SET search_path = pg_temp`)
    await pool.query(`INSERT INTO public.${table} VALUES ('a', '1')`)
    expect(await historyOf(dict)).toEqual([{ by: 'editor', via: 'sql', changes: [['a', undefined, 1]] }])
  })

  test('of unusual keys and values spoils no other key', async () => {
    const { it } = database
    const { table, dict } = await triggered()
    const odd = ['"', '\\', '\\u0041', "it's", '\u0001' + '0000\\', 'é\u{1F600}', '\n\t\u007f']
    await it.sql(`INSERT INTO ${table} SELECT k, to_json(k) FROM unnest($1::text[]) k`, [odd])
    await it.sql(
      `INSERT INTO ${table} VALUES ('', '1'), (repeat('x', 513), '1'), (chr(1) || 'zzzz', '1'), ('broken', '{')`,
    )
    const keys = odd.map(key => key.replace('\u00010000', '\0'))
    expect((await dict.keys()).sort()).toEqual([...keys, 'broken'].sort())
    expect(await dict.get("it's")).toBe("it's")
    expect(await rejection(dict.get('broken'))).toMatchObject({ code: 'DURABLEDICT_DECODING' })
    const other = await it.open(table)
    expect((await other.keys()).sort()).toEqual((await dict.keys()).sort())
    expect((await dict.history({ key: '\0\\' }).toArray()).length).toBe(1)
  })

  test('of one that has another name for its columns, holds bytes, or whole rows, is followed', async () => {
    const { it } = database
    const table = await it.table('"Key" text PRIMARY KEY, "it\'s" bytea, note text')
    const manager = it.manager(table)
    const columns = { keyCol: 'Key', valueCol: "it's" }
    await createTables(manager, { triggers: true, ...columns })
    const bytes = await it.openOn(manager, { triggers: true, ...columns })
    await it.sql(`INSERT INTO ${table} VALUES ('a', '{"a":1}'), ('b', NULL)`)
    expect(await bytes.get('a')).toEqual({ a: 1 })
    expect(await rejection(bytes.get('b'))).toMatchObject({ code: 'DURABLEDICT_DECODING' })
    const [commit] = await bytes.history({ key: 'a' }).toArray()
    expect(commit?.changes[0]?.after).toEqual({ a: 1 })

    const rows = { ...columns, returnInstances: true, name: 'rows' } as const
    await createTables(manager, { triggers: true, ...rows })
    const instances = await it.openOn(manager, { triggers: true, ...rows } as never)
    await it.sql(`UPDATE ${table} SET note = 'by hand' WHERE "Key" = 'a'`)
    expect(((await instances.get('a')) as { note: string }).note).toBe('by hand')
    expect(await bytes.history().toArray()).toHaveLength(1)
  })

  test('reaches live memory', async () => {
    const { it } = database
    const { table } = await triggered()
    const live = await it.open(table, {
      live: true,
      autosync: false,
      pollEvery: 60_000,
      listen: async () => {
        const client = new pg.Client({ connectionString: it.server.url })
        await client.connect()
        return client
      },
    })
    await it.sql(`INSERT INTO ${table} VALUES ('a', '1')`)
    await until(() => live.local.get('a') === 1, 'the change arrives')
  })
})

describe('open()', () => {
  const warned = async (work: () => Promise<unknown>) => {
    const messages: string[] = []
    const listener = ({ code, message }: Error & { code?: string }) => {
      if (code === 'DURABLEDICT_TRIGGERS') messages.push(message)
    }
    process.on('warning', listener)
    await work()
    await new Promise(setImmediate)
    process.off('warning', listener)
    return messages
  }

  test('says what to run if triggers are wanted and missing, and after they were disabled or dropped', async () => {
    const { it } = database
    const without = await it.table()
    const error = await rejection(it.open(without, { triggers: true }))
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error.message).toMatch(
      /has none.*createTables\(model, \{ triggers: true \}\).*versionTriggers\(dialect, …\)/,
    )
    expect(await warned(() => it.open(without))).toEqual([])

    const { table, manager } = await triggered()
    expect(await warned(() => it.openOn(manager))).toEqual([])
    await it.sql(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
    expect(await warned(() => it.openOn(manager))).toEqual([expect.stringMatching(/but they are disabled/)])
    await it.sql(`DROP TABLE ${table}; CREATE TABLE ${table} (key text PRIMARY KEY, value text)`)
    expect(await warned(() => it.openOn(manager))).toEqual([expect.stringMatching(/lacks those that it had/)])
    expect(await warned(() => it.openOn(manager, { triggers: false }))).toEqual([])
    expect(await rejection(it.openOn(manager, { triggers: true }))).toBeInstanceOf(UnsupportedError)
    await Promise.all([createTables(manager, { triggers: true }), createTables(manager, { triggers: true })])
    const dict = await it.openOn(manager, { triggers: true })

    await it.sql(
      `ALTER TRIGGER ${await triggerOf(table)} ON ${table} RENAME TO ${(await triggerOf(table)).replace('edits_1', 'edits_0')}`,
    )
    expect(await warned(() => it.openOn(manager))).toEqual([expect.stringMatching(/has those of another release/)])
    await createTables(manager, { triggers: true })
    await it.sql(`INSERT INTO ${table} VALUES ('a', '1')`)
    expect((await historyOf(dict)).map(({ changes }) => changes)).toEqual([[['a', undefined, 1]]])
  })

  const triggerOf = async (table: string) => {
    const [row] = await database.it.sql<{ name: string }>(
      `SELECT tgname AS name FROM pg_trigger WHERE tgrelid = '${table}'::regclass AND NOT tgisinternal ORDER BY 1`,
    )
    return row?.name as string
  }

  test('finds the triggers of a migration, until its opposite removes them', async () => {
    const { it } = database
    const table = await it.table(JSONB)
    const options = { table, kind: 'json' } as const
    for (const statement of [...versionTriggers('postgresql', options), ...versionTriggers('postgresql', options)])
      await it.sql(statement)
    const manager = kyselyManager(it.application().db, table)
    const dict = await it.openOn(manager, { triggers: true })
    await it.sql(`INSERT INTO ${table} VALUES ('a', 'null')`)
    expect(Object.fromEntries(await dict.entries())).toEqual({ a: null })
    for (const statement of dropVersionTriggers('postgresql', options)) await it.sql(statement)
    expect(await warned(() => it.openOn(manager))).toEqual([])
    expect(await rejection(it.openOn(manager, { triggers: true }))).toBeInstanceOf(UnsupportedError)
  })
})
