import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import knex from 'knex'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { drizzleManager, knexManager, kyselyManager, ModelDict } from '../../src/index.js'
import { type Reach, testDatabase, until } from './test-database.js'

const database = testDatabase()

/** What a pool sends, without its parameters. */
function statementsOf(pool: pg.Pool): string[] {
  const sent: string[] = []
  pool.on('connect', client => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    client.query = ((first: string | { readonly text: string }, ...rest: unknown[]) => {
      sent.push(typeof first === 'string' ? first : first.text)
      return query(first, ...rest)
    }) as never
  })
  return sent
}

/** A dictionary that has just committed, so that its next commit may be one statement. */
async function openWriter(columns?: string, reach?: Reach) {
  const { it } = database
  const table = await it.table(columns)
  const { pool, db } = it.application(reach)
  const sent = statementsOf(pool)
  const dict = await ModelDict.open(kyselyManager(db, table), { autosync: false })
  it.cleanup.push(() => dict.close())
  await dict.set('a', 1)
  sent.length = 0
  return { table, dict, sent }
}

/** Whether a transaction was run. */
const isTransaction = (sent: readonly string[]) => sent.includes('begin')

describe('a write of one key', () => {
  test('is one statement if this process made the latest commit', async () => {
    const { dict, sent, table } = await openWriter()
    await dict.set('a', 2, { by: 'ada', reason: 'why' })
    await dict.set('new', 3)
    expect(sent.map(one => one.slice(0, 12))).toEqual(['WITH written', 'WITH written'])
    expect(await database.it.rows(table)).toEqual({ a: 2, new: 3 })
    const commits = await dict.history().toArray()
    expect(commits.map(({ by, reason, changes }) => [by, reason, changes[0]?.before, changes[0]?.after])).toEqual([
      [undefined, undefined, undefined, 3],
      ['ada', 'why', 1, 2],
      [undefined, undefined, undefined, 1],
    ])
    expect(Math.abs(Date.now() - (commits[0]?.at.getTime() ?? 0))).toBeLessThan(60_000)
  })

  test.each([
    [
      'Knex',
      (url: string, table: string) => {
        const db = knex({ client: 'pg', connection: url })
        return { model: knexManager(db, table), end: () => db.destroy() }
      },
    ],
    [
      'Drizzle',
      (url: string, table: string) => {
        const pool = new pg.Pool({ connectionString: url })
        pool.on('error', () => {})
        const settings = pgTable(table, { key: text().primaryKey(), value: text().notNull() })
        return { model: drizzleManager(drizzle(pool), settings), end: () => pool.end() }
      },
    ],
  ])('is one statement with %s as well', async (_name, open) => {
    const { it } = database
    const table = await it.table()
    const { model, end } = open(it.server.url, table)
    it.cleanup.push(end)
    const dict = await ModelDict.open(model, { autosync: false })
    it.cleanup.push(() => dict.close())
    await dict.set('a', 1)
    const query = vi.spyOn(pg.Client.prototype, 'query')
    await dict.set('a', 2)
    await dict.set('new', 3)
    const sent = query.mock.calls.map(([first]) => String((first as { text?: string }).text ?? first))
    query.mockRestore()
    expect(sent.map(one => one.slice(0, 12))).toEqual(['WITH written', 'WITH written'])
    expect(await it.rows(table)).toEqual({ a: 2, new: 3 })
    expect((await dict.history().toArray()).map(({ changes }) => changes[0]?.before)).toEqual([undefined, 1, undefined])
  })

  test('is a transaction after another process has written, and a statement again later', async () => {
    const { dict, sent, table } = await openWriter()
    const other = await database.it.open(table)
    await other.set('a', 10)
    await dict.set('b', 1)
    expect(isTransaction(sent)).toBe(true)
    for (let n = 0; n < 10; n += 1) await dict.set('b', n)
    sent.length = 0
    await dict.set('a', 11)
    expect(isTransaction(sent)).toBe(false)
    expect((await other.history({ key: 'a', limit: 1 }).toArray())[0]?.changes[0]).toMatchObject({
      before: 10,
      after: 11,
    })
    expect(await other.get('a')).toBe(11)
  })

  test('records what the row held, even if an external writer has changed it', async () => {
    const { dict, table } = await openWriter()
    await database.it.sql(`UPDATE ${table} SET value = '5' WHERE key = 'a'`)
    await dict.set('a', 6)
    const [commit] = await dict.history({ limit: 1 }).toArray()
    expect(commit?.changes[0]).toMatchObject({ before: 5, after: 6 })
  })

  test('takes effect if an external writer has removed or inserted its row', async () => {
    const { dict, table } = await openWriter()
    await database.it.sql(`DELETE FROM ${table}`)
    await database.it.sql(`INSERT INTO ${table} VALUES ('b', '1')`)
    await dict.set('a', 2)
    await dict.set('b', 3)
    expect(await database.it.rows(table)).toEqual({ a: 2, b: 3 })
  })

  test('excludes writers that hold the lock of the dictionary', async () => {
    const { dict, table } = await openWriter()
    const other = await database.it.connection()
    await other.query('BEGIN')
    await other.query('SELECT 1 FROM durabledict_model_versions WHERE dict LIKE $1 FOR UPDATE', [`%${table}%`])
    const write = dict.set('a', 2)
    const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%written%'`
    await until(async () => (await database.it.sql(waits)).length > 0, 'it waits for the lock')
    await other.query('COMMIT')
    await write
    expect(await database.it.rows(table)).toEqual({ a: 2 })
  })

  test('is rolled back if a trigger alters the row after it was written', async () => {
    const { dict, table } = await openWriter()
    await database.it.sql(`CREATE FUNCTION ${table}_alter() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.value = '2' THEN UPDATE ${table} SET value = '"altered"' WHERE key = NEW.key; END IF; RETURN NULL; END $$`)
    await database.it.sql(
      `CREATE TRIGGER alter AFTER UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}_alter()`,
    )
    await expect(dict.set('a', 2)).rejects.toMatchObject({ code: 'DURABLEDICT_INVALID_VALUE' })
    expect(await database.it.rows(table)).toEqual({ a: 1 })
    expect(dict.local.get('a')).toBe(1)
  })

  test('rejects if the database refuses it, and leaves the next one alone', async () => {
    const { dict, table } = await openWriter(`key text PRIMARY KEY, value text NOT NULL CHECK (value <> '2')`)
    await expect(dict.set('a', 2)).rejects.toMatchObject({ code: 'DURABLEDICT_INVALID_VALUE', key: 'a' })
    await dict.set('a', 3)
    expect(await database.it.rows(table)).toEqual({ a: 3 })
  })

  test('keeps a policy that another process has recorded since', async () => {
    const { dict, table } = await openWriter()
    await database.it.open(table, { history: false })
    await dict.set('a', 2)
    const sql = 'SELECT changes FROM durabledict_model_commits WHERE dict LIKE $1'
    expect(await database.it.sql(sql, [`%${table}%`])).toEqual([])
  })

  test('of many processes at once is never lost', async () => {
    const { it } = database
    const { dict, table } = await openWriter()
    const others = await Promise.all(Array.from({ length: 3 }, () => it.open(table, { autosync: false })))
    const writers = [dict, ...others]
    await Promise.all(
      writers.map(async (writer, index) => {
        for (let n = 0; n < 15; n += 1) await writer.set(`k${index}`, n)
      }),
    )
    expect(await it.changes(table)).toBe(61)
    for (const writer of writers) await writer.sync()
    expect(writers.map(writer => Object.fromEntries(writer.local))).toEqual(
      Array(4).fill({ a: 1, k0: 14, k1: 14, k2: 14, k3: 14 }),
    )
    const history = await dict.history({ limit: 100 }).toArray()
    expect(history.map(({ id }) => Number(id.split('-')[0]))).toEqual(Array.from({ length: 61 }, (_, n) => 61 - n))
  })
})

describe('prepared statements', () => {
  for (const [what, sql] of [
    ['were dropped behind its back', 'DEALLOCATE ALL'],
    ['are of an altered table', 'ALTER TABLE durabledict_model_versions ALTER COLUMN nonce TYPE text'],
  ] as const) {
    test(`are replaced if they ${what}`, async () => {
      const { it } = database
      const table = await it.table()
      const { db, pool } = it.application({ max: 1 })
      const dict = await ModelDict.open(kyselyManager(db, table))
      it.cleanup.push(() => dict.close())
      for (let n = 0; n < 3; n += 1) await dict.set('a', n)
      const prepared = await pool.query(`SELECT name FROM pg_prepared_statements WHERE name LIKE 'durabledict_%'`)
      expect(prepared.rows.length).toBeGreaterThan(1)
      await pool.query(sql)
      await dict.set('a', 'after')
      expect(await dict.get('a')).toBe('after')
      expect(await it.changes(table)).toBe(4)
    })
  }
})
