import Database from 'libsql'
import { DataSource } from 'typeorm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { finishingStatements } from '../../src/backends/model/managers/unfinished-statements.js'
import { sqlCodes } from '../../src/backends/sql/sql-codes.js'
import { typeormManager } from '../../src/index.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { changedSince, errorOf, exhaustedPool, POSTGRESQL, type Pooled, serverErrors } from './library-errors.js'
import { suiteTables } from './managers/tables.js'
import { entitiesOf, onSqlite, Setting } from './managers/typeorm-sources.js'

const OPTIONS = { limit: 10_000 }

function sourceOf(url: string): DataSource {
  const extra = { connectionTimeoutMillis: 300 }
  return new DataSource({ type: 'postgres', url, poolSize: 2, extra, entities: entitiesOf('bytea') })
}

async function open(url: string): Promise<Pooled & { source: DataSource }> {
  const source = await sourceOf(url).initialize()
  return { source, manager: typeormManager(source.getRepository(Setting)), end: () => source.destroy() }
}

describe('errors of TypeORM on PostgreSQL:', () => {
  let server: Server
  let opened: Awaited<ReturnType<typeof open>>
  beforeAll(async () => {
    server = await startServer(postgres, { args: ['-c', 'deadlock_timeout=20ms'] })
    opened = await open(server.url)
    for (const sql of suiteTables('postgresql')) await opened.source.query(sql)
  })
  afterAll(async () => {
    await opened?.end()
    await server?.stop()
  })
  serverErrors(() => opened, POSTGRESQL)
  exhaustedPool(() => opened)
  changedSince(() => opened, '40001')

  test('a server that is down', async () => {
    const short = await startServer(postgres)
    const { manager, end } = await open(short.url)
    await short.stop()
    let called = false
    const work = async () => {
      called = true
    }
    // The pool may not have noticed yet.
    await expect
      .poll(async () => sqlCodes(await errorOf(manager.query('SELECT 1 AS one', []))))
      .toContain('ECONNREFUSED')
    expect(sqlCodes(await errorOf(manager.transaction(work, OPTIONS)))).toContain('ECONNREFUSED')
    expect(called).toBe(false)
    await end()
  })
})

describe('errors of TypeORM on SQLite:', () => {
  test('a duplicate key, and a file that another process is writing to', async () => {
    const { source, end } = await onSqlite()
    for (const sql of suiteTables('sqlite')) await source.query(sql)
    await source.query('PRAGMA busy_timeout = 10')
    // libsql leaves the failed statement unfinished.
    const manager = finishingStatements(typeormManager(source.getRepository(Setting)))
    const create = (key: string) => manager.transaction(session => session.create([{ key, value: '' }]), OPTIONS)
    await create('a')
    expect(sqlCodes(await errorOf(create('a')))).toContain('SQLITE_CONSTRAINT_UNIQUE')
    const other = new Database((source.options as { database: string }).database)
    other.exec('BEGIN IMMEDIATE')
    expect(sqlCodes(await errorOf(create('b')))).toContain('SQLITE_BUSY')
    other.exec('ROLLBACK')
    await create('b')
    expect(other.prepare('SELECT key FROM settings ORDER BY key').all()).toEqual([{ key: 'a' }, { key: 'b' }])
    other.close()
    await end()
  })
})
