import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Columns, ModelManager, ModelSession } from '../../../src/backends/model/manager.js'

/** What is tested: managers of the same tables, empty at first. Columns: `key`, `value`, and `note`, which has a default. */
export interface Opened {
  readonly manager: ModelManager
  /** A manager of the same table through connections of its own. */
  readonly other: ModelManager
  /** Like it, but that `value` is JSON that is not nullable. */
  readonly json: ModelManager
  /** Like it, but that `value` is bytes. */
  readonly bytes: ModelManager
  /** What the database calls the table, `key` and `value`. */
  readonly names: { readonly table: string; readonly key: string; readonly value: string }
  end(): Promise<void>
}

const LIMIT = 10_000

const ODD = [
  '🌱 emoji',
  `"'quotes'" \`and\``,
  'back\\slash \\n \\\\',
  '100 % _ like',
  'control \u0001 \t \r\n',
  '? $1 :key @p',
  'ünï-ßtraße',
  'z'.repeat(2_560),
]

/** Everything that ModelDict expects of a manager, on a real server. */
export function managerBattery(name: string, open: () => Promise<Opened>): void {
  describe(name, () => {
    let opened: Opened
    let manager: ModelManager

    beforeAll(async () => {
      opened = await open()
      manager = opened.manager
    })
    beforeEach(async () => {
      for (const each of [manager, opened.json, opened.bytes]) await run(each, session => session.removeAll())
    })
    afterAll(() => opened?.end())

    const run = <R>(on: ModelManager, work: (session: ModelSession) => Promise<R>) =>
      on.transaction(work, { limit: LIMIT })
    const put = (entries: Readonly<Record<string, unknown>>, on = manager) =>
      run(on, session =>
        session.create(
          Object.entries(entries).map(([key, value]) => ({ key, value })),
          'key',
        ),
      )
    const read = (on = manager) =>
      run(on, async session => {
        const rows = (await session.rows({ keyCol: 'key', columns: ['key', 'value'] })) as Columns[]
        return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
      })
    const quoted = (identifier: string) =>
      manager.dialect === 'mysql' ? `\`${identifier}\`` : `"${identifier.replaceAll('"', '""')}"`
    const table = () =>
      [manager.table.schema, manager.table.name]
        .filter(Boolean)
        .map(one => quoted(one as string))
        .join('.')
    const placed = (sql: string) => {
      let count = 0
      if (manager.dialect !== 'postgresql') return sql
      return sql.replaceAll(/'[^']*'|\?/g, part => (part === '?' ? `$${++count}` : part))
    }

    test('names are those of the database', async () => {
      const { names } = opened
      expect(manager.table.name).toBe(names.table)
      expect([manager.column('key'), manager.column('value')]).toEqual([names.key, names.value])
      await put({ a: '1' })
      const sql = `SELECT ${quoted(names.key)} AS k, ${quoted(names.value)} AS v FROM ${table()}`
      expect(await manager.query(sql, [])).toEqual([{ k: 'a', v: '1' }])
    })

    test('rows: all, by keys, behind a key, limited, in the order of the keys', async () => {
      await put({ b: '2', d: '4', a: '1', c: '3' })
      const keys = (query: object) =>
        run(manager, async session => {
          const rows = await session.rows({ keyCol: 'key', columns: ['key'], ...query })
          return rows.map(row => (row as Columns).key)
        })
      expect(await keys({})).toEqual(['a', 'b', 'c', 'd'])
      expect(await keys({ keys: ['c', 'a', 'x'] })).toEqual(['a', 'c'])
      expect(await keys({ keys: [] })).toEqual([])
      expect(await keys({ after: 'b' })).toEqual(['c', 'd'])
      expect(await keys({ after: 'a', limit: 2 })).toEqual(['b', 'c'])
      expect(await keys({ limit: 1 })).toEqual(['a'])
      expect(await keys({ keys: ['a', 'b', 'c'], after: 'a', limit: 1 })).toEqual(['b'])
    })

    test('rows of columns are plain objects of these; rows of none are instances', async () => {
      await put({ a: '1' })
      const [plain] = (await run(manager, session => session.rows({ keyCol: 'key', columns: ['value', 'key'] }))) as [
        object,
      ]
      expect(plain).toStrictEqual({ value: '1', key: 'a' })
      const [instance] = (await run(manager, session => session.rows({ keyCol: 'key', limit: 1 }))) as [object]
      expect(instance).toMatchObject({ key: 'a', value: '1', note: 'none' })
      expect(manager.isInstance?.(instance, 'key') ?? true).toBe(true)
      const columns = manager.columnsOf?.(instance) ?? (instance as Columns)
      expect(columns).toMatchObject({ key: 'a', value: '1', note: 'none' })
      const again = manager.instance?.(columns) ?? columns
      expect(again).toMatchObject({ key: 'a', value: '1', note: 'none' })
      expect(manager.columnsOf?.(again) ?? again).toEqual(columns)
    })

    test('an update changes its columns alone', async () => {
      await run(manager, session => session.create([{ key: 'a', value: '1', note: 'kept' }], 'key'))
      await put({ b: '2' })
      await run(manager, session => session.update('key', 'a', { value: 'new' }))
      await run(manager, session => session.update('key', 'b', { note: 'changed' }))
      const rows = await run(manager, session => session.rows({ keyCol: 'key', columns: ['key', 'value', 'note'] }))
      expect(rows).toEqual([
        { key: 'a', value: 'new', note: 'kept' },
        { key: 'b', value: '2', note: 'changed' },
      ])
    })

    test('remove and removeAll', async () => {
      await put({ a: '1', b: '2', c: '3' })
      await run(manager, session => session.remove('key', ['a', 'c', 'missing']))
      expect(await read()).toEqual({ b: '2' })
      await run(manager, session => session.removeAll())
      expect(await read()).toEqual({})
    })

    test('many at once', async () => {
      const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`key ${n}`, `${n}`]))
      await put(many)
      expect(await read()).toEqual(many)
      await run(manager, session => session.remove('key', Object.keys(many).slice(1)))
      expect(await read()).toEqual({ 'key 0': '0' })
    })

    test('rolls back, and rejects with the error of the function', async () => {
      await put({ a: '1' })
      const mine = new Error('mine')
      const failing = run(manager, async session => {
        await session.create([{ key: 'b', value: '2' }], 'key')
        await session.update('key', 'a', { value: 'changed' })
        throw mine
      })
      await expect(failing).rejects.toBe(mine)
      expect(await read()).toEqual({ a: '1' })
    })

    test('a row that is there already is refused, and nothing is written', async () => {
      await put({ a: '1' })
      await expect(put({ a: '2' })).rejects.toThrow()
      await expect(put({ b: '1', a: '2', c: '3' })).rejects.toThrow()
      expect(await read()).toEqual({ a: '1' })
    })

    test('transactions at the same time do not mix', async () => {
      const failing = run(manager, async session => {
        await session.create([{ key: 'lost', value: '1' }], 'key')
        await session.rows({ keyCol: 'key' })
        throw new Error('mine')
      })
      const results = await Promise.allSettled([put({ a: '1' }), failing, put({ b: '2' }), put({ c: '3' })])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      expect(await read()).toEqual({ a: '1', b: '2', c: '3' })
    })

    test('what is not committed is not seen outside', async () => {
      const count = async () => {
        const [row] = await manager.query(`SELECT count(*) AS n FROM ${table()}`, [])
        return Number(row?.n)
      }
      const before = run(opened.other, async session => {
        await session.create([{ key: 'a', value: '1' }], 'key')
        return count()
      })
      expect(await before).toBe(0)
      expect(await count()).toBe(1)
    })

    test('a snapshot is of one state', async () => {
      await put({ a: '1' })
      const all = (session: ModelSession) => session.rows({ keyCol: 'key', columns: ['key', 'value'] })
      const [before, after] = await manager.transaction(
        async session => {
          const first = await all(session)
          await put({ b: '2' }, opened.other)
          await run(opened.other, other => other.update('key', 'a', { value: 'changed' }))
          return [first, await all(session)]
        },
        { limit: LIMIT, isolation: 'snapshot' },
      )
      expect(before).toEqual([{ key: 'a', value: '1' }])
      expect(after).toEqual(before)
      expect(await read()).toEqual({ a: 'changed', b: '2' })
    })

    test('queries with parameters, inside and outside; rows by the names of the statement', async () => {
      const { key, value } = opened.names
      const text = manager.dialect === 'mysql' ? 'char' : 'text'
      const echo = placed(`SELECT CAST(? AS ${text}) AS first, CAST(? AS ${text}) AS second, '?' AS mark`)
      const odd = ODD.join('')
      expect(await manager.query(echo, [odd, null])).toEqual([{ first: odd, second: null, mark: '?' }])
      await put({ a: '1', b: '2' })
      const select = placed(`SELECT ${quoted(value)} AS v FROM ${table()} WHERE ${quoted(key)} = ?`)
      const update = placed(`UPDATE ${table()} SET ${quoted(value)} = ? WHERE ${quoted(key)} = ?`)
      await run(manager, async session => {
        expect(await session.query(select, ['b'])).toEqual([{ v: '2' }])
        expect(await session.query(update, ['new', 'b'])).toEqual([])
        expect(await session.query(select, ['b'])).toEqual([{ v: 'new' }])
        expect(await session.query(select, ['x'])).toEqual([])
      })
      expect(await manager.query(update, ['newer', 'b'])).toEqual([])
      expect(await manager.query(select, ['b'])).toEqual([{ v: 'newer' }])
    })

    test('statements that write and give rows', async () => {
      if (manager.dialect === 'mysql') return
      const { key, value } = opened.names
      await put({ a: '1', b: '2' })
      const update = placed(`UPDATE ${table()} SET ${quoted(value)} = ? RETURNING ${quoted(key)} AS k`)
      expect(await manager.query(update, ['x'])).toHaveLength(2)
      const remove = placed(`DELETE FROM ${table()} WHERE ${quoted(key)} = ? RETURNING ${quoted(value)} AS v`)
      expect(await run(manager, session => session.query(remove, ['a']))).toEqual([{ v: 'x' }])
      expect(await manager.query(remove, ['a'])).toEqual([])
    })

    test('goes on within a transaction, behind a savepoint, after a create has failed', async () => {
      await put({ a: '1' })
      await run(manager, async session => {
        await session.create([{ key: 'b', value: '2' }], 'key')
        await session.query('SAVEPOINT durabledict', [])
        await expect(
          session.create(
            [
              { key: 'c', value: '3' },
              { key: 'a', value: '2' },
            ],
            'key',
          ),
        ).rejects.toThrow()
        await session.query('ROLLBACK TO SAVEPOINT durabledict', [])
        await session.update('key', 'a', { value: 'changed' })
      })
      expect(await read()).toEqual({ a: 'changed', b: '2' })
    })

    test('odd keys and values come back as they were', async () => {
      const entries = Object.fromEntries(ODD.map(text => [text.slice(0, 500), text]))
      await put(entries)
      expect(await read()).toEqual(entries)
      for (const key of Object.keys(entries)) {
        await run(manager, session => session.update('key', key, { value: `${key} changed` }))
        const [row] = await run(manager, session => session.rows({ keyCol: 'key', columns: ['value'], keys: [key] }))
        expect(row).toEqual({ value: `${key} changed` })
      }
      await run(manager, session => session.remove('key', Object.keys(entries)))
      expect(await read()).toEqual({})
    })

    test('JSON of every kind, where the column holds JSON', async () => {
      const { json } = opened
      expect(json.kind?.('value')).toBe('json')
      const values = {
        nothing: null,
        text: 'text',
        quoted: '"1"',
        json: '{}',
        number: 1.5,
        yes: true,
        list: [1, [null]],
        object: { a: { b: '✓' } },
      }
      for (const value of Object.values(values)) await put({ [JSON.stringify(value)]: value }, json)
      await put(values, json)
      expect(await read(json)).toEqual({
        ...Object.fromEntries(Object.values(values).map(value => [JSON.stringify(value), value])),
        ...values,
      })
      for (const value of Object.values(values)) {
        await run(json, session => session.update('key', 'list', { value }))
        expect((await read(json)).list).toEqual(value)
      }
    })

    test('bytes, where the column holds bytes', async () => {
      const { bytes } = opened
      expect(bytes.kind?.('value')).toBe('bytes')
      const all = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
      await put({ all, none: Buffer.alloc(0) }, bytes)
      await put({ one: Buffer.from([0]) }, bytes)
      const found = Object.entries(await read(bytes)).map(([key, value]) => [key, Buffer.from(value as Uint8Array)])
      expect(Object.fromEntries(found)).toEqual({ all, none: Buffer.alloc(0), one: Buffer.from([0]) })
      await run(bytes, session => session.update('key', 'one', { value: all }))
      expect(Buffer.from((await read(bytes)).one as Uint8Array)).toEqual(all)
    })
  })
}
