import { describe, expect, test } from 'vitest'
import { testDatabase, until } from './test-database.js'

const database = testDatabase()

type Opened = Awaited<ReturnType<typeof database.it.open>>

/** How memory reaches each state from now on. */
function reasons(dict: Opened): string[] {
  const seen: string[] = []
  dict.on('sync', ({ reason }) => seen.push(reason))
  return seen
}

/** The version's row and its changes, by SQL. */
const HEAD = `durabledict_model_versions WHERE dict LIKE '%' || $1 || '%'`
const LOG = `durabledict_model_changes WHERE dict LIKE '%' || $1 || '%'`

/** Commits of others, chained to the present one: each sets a new key. Making so many one by one would take a while. */
async function commits(table: string, count: number): Promise<void> {
  const { it } = database
  await it.sql(
    `WITH head AS (SELECT * FROM ${HEAD}), made AS (
       INSERT INTO durabledict_model_changes (dict, number, nonce, previous, batch, effects, bytes)
       SELECT dict, number + n, md5((number + n)::text), CASE n WHEN 1 THEN nonce ELSE md5((number + n - 1)::text) END,
         'batch ' || n, json_build_array(json_build_array('set', 'key ' || n, n::text))::text, bytes + n
       FROM head, generate_series(1, ${count}) n)
     UPDATE durabledict_model_versions v SET number = v.number + ${count}, nonce = md5((v.number + ${count})::text),
       bytes = v.bytes + ${count} FROM head WHERE v.dict = head.dict`,
    [table],
  )
  await it.sql(
    `INSERT INTO ${table} SELECT 'key ' || n, n::text FROM generate_series(1, ${count}) n ON CONFLICT DO NOTHING`,
  )
}

async function count(table: string): Promise<number> {
  return database.it.changes(table)
}

describe('the log', () => {
  test('is trimmed: a replica behind its start loads everything, and the others follow it', async () => {
    const { it } = database
    const table = await it.table()
    const [far, near, dict] = await Promise.all([1, 2, 3].map(() => it.open(table, { autosync: false })))
    if (!far || !near || !dict) return expect.fail()
    await commits(table, 300)
    await near.sync()
    await commits(table, 9_890)
    await dict.sync()
    const [before, after] = [reasons(far), reasons(near)]
    for (let n = 0; n < 64; n += 1) await dict.set('n', n)
    expect(await count(table)).toBeGreaterThanOrEqual(10_000)
    expect(await count(table)).toBeLessThan(10_064)
    await Promise.all([far.sync(), near.sync()])
    expect([before, after]).toEqual([['loaded'], ['changes']])
    const rows = await it.rows(table)
    for (const one of [far, near, dict]) expect(Object.fromEntries(one.local)).toEqual(rows)
  })

  test('is trimmed by size, too, and a change larger than the log makes other replicas load everything', async () => {
    const { it } = database
    const table = await it.table()
    const [dict, other] = await Promise.all([it.open(table), it.open(table)])
    const seen = reasons(other)
    const large = 'x'.repeat(9 * 1024 * 1024)
    await dict.set('large', large)
    expect(await other.get('large')).toBe(large)
    expect(seen).toEqual(['loaded'])
    await dict.set('small', 1)
    await other.sync()
    expect(seen).toEqual(['loaded', 'changes'])
    for (let n = 0; n < 64; n += 1) await dict.set('some', 'y'.repeat(300_000) + n)
    const [{ bytes } = { bytes: 0 }] = await it.sql<{ bytes: string }>(
      `SELECT sum(length(effects)) AS bytes FROM ${LOG}`,
      [table],
    )
    expect(Number(bytes)).toBeLessThan(8 * 1024 * 1024 + 64 * 310_000)
    expect(await count(table)).toBeLessThan(66)
    expect(await other.get('some')).toBe(await dict.get('some'))
  })

  test('is emptied: a replica that is behind loads everything, and the log starts again', async () => {
    const { it } = database
    const table = await it.table()
    const [dict, other] = await Promise.all([it.open(table), it.open(table, { autosync: false })])
    await dict.update({ a: 1 })
    await other.sync()
    const seen = reasons(other)
    await dict.set('a', 2)
    await it.sql(`DELETE FROM ${LOG}`, [table])
    await other.sync()
    await dict.set('a', 3)
    await other.sync()
    expect(seen).toEqual(['loaded', 'changes'])
    expect(other.local.get('a')).toBe(3)
  })

  test('has lost an entry in the middle, or contains a malformed one', async () => {
    const { it } = database
    const table = await it.table()
    const [dict, other] = await Promise.all([it.open(table), it.open(table, { autosync: false })])
    for (const damage of [
      `DELETE FROM ${LOG} AND number = 2`,
      `UPDATE durabledict_model_changes SET previous = 'cafe' ${LOG.slice(LOG.indexOf('WHERE'))} AND number = 5`,
    ]) {
      const seen = reasons(other)
      for (const n of [1, 2, 3]) await dict.set('a', n)
      await it.sql(damage, [table])
      await other.sync()
      expect(seen).toEqual(['loaded'])
      expect(other.local.get('a')).toBe(3)
    }
  })
})

describe('the history', () => {
  test('is removed by hand: it is created again, followed as another history, and written to', async () => {
    const { it } = database
    const table = await it.table()
    const [dict, other] = await Promise.all([it.open(table), it.open(table)])
    for (const n of [1, 2, 3]) await dict.set('a', n)
    await other.sync()
    const seen = reasons(other)
    await it.sql(`DELETE FROM ${HEAD}`, [table])
    expect(await other.get('a')).toBe(3)
    expect(seen).toEqual(['diverged'])
    // The numbers of the changes that the log still has.
    for (const n of [4, 5]) {
      await dict.set('a', n)
      expect(await other.get('a')).toBe(n)
    }
    expect(seen).toEqual(['diverged', 'changes', 'changes'])
    // Once more, by a writer, before anyone has checked.
    await it.sql(`DELETE FROM ${HEAD}`, [table])
    expect(await dict.pop('a')).toBe(5)
    expect(await other.has('a')).toBe(false)
    expect(seen.at(-1)).toBe('diverged')
  })

  for (const what of ['rows, head and log', 'rows and head, without the log']) {
    test(`is restored from a dump: ${what}`, async () => {
      const { it } = database
      const table = await it.table()
      const [dict, other, asleep] = await Promise.all([1, 2, 3].map(() => it.open(table)))
      if (!dict || !other || !asleep) return expect.fail()
      for (const n of [1, 2]) await dict.set('a', n)
      for (const [name, from] of Object.entries({ rows: table, head: HEAD, log: LOG })) {
        await it.sql(`CREATE TABLE ${table}_${name} AS SELECT * FROM ${from.replace('$1', `'${table}'`)}`)
      }
      for (const n of [3, 4, 5]) await dict.set('a', n)
      await dict.set('b', 5)
      expect(await other.get('a')).toBe(5)
      expect(await asleep.get('a')).toBe(5)
      await it.sql(`TRUNCATE ${table}; INSERT INTO ${table} SELECT * FROM ${table}_rows`)
      await it.sql(`DELETE FROM ${HEAD}`, [table])
      await it.sql(`INSERT INTO durabledict_model_versions SELECT * FROM ${table}_head`)
      if (what.endsWith('and log')) {
        await it.sql(`DELETE FROM ${LOG}`, [table])
        await it.sql(`INSERT INTO durabledict_model_changes SELECT * FROM ${table}_log`)
      }
      const [seen, late] = [reasons(other), reasons(asleep)]
      expect(await other.get('a')).toBe(2)
      expect(await other.has('b')).toBe(false)
      expect(seen).toEqual(['diverged'])
      // As many commits as were lost: only the numbers are the same again.
      for (const n of [30, 40, 50, 60]) {
        await dict.set('a', n)
        expect(await other.get('a')).toBe(n)
      }
      expect(seen.slice(1).every(reason => reason === 'changes')).toBe(true)
      expect(await asleep.get('a')).toBe(60)
      expect(await asleep.has('b')).toBe(false)
      expect(late).toEqual(['diverged'])
    })
  }

  test('is restored while a live dictionary relies on a bound: the bound is recorded again', async () => {
    const { it } = database
    const table = await it.table()
    const dict = await it.open(table, { maxStaleness: 300, live: true, autosync: false })
    await dict.set('a', 1)
    await it.sql(`DELETE FROM ${HEAD}`, [table])
    const bound = async () => (await it.sql<{ bound: number }>(`SELECT bound FROM ${HEAD}`, [table]))[0]?.bound
    await until(async () => (await bound()) === 300, 'it is recorded anew')
    await dict.set('a', 2, { everywhere: true })
  })
})
