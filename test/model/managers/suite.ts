import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Columns, ModelManager, ModelSession } from '../../../src/backends/model/managers/manager.js'
import { sqlCodes } from '../../../src/backends/sql/sql-codes.js'
import { createTables, ModelDict } from '../../../src/index.js'

/** A value column of another type, named `value`, beside a key column `key`. */
interface OtherTables {
  readonly json?: ModelManager
  readonly jsonb?: ModelManager
  readonly bytes?: ModelManager
}

/** The subject of the suite. `open` makes all tables, which may already have rows. */
export interface Opened extends OtherTables {
  /**
   * The model has `key` (unique), `value` (text, not null), `note` (text, not null, 'none' by default) and `size` (a
   * nullable bigint), and more columns if the library needs them: see `filled`. Its table has a last column `id` that
   * the database fills.
   */
  readonly manager: ModelManager
  /** A model whose properties `settingKey` and `settingValue` have other names in the database, as does its table. */
  readonly mapped: ModelManager
  /** Whether another connection may read while a transaction is open. Default: not in SQLite. */
  readonly concurrent?: boolean
  /** Additional columns of an instance: timestamps, ids, values from hooks. Makes its own assertions. */
  filled?(instance: Record<string, unknown>): void
  end(): Promise<unknown>
}

const OPTIONS = { limit: 10_000 }

/** Error codes of a duplicate key in PostgreSQL, MariaDB and SQLite. */
const UNIQUE = [
  '23505',
  '1062',
  '2067',
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  'SQLITE_CONSTRAINT',
]

const ODD = [
  'plain',
  'emoji 🌱',
  `'single' "double" \`back\``,
  'back\\slash \\n \\0',
  'percent % _ %s $1 ? ?? :name @p1',
  'control \u0001 \t \n',
  'ünïcödé',
  '\ud7ff\ue000\uffff',
]
const LONG = '🌱'.repeat(640)

/** Values that JSON can express. */
const JSON_VALUES = [{ a: [1, 'x', null, { b: true }] }, [], [1, [2]], 'text', '"quoted"', '{"a":1}', 12.5, true, false]

/** Values of a dictionary: those that JSON can express, then others. */
const DICT_VALUES = [
  ...JSON_VALUES,
  { longer: 1, b: [{ z: 1, a: 2 }], a: 1e300, 10: 'ten' },
  // Deeper than JSON of MariaDB and MySQL.
  Array.from({ length: 40 }).reduce<unknown>(inner => [inner], 1),
  new Date(0),
  { map: new Map([['a', 1n]]), undefined },
  'nul \0 inside',
  { half: 'a \ud800 pair' },
  'rich:[1]',
  JSON.parse('{"__proto__":{"a":1}}'),
]

/** What a manager must do, whatever its library: run it on every database that the library supports. */
export function managerSuite(name: string, open: () => Promise<Opened>): void {
  describe(name, () => {
    let opened: Opened
    let manager: ModelManager
    beforeAll(async () => {
      opened = await open()
      manager = opened.manager
    })
    afterAll(() => opened?.end())
    beforeEach(() => within(session => session.removeAll()))

    const within = <R>(work: (session: ModelSession) => Promise<R>, of = manager) => of.transaction(work, OPTIONS)
    const create = (...rows: Columns[]) => within(session => session.create(rows))
    const pairs = () => within(session => read(session))
    const isSqlite = () => manager.dialect === 'sqlite'
    const others = () => opened.concurrent ?? !isSqlite()

    it('reads columns of all rows, of some keys, after a key, and up to a limit', async () => {
      expect(await pairs()).toEqual({})
      await create(row('b'), row('a'), row('d'), row('c'))
      const query = { keyCol: 'key', columns: ['key', 'value'] }
      await within(async session => {
        const rows = await session.rows(query)
        expect(rows).toEqual(['a', 'b', 'c', 'd'].map(key => ({ key, value: `value of ${key}` })))
        expect(await session.rows({ ...query, columns: ['key'] })).toEqual([...'abcd'].map(key => ({ key })))
        expect(keysOf(await session.rows({ ...query, keys: ['d', 'missing', 'a'] }))).toEqual(['a', 'd'])
        expect(await session.rows({ ...query, keys: ['missing'] })).toEqual([])
        expect(keysOf(await session.rows({ ...query, after: 'b' }))).toEqual(['c', 'd'])
        expect(keysOf(await session.rows({ ...query, limit: 3 }))).toEqual(['a', 'b', 'c'])
        expect(keysOf(await session.rows({ ...query, after: 'a', limit: 2 }))).toEqual(['b', 'c'])
        expect(await session.rows({ ...query, after: 'd', limit: 2 })).toEqual([])
      })
    })

    it('reads instances with all columns, including generated ones', async () => {
      await create(row('a'), { ...row('b'), note: 'mine' })
      const [a, b] = (await within(session => session.rows({ keyCol: 'key' }))) as Record<string, unknown>[]
      expect(columnsOf(manager, a)).toMatchObject({ key: 'a', value: 'value of a', note: 'none' })
      expect(columnsOf(manager, b)).toMatchObject({ key: 'b', value: 'value of b', note: 'mine' })
      opened.filled?.(a as Record<string, unknown>)
      expect(keysOf(await within(session => session.rows({ keyCol: 'key', after: 'a' })))).toEqual(['b'])
    })

    it('keeps the defaults of rows that omit a column when several are created together', async () => {
      await create(row('a'), { ...row('b'), note: 'mine' }, row('c'), { note: 'other', ...row('d') })
      expect(await notes()).toEqual({ a: 'none', b: 'mine', c: 'none', d: 'other' })
    })

    it('updates the named columns of the named row only', async () => {
      await create({ ...row('a'), note: 'mine' }, row('b'))
      await within(session => session.update('key', 'a', { value: 'new' }))
      expect(await pairs()).toEqual({ a: 'new', b: 'value of b' })
      expect(await notes()).toEqual({ a: 'mine', b: 'none' })
    })

    it('removes rows by their keys, and all rows', async () => {
      await create(...[...'abcde'].map(row))
      await within(session => session.remove('key', ['b', 'd', 'missing']))
      expect(keysOf(await within(readRows))).toEqual(['a', 'c', 'e'])
      await within(session => session.removeAll())
      expect(await within(readRows)).toEqual([])
    })

    it('accepts a thousand keys at once', async () => {
      const keys = Array.from({ length: 1_000 }, (_, index) => `key ${String(index).padStart(4, '0')}`)
      await create(...keys.map(row))
      const query = { keyCol: 'key', columns: ['key'], keys }
      expect(keysOf(await within(session => session.rows(query)))).toEqual(keys)
      await within(session => session.remove('key', keys))
      expect(await within(readRows)).toEqual([])
    })

    it('keeps keys and values of every kind distinct', async () => {
      const texts = [...ODD, LONG]
      const keys = [...ODD, LONG.slice(0, 256)]
      await create(...keys.map((key, index) => ({ key, value: texts[index] })))
      const expected = Object.fromEntries(keys.map((key, index) => [key, texts[index]]))
      expect(await pairs()).toEqual(expected)
      for (const key of keys) await within(session => session.update('key', key, { value: `${key}!` }))
      expect(await pairs()).toEqual(Object.fromEntries(keys.map(key => [key, `${key}!`])))
      await within(session => session.remove('key', keys.slice(1)))
      expect(await pairs()).toEqual({ plain: 'plain!' })
    })

    it("pages in the order of the database's collation", async () => {
      const keys = [...ODD, 'A', 'a', 'B', 'b', 'é', 'z', 'Z', 'ﬀ', '😀', '\uffee']
      await create(...keys.map(row))
      const paged = await within(async session => {
        const all: string[] = []
        for (;;) {
          const from = all.length > 0 && { after: all.at(-1) as string }
          const page = await session.rows({ keyCol: 'key', columns: ['key'], limit: 2, ...from })
          if (page.length === 0) return all
          all.push(...keysOf(page))
        }
      })
      expect(paged).toEqual(keysOf(await within(readRows)))
      expect(new Set(paged)).toEqual(new Set(keys))
    })

    it('rejects if a key already exists, and creates nothing', async () => {
      await create(row('b'))
      const error = await create(row('a'), row('b'), row('c')).catch(caught => caught)
      expect(UNIQUE).toContain(sqlCodes(error).find(code => UNIQUE.includes(code)))
      expect(await pairs()).toEqual({ b: 'value of b' })
    })

    it("rolls back if the function rejects, with the function's error", async () => {
      await create(row('a'))
      const reason = new Error('no')
      const failing = within(async session => {
        await session.create([row('b')])
        await session.update('key', 'a', { value: 'new' })
        expect(await read(session)).toEqual({ a: 'new', b: 'value of b' })
        throw reason
      })
      expect(await failing.catch(error => error)).toBe(reason)
      expect(await pairs()).toEqual({ a: 'value of a' })
    })

    it('returns what the function returns', async () => {
      const result = { some: 'thing' }
      expect(await within(async () => result)).toBe(result)
    })

    it('releases connections, however transactions end', async () => {
      const reason = new Error('no')
      const ending = Array.from({ length: 30 }, (_, index) =>
        within(async session => {
          await session.query('SELECT 1 AS one', [])
          if (index % 2 === 0) throw reason
          return index
        }).catch(error => error),
      )
      expect(await Promise.all(ending)).toEqual(ending.map((_, index) => (index % 2 === 0 ? reason : index)))
      await create(row('a'))
    })

    it('runs overlapping transactions', async () => {
      const write = (key: string): Promise<void> =>
        within(async session => {
          await session.create([row(key)])
          await session.update('key', key, { value: 'new' })
        }).catch(error => {
          // InnoDB also locks the gaps between keys: others may block a key that nobody else writes.
          if (sqlCodes(error).includes('1213')) return write(key)
          throw error
        })
      const work = [...'abcd'].map(write)
      await Promise.all(work)
      expect(await pairs()).toEqual({ a: 'new', b: 'new', c: 'new', d: 'new' })
    })

    it('runs our own statements inside and outside a transaction', async () => {
      await create(row('a'))
      const sql = () => `SELECT ${physical('value')} AS text FROM ${table()} WHERE ${physical('key')} = ${$(1)}`
      expect(await manager.query(sql(), ['a'])).toEqual([{ text: 'value of a' }])
      expect(await manager.query(sql(), ['missing'])).toEqual([])
      await within(async session => {
        await session.update('key', 'a', { value: 'new' })
        expect(await session.query(sql(), ['a'])).toEqual([{ text: 'new' }])
      })
      expect(await manager.query(sql(), ['a'])).toEqual([{ text: 'new' }])
    })

    it('binds text, numbers and null, and returns no rows if there are none', async () => {
      await create(row('a'), row('b'), row('c'))
      const set = () => `UPDATE ${table()} SET ${physical('size')} = ${$(1)} WHERE ${physical('key')} = ${$(2)}`
      await within(async session => {
        expect(await session.query(set(), [Number.MAX_SAFE_INTEGER, 'a'])).toEqual([])
        expect(await session.query(set(), [-3, 'b'])).toEqual([])
        expect(await session.query(set(), [null, 'c'])).toEqual([])
      })
      const sizes = await manager.query(
        `SELECT ${physical('size')} AS size FROM ${table()} ORDER BY ${physical('key')}`,
        [],
      )
      expect(sizes.map(({ size }) => (size === null ? null : Number(size)))).toEqual([9007199254740991, -3, null])
      const count = `SELECT count(*) AS total FROM ${table()} WHERE ${physical('size')} > ${$(1)}`
      expect(Number((await manager.query(count, [9007199254740990]))[0]?.total)).toBe(1)
      // Drivers of MySQL look for question marks everywhere, so that ours are only for parameters.
      const odd = manager.dialect === 'postgresql' ? 'a?b$1' : 'a$1'
      for (const text of [...ODD, LONG, '']) {
        const found = await manager.query(
          `SELECT ${physical('note')} AS note, '${odd}' AS odd FROM ${table()} WHERE ${physical('key')} = 'a' AND ${$(1)} <> 'x'`,
          [text],
        )
        expect(found).toEqual([{ note: 'none', odd }])
        await manager.query(`UPDATE ${table()} SET ${physical('value')} = ${$(1)} WHERE ${physical('key')} = 'a'`, [
          text,
        ])
        expect((await pairs()).a).toBe(text)
      }
    })

    it('continues after a failed statement by rolling back to a savepoint', async () => {
      await create(row('a'))
      await within(async session => {
        await session.create([row('b')])
        await session.query('SAVEPOINT here', [])
        await expect(session.create([row('c'), row('a')])).rejects.toThrow()
        await session.query('ROLLBACK TO SAVEPOINT here', [])
        await session.update('key', 'a', { value: 'new' })
      })
      expect(await pairs()).toEqual({ a: 'new', b: 'value of b' })
    })

    it('never resolves if the database has rolled back', async () => {
      await create(row('a'))
      const swallowing = within(async session => {
        await session.create([row('b')])
        await session.create([row('a')]).catch(() => {})
      })
      const done = await swallowing.then(
        () => ['a', 'b'],
        () => ['a'],
      )
      expect(keysOf(await within(readRows))).toEqual(done)
    })

    it('rejects with the error of our own statement', async () => {
      await expect(manager.query('SELECT * FROM missing_table', [])).rejects.toThrow(/missing_table/)
      await expect(within(session => session.query('SELECT * FROM missing_table', []))).rejects.toThrow(/missing_table/)
      await create(row('a'))
    })

    it('hides its writes from others until the commit', async ({ skip }) => {
      if (!others()) skip('the library has one connection to SQLite: others wait')
      const sql = () => `SELECT count(*) AS total FROM ${table()}`
      await within(async session => {
        await session.create([row('a')])
        expect(Number((await manager.query(sql(), []))[0]?.total)).toBe(0)
      })
      expect(Number((await manager.query(sql(), []))[0]?.total)).toBe(1)
    })

    it('reads one state in a snapshot', async ({ skip }) => {
      if (!others()) skip('the library has one connection to SQLite: others wait')
      await create(row('a'), row('b'))
      await manager.transaction(
        async session => {
          expect(Object.keys(await read(session))).toEqual(['a', 'b'])
          await within(async other => {
            await other.remove('key', ['a'])
            await other.create([row('c')])
          })
          expect(Object.keys(await read(session))).toEqual(['a', 'b'])
        },
        { ...OPTIONS, isolation: 'snapshot' },
      )
      expect(Object.keys(await pairs())).toEqual(['b', 'c'])
    })

    it("knows the database's names of a table and its columns", async () => {
      const { mapped } = opened
      const [key, value] = [mapped.column('settingKey'), mapped.column('settingValue')] as string[]
      expect(key).not.toBe('settingKey')
      await within(async session => {
        await session.removeAll()
        await session.create([{ settingKey: 'a', settingValue: 'one' }])
        await session.create([{ settingKey: 'b', settingValue: 'two' }])
        await session.update('settingKey', 'b', { settingValue: 'three' })
        const query = { keyCol: 'settingKey', after: 'a' }
        const columns = ['settingKey', 'settingValue']
        expect(await session.rows({ ...query, columns })).toEqual([{ settingKey: 'b', settingValue: 'three' }])
        const [instance] = await session.rows(query)
        expect(columnsOf(mapped, instance)).toMatchObject({ settingKey: 'b', settingValue: 'three' })
      }, mapped)
      const sql = `SELECT ${quote(value)} AS text FROM ${tableOf(mapped)} WHERE ${quote(key)} = ${$(1)}`
      expect(await mapped.query(sql, ['a'])).toEqual([{ text: 'one' }])
    })

    for (const type of ['json', 'jsonb'] as const) {
      it(`stores JSON in a column of type ${type}`, async ({ skip }) => {
        const of = opened[type]
        if (!of) return skip('the database has no such type')
        const values = [...JSON_VALUES, null]
        const key = (index: number) => `key ${String(index).padStart(2, '0')}`
        const given = (value: unknown) => (of.jsonAsValues ? value : JSON.stringify(value))
        await within(async session => {
          await session.removeAll()
          await session.create(values.map((value, index) => ({ key: key(index), value: given(value) })))
          expect(await jsonOf(of, session)).toEqual(values)
          for (const [index] of values.entries()) {
            await session.update('key', key(index), { value: given(values.at(-index - 1)) })
          }
          expect(await jsonOf(of, session)).toEqual(values.toReversed())
        }, of)
      })
    }

    for (const type of ['json', 'jsonb'] as const) {
      it(`stores plain values as JSON in a column of type ${type}, and others as tagged text`, async ({ skip }) => {
        const of = opened[type]
        if (!of) return skip('the database has no such type')
        await within(session => session.removeAll(), of)
        await createTables(of)
        const entries = new Map(DICT_VALUES.map((value, index) => [`key ${String(index).padStart(2, '0')}`, value]))
        const dicts = [await ModelDict.open(of, { timeout: 20_000 }), await ModelDict.open(of, { timeout: 20_000 })]
        await dicts[0]?.update(entries)
        dicts.push(await ModelDict.open(of, { timeout: 20_000 }))
        for (const dict of dicts) expect(new Map(await dict.entries())).toEqual(entries)
        // Memory after a write equals what a load finds: nothing differs.
        const differences: unknown[] = []
        for (const dict of dicts) dict.on('change', change => differences.push(change))
        await dicts[0]?.touch()
        for (const dict of dicts) await dict.sync()
        expect(differences).toEqual([])
        const stored = await of.transaction(session => jsonOf(of, session), OPTIONS)
        expect(stored.slice(0, JSON_VALUES.length)).toEqual(JSON_VALUES)
        for (const value of stored.slice(JSON_VALUES.length + 2)) expect(value).toMatch(/^rich:/)
        for (const dict of dicts) await dict.close()
      })
    }

    it('stores bytes', async ({ skip }) => {
      const of = opened.bytes
      if (!of) return skip('the model has no such table')
      const value = Uint8Array.from({ length: 256 }, (_, index) => index)
      await within(async session => {
        await session.removeAll()
        await session.create([{ key: 'a', value: Buffer.from(value) }])
        await session.create([{ key: 'b', value: Buffer.alloc(0) }])
        const [a, b] = (await session.rows({ keyCol: 'key', columns: ['value'] })) as { value: Uint8Array }[]
        expect(Buffer.from(a?.value ?? []).equals(value)).toBe(true)
        expect(b?.value).toHaveLength(0)
        await session.update('key', 'a', { value: Buffer.from(value.toReversed()) })
        const [again] = (await session.rows({ keyCol: 'key', columns: ['value'], limit: 1 })) as { value: Uint8Array }[]
        expect(Buffer.from(again?.value ?? []).equals(value.toReversed())).toBe(true)
      }, of)
    })

    const quote = (name?: string) => quoted(manager, name as string)
    const physical = (property: string) => quote(manager.column(property))
    const table = () => tableOf(manager)
    const $ = (index: number) => (manager.dialect === 'postgresql' ? `$${index}` : '?')
    const notes = async () => {
      const rows = await within(session => session.rows({ keyCol: 'key', columns: ['key', 'note'] }))
      return Object.fromEntries((rows as { key: string; note: string }[]).map(({ key, note }) => [key, note]))
    }
  })
}

const columnsOf = (manager: ModelManager, instance?: object) => ({
  ...(manager.columnsOf?.(instance ?? {}) ?? instance),
})

const row = (key: string) => ({ key, value: `value of ${key}` })

const readRows = (session: ModelSession) => session.rows({ keyCol: 'key', columns: ['key', 'value'] })

const keysOf = (rows: readonly object[]) => (rows as { key: string }[]).map(({ key }) => key)

async function read(session: ModelSession): Promise<Record<string, unknown>> {
  const rows = (await readRows(session)) as { key: string; value: unknown }[]
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

async function jsonOf(manager: ModelManager, session: ModelSession): Promise<unknown[]> {
  const values = Object.values(await read(session))
  return manager.jsonAsValues ? values : values.map(value => JSON.parse(value as string))
}

function quoted({ dialect }: ModelManager, name: string): string {
  return dialect === 'mysql' ? `\`${name}\`` : `"${name}"`
}

function tableOf(manager: ModelManager): string {
  const { schema, name } = manager.table
  return `${schema === undefined ? '' : `${quoted(manager, schema)}.`}${quoted(manager, name)}`
}
