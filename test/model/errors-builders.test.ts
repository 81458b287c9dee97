import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle as libsqlDrizzle } from 'drizzle-orm/libsql'
import * as my from 'drizzle-orm/mysql-core'
import { drizzle as mysqlDrizzle } from 'drizzle-orm/mysql2'
import { drizzle as pgDrizzle } from 'drizzle-orm/node-postgres'
import * as pgCore from 'drizzle-orm/pg-core'
import * as sqliteCore from 'drizzle-orm/sqlite-core'
import knex from 'knex'
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import Database from 'libsql'
import mysql from 'mysql2'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ModelManager, ModelSession } from '../../src/backends/model/manager.js'
import { drizzleManager } from '../../src/backends/model/managers/drizzle.js'
import { knexManager } from '../../src/backends/model/managers/knex.js'
import { kyselyManager } from '../../src/backends/model/managers/kysely.js'
import { sqlCodes } from '../../src/backends/model/sql-codes.js'
import { mariadb } from '../servers/mariadb.js'
import { freePort } from '../servers/port.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import { LibsqlClient } from './managers/knex-libsql.js'
import { batteryTables } from './managers/tables.js'

interface Opened {
  manager: ModelManager
  end(): Promise<unknown>
}

/** A manager over two connections of a server, for which it waits so long, in ms. */
type Open = (url: string, wait: number) => Opened

const onPostgres: Record<string, Open> = {
  Kysely(url, wait) {
    const pool = pgPool(url, wait)
    return {
      manager: kyselyManager(new Kysely<object>({ dialect: new PostgresDialect({ pool }) }), 'settings'),
      end: () => pool.end(),
    }
  },
  Knex(connection, acquireConnectionTimeout) {
    const db = knex({ client: 'pg', connection, acquireConnectionTimeout, pool: { min: 0, max: 2 }, log: SILENT })
    return { manager: knexManager(db, 'settings'), end: () => db.destroy() }
  },
  Drizzle(url, wait) {
    const pool = pgPool(url, wait)
    const { text, varchar } = pgCore
    const table = pgCore.pgTable('settings', { key: text().notNull(), value: text().notNull(), note: varchar() })
    return { manager: drizzleManager(pgDrizzle({ client: pool }), table), end: () => pool.end() }
  },
}

const onMariadb: Record<string, Open> = {
  Kysely(url) {
    const pool = mysql.createPool({ uri: url, connectionLimit: 2 })
    const manager = kyselyManager(new Kysely<object>({ dialect: new MysqlDialect({ pool }) }), 'settings')
    return { manager, end: () => pool.promise().end() }
  },
  Knex(connection) {
    const db = knex({ client: 'mysql2', connection, pool: { min: 0, max: 2 }, log: SILENT })
    return { manager: knexManager(db, 'settings'), end: () => db.destroy() }
  },
  Drizzle(url) {
    const pool = mysql.createPool({ uri: url, connectionLimit: 2 })
    const { text, varchar } = my
    const table = my.mysqlTable('settings', {
      key: text().notNull(),
      value: text().notNull(),
      note: varchar({ length: 80 }),
    })
    return { manager: drizzleManager(mysqlDrizzle({ client: pool }), table), end: () => pool.promise().end() }
  },
}

/** Over one connection to a file. */
const onSqlite: Record<string, (file: string) => Opened> = {
  Kysely(file) {
    const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(file) as never }) })
    return { manager: kyselyManager(db, 'settings'), end: () => db.destroy() }
  },
  Knex(filename) {
    const db = knex({
      client: LibsqlClient,
      connection: { filename },
      useNullAsDefault: true,
      pool: { min: 0, max: 1 },
    })
    return { manager: knexManager(db, 'settings'), end: () => db.destroy() }
  },
  Drizzle(file) {
    const db = libsqlDrizzle({ connection: { url: `file:${file}` } })
    const { text } = sqliteCore
    const table = sqliteCore.sqliteTable('settings', { key: text().notNull(), value: text().notNull() })
    return { manager: drizzleManager(db, table), end: async () => db.$client.close() }
  },
}

const SILENT = { warn() {}, error() {} }

/** As every application needs that uses pg: an error without a listener ends the process. */
function pgPool(connectionString: string, connectionTimeoutMillis: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis, max: 2 })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

const OPTIONS = { limit: 10_000 }

/** What the promise rejects with. */
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('It should have rejected.'),
    error => error,
  )

/** What an error and its causes say. */
function messagesOf(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${messagesOf(error.cause)}` : ''
}

const LOST = /terminat|not queryable|ECONNRESET|closed|lost/i

/** How errors come that are the same on every server, by the codes of the server at hand. */
function faults(
  open: () => Opened,
  codes: { unique: string; tooLong: string; deadlock: string; killed: string },
  kill: string,
) {
  const manager = () => open().manager
  const within = <R>(work: (session: ModelSession) => Promise<R>) => manager().transaction(work, OPTIONS)

  /** The next one that comes from the pool may be a connection that has just been cut. */
  async function recovers() {
    await expect.poll(() => within(async session => (await session.rows({ keyCol: 'key' })).length)).toBe(2)
  }

  beforeAll(async () => {
    await within(async session => {
      await session.removeAll()
      await session.create(['a', 'b'].map(key => ({ key, value: 'old' })))
    })
  })

  it('a key that is there already', async () => {
    const error = await errorOf(within(session => session.create([{ key: 'a', value: 'new' }])))
    expect(sqlCodes(error)).toContain(codes.unique)
  })

  it('a value too long for its column', async () => {
    const error = await errorOf(within(session => session.update('key', 'a', { note: 'x'.repeat(100) })))
    expect(sqlCodes(error)).toContain(codes.tooLong)
  })

  it('a deadlock', async () => {
    let begun = 0
    let go = () => {}
    const both = new Promise<void>(resolve => {
      go = resolve
    })
    const crossing = (first: string, second: string) =>
      within(async session => {
        await session.update('key', first, { value: 'new' })
        begun += 1
        if (begun === 2) go()
        await both
        await session.update('key', second, { value: 'new' })
      })
    const ends = await Promise.allSettled([crossing('a', 'b'), crossing('b', 'a')])
    const failed = ends.filter(end => end.status === 'rejected')
    expect(failed).toHaveLength(1)
    expect(sqlCodes(failed[0]?.reason)).toContain(codes.deadlock)
  })

  it('a connection that is cut by a statement', async () => {
    const error = await errorOf(within(session => session.query(kill, [])))
    expect(sqlCodes(error)).toContain(codes.killed)
    await recovers()
  })

  it('a connection that is cut before the commit', async () => {
    let killing: Promise<unknown> | undefined
    const error = await errorOf(
      within(async session => {
        await session.update('key', 'a', { value: 'never' })
        killing = session.query(kill, []).catch(() => {})
      }),
    )
    await killing
    expect(messagesOf(error)).toMatch(LOST)
    await recovers()
    const rows = await within(session => session.rows({ keyCol: 'key', columns: ['value'] }))
    expect(rows).not.toContainEqual({ value: 'never' })
  })
}

describe('errors on PostgreSQL, of', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(postgres, { args: ['-c', 'deadlock_timeout=20ms'] })
    const client = new pg.Client(server.url)
    await client.connect()
    await client.query(batteryTables('postgresql').join(';'))
    await client.end()
  })
  afterAll(() => server?.stop())

  describe.each(Object.entries(onPostgres))('%s', (_, open) => {
    let opened: Opened
    beforeAll(() => {
      opened = open(server.url, 200)
    })
    afterAll(() => opened?.end())
    const codes = { unique: '23505', tooLong: '22001', deadlock: '40P01', killed: '57P01' }
    faults(() => opened, codes, 'SELECT pg_terminate_backend(pg_backend_pid())')

    it('a row that was changed after the snapshot', async () => {
      const { manager } = opened
      const failing = manager.transaction(
        async session => {
          await session.rows({ keyCol: 'key' })
          await manager.transaction(other => other.update('key', 'a', { value: 'theirs' }), OPTIONS)
          await session.update('key', 'a', { value: 'ours' })
        },
        { ...OPTIONS, isolation: 'snapshot' },
      )
      expect(sqlCodes(await errorOf(failing))).toContain('40001')
    })

    it('a pool whose connections are all in use', async () => {
      const { manager } = opened
      let end = () => {}
      const held = new Promise<void>(resolve => {
        end = resolve
      })
      let begun = 0
      const holding = [1, 2].map(() =>
        manager.transaction(() => {
          begun += 1
          return held
        }, OPTIONS),
      )
      await expect.poll(() => begun).toBe(2)
      let called = false
      const work = async () => {
        called = true
      }
      const [inside, outside] = await Promise.all([
        errorOf(manager.transaction(work, OPTIONS)),
        errorOf(manager.query('SELECT 1 AS one', [])),
      ])
      expect(messagesOf(inside)).toMatch(/timeout/i)
      expect(messagesOf(outside)).toMatch(/timeout/i)
      expect(called).toBe(false)
      end()
      await Promise.all(holding)
      expect(await manager.query('SELECT 1 AS one', [])).toEqual([{ one: 1 }])
    })

    it('a server that is down', async () => {
      const down = open(`postgres://postgres@127.0.0.1:${await freePort()}/postgres`, 200)
      let called = false
      const work = async () => {
        called = true
      }
      expect(sqlCodes(await errorOf(down.manager.query('SELECT 1 AS one', [])))).toContain('ECONNREFUSED')
      expect(sqlCodes(await errorOf(down.manager.transaction(work, OPTIONS)))).toContain('ECONNREFUSED')
      expect(called).toBe(false)
      await down.end()
    })
  })
})

describe('errors on MariaDB, of', () => {
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(mariadb)
    const pool = mysql.createPool({ uri: server.url }).promise()
    for (const statement of batteryTables('mysql')) await pool.query(statement)
    await pool.end()
  })
  afterAll(() => server?.stop())

  describe.each(Object.entries(onMariadb))('%s', (_, open) => {
    let opened: Opened
    beforeAll(() => {
      opened = open(server.url, 200)
    })
    afterAll(() => opened?.end())
    const codes = { unique: '1062', tooLong: '1406', deadlock: '1213', killed: '1927' }
    faults(() => opened, codes, 'KILL CONNECTION_ID()')
  })
})

describe('errors on SQLite, of', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durabledict-errors-'))
    file = join(folder, 'app.db')
    const database = new Database(file)
    database.exec(batteryTables('sqlite').join(';'))
    database.close()
  })
  afterEach(() => rm(folder, { recursive: true }))

  it.each(Object.entries(onSqlite))('%s: a key that is there already, a file in use', async (_, open) => {
    let opened = open(file)
    const create = (key: string) =>
      opened.manager.transaction(session => session.create([{ key, value: '1' }]), OPTIONS)
    await create('a')
    expect(sqlCodes(await errorOf(create('a')))).toContain('SQLITE_CONSTRAINT_UNIQUE')
    const other = new Database(file)
    other.exec('BEGIN IMMEDIATE')
    expect(sqlCodes(await errorOf(create('b')))).toContain('SQLITE_BUSY')
    other.exec('ROLLBACK')
    other.close()
    // libsql leaves the statement that failed unfinished, and commits nothing before that was garbage-collected.
    await opened.end()
    opened = open(file)
    await create('b')
    await opened.end()
  })
})
