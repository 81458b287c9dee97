import { beforeAll, expect, test } from 'vitest'
import type { ModelManager, ModelSession } from '../../src/backends/model/managers/manager.js'
import { sqlCodes } from '../../src/backends/sql/sql-codes.js'
import { freePort } from '../servers/port.js'

/** A manager of the suite's table through a pool of two connections. */
export interface Pooled {
  readonly manager: ModelManager
  end(): Promise<unknown>
}

/** The error codes of a server, and the statements that find and end connections. */
export interface ErrorNames {
  readonly unique: string
  readonly tooLong: string
  readonly deadlock: string
  readonly killed: string
  /** Ends the connection it runs on. */
  readonly kill: string
  /** Returns the `id` of the connection. */
  readonly id: string
  killOther(id: unknown): string
  /** Returns a row as long as that connection exists. */
  isThere(id: unknown): string
}

export const POSTGRESQL: ErrorNames = {
  unique: '23505',
  tooLong: '22001',
  deadlock: '40P01',
  killed: '57P01',
  kill: 'SELECT pg_terminate_backend(pg_backend_pid())',
  id: 'SELECT pg_backend_pid() AS id',
  killOther: id => `SELECT CAST(pg_terminate_backend(${id}, 5000) AS text) AS killed`,
  isThere: id => `SELECT pid AS id FROM pg_stat_activity WHERE pid = ${id}`,
}

export const MARIADB: ErrorNames = {
  unique: '1062',
  tooLong: '1406',
  deadlock: '1213',
  killed: '1927',
  kill: 'KILL CONNECTION_ID()',
  id: 'SELECT CONNECTION_ID() AS id',
  killOther: id => `KILL ${id}`,
  isThere: id => `SELECT id FROM information_schema.processlist WHERE id = ${id}`,
}

const OPTIONS = { limit: 10_000 }

/** What the promise rejects with. */
export const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('It should have rejected.'),
    error => error,
  )

/** The messages of an error and of all its causes. */
function messagesOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const { cause, parent, driverError } = error as Error & Record<'parent' | 'driverError', unknown>
  const inside = [cause, parent, driverError].filter(one => one !== error)
  return [error.name, error.message, ...inside.map(messagesOf)].join('\n')
}

/** The errors of a server, as a library reports them. */
export function serverErrors(open: () => Pooled, names: ErrorNames): void {
  const within = <R>(work: (session: ModelSession) => Promise<R>) => open().manager.transaction(work, OPTIONS)
  const values = () => within(session => session.rows({ keyCol: 'key', columns: ['key', 'value'] }))

  /** The next connection from the pool may be one that was cut. */
  const recovers = () => expect.poll(() => values().then(rows => rows.length, String)).toBe(2)

  beforeAll(() =>
    within(async session => {
      await session.removeAll()
      await session.create(['a', 'b'].map(key => ({ key, value: 'old' })))
    }),
  )

  test('a duplicate key', async () => {
    const error = await errorOf(within(session => session.create([{ key: 'a', value: 'new' }])))
    expect(sqlCodes(error)).toContain(names.unique)
  })

  test('a value too long for its column', async () => {
    const error = await errorOf(within(session => session.update('key', 'a', { note: 'x'.repeat(100) })))
    expect(sqlCodes(error)).toContain(names.tooLong)
  })

  test('a deadlock', async () => {
    let begun = 0
    let go = () => {}
    const both = new Promise<void>(resolve => {
      go = resolve
    })
    const crossing = (first: string, second: string) =>
      within(async session => {
        await session.update('key', first, { value: `by ${second}` })
        begun += 1
        if (begun === 2) go()
        await both
        await session.update('key', second, { value: `by ${second}` })
      })
    const ends = await Promise.allSettled([crossing('a', 'b'), crossing('b', 'a')])
    const failed = ends.filter(end => end.status === 'rejected')
    expect(failed).toHaveLength(1)
    expect(sqlCodes(failed[0]?.reason)).toContain(names.deadlock)
    expect(new Set((await values()).map(row => (row as { value: string }).value)).size).toBe(1)
  })

  test('a connection cut by a statement', async () => {
    const error = await errorOf(within(session => session.query(names.kill, [])))
    expect(sqlCodes(error)).toContain(names.killed)
    await recovers()
  })

  test('a connection cut before the commit', async () => {
    const { manager } = open()
    const error = await errorOf(
      within(async session => {
        await session.update('key', 'a', { value: 'never' })
        const [row] = await session.query(names.id, [])
        await manager.query(names.killOther(row?.id), [])
        while ((await manager.query(names.isThere(row?.id), [])).length > 0);
      }),
    )
    expect(messagesOf(error)).toMatch(/terminat|not queryable|ECONNRESET|closed|ended|lost|released/i)
    await recovers()
    expect(await values()).not.toContainEqual({ key: 'a', value: 'never' })
  })
}

/** A pool with both of its connections in use, which times out soon. */
export function exhaustedPool(open: () => Pooled): void {
  test('a pool with all connections in use', async () => {
    const { manager } = open()
    const within = <R>(work: (session: ModelSession) => Promise<R>) => manager.transaction(work, OPTIONS)
    let end = () => {}
    const held = new Promise<void>(resolve => {
      end = resolve
    })
    let begun = 0
    const hold = () => {
      begun += 1
      return held
    }
    const holding = [within(hold), within(hold)]
    await expect.poll(() => begun).toBe(2)
    let called = false
    const inside = errorOf(
      within(async () => {
        called = true
      }),
    )
    const outside = errorOf(manager.query('SELECT 1 AS one', []))
    for (const error of await Promise.all([inside, outside])) expect(messagesOf(error)).toMatch(/timeout/i)
    expect(called).toBe(false)
    end()
    await Promise.all(holding)
    expect(await manager.query('SELECT 1 AS one', [])).toEqual([{ one: 1 }])
  })
}

/** A row that was changed after a snapshot was taken. */
export function changedSince(open: () => Pooled, code: string): void {
  test('a row changed after the snapshot', async () => {
    const { manager } = open()
    const failing = manager.transaction(
      async session => {
        await session.rows({ keyCol: 'key' })
        await manager.transaction(other => other.update('key', 'a', { value: 'theirs' }), OPTIONS)
        await session.update('key', 'a', { value: 'ours' })
      },
      { ...OPTIONS, isolation: 'snapshot' },
    )
    expect(sqlCodes(await errorOf(failing))).toContain(code)
  })
}

/** A server that went down or never existed. */
export function downErrors(open: (port: number) => Promise<Pooled>, code = 'ECONNREFUSED'): void {
  test('a server that is down', async () => {
    const { manager, end } = await open(await freePort())
    let called = false
    const work = async () => {
      called = true
    }
    expect(sqlCodes(await errorOf(manager.query('SELECT 1 AS one', [])))).toContain(code)
    expect(sqlCodes(await errorOf(manager.transaction(work, OPTIONS)))).toContain(code)
    expect(called).toBe(false)
    await end()
  })
}
