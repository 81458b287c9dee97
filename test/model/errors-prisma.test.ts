import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqlCodes } from '../../src/backends/sql/sql-codes.js'
import { prismaManager } from '../../src/index.js'
import {
  changedSince,
  downErrors,
  errorOf,
  exhaustedPool,
  POSTGRESQL,
  type Pooled,
  serverErrors,
} from './library-errors.js'
import { type PrismaDatabase, prismaOnPostgres, prismaOnSqlite } from './prisma/databases.js'
import { prismaClient } from './prisma/generate.js'

const OPTIONS = { limit: 10_000 }
const POOL = { max: 2, connectionTimeoutMillis: 300 }

describe('errors of Prisma on PostgreSQL:', () => {
  let database: PrismaDatabase
  let opened: Pooled
  beforeAll(async () => {
    database = await prismaOnPostgres({ args: ['-c', 'deadlock_timeout=20ms'] })
    const prisma = await database.client(POOL)
    await prisma.$executeRawUnsafe('ALTER TABLE settings ALTER note TYPE varchar(80)')
    opened = { manager: prismaManager(prisma, 'setting'), end: () => prisma.$disconnect() }
  })
  afterAll(() => database?.end())

  serverErrors(() => opened, POSTGRESQL)
  exhaustedPool(() => opened)
  changedSince(() => opened, '40001')
  downErrors(async port => {
    const prisma = await prismaClient('postgresql', { ...POOL, connectionString: `postgres://127.0.0.1:${port}/none` })
    return { manager: prismaManager(prisma, 'setting'), end: () => prisma.$disconnect() }
  }, 'DatabaseNotReachable')
})

describe('errors of Prisma on SQLite:', () => {
  test('a duplicate key, and a file that another process is writing to', async () => {
    const database = await prismaOnSqlite()
    const prisma = await database.client()
    const manager = prismaManager(prisma, 'setting')
    const create = (key: string) => manager.transaction(session => session.create([{ key, value: '' }]), OPTIONS)
    await create('a')
    expect(sqlCodes(await errorOf(create('a')))).toContain('2067')
    const other = new Database(database.url.replace('file:', ''))
    other.exec('BEGIN IMMEDIATE')
    expect(sqlCodes(await errorOf(create('b')))).toContain('5')
    other.exec('ROLLBACK')
    await expect.poll(() => create('b').then(() => 'created', String)).toBe('created')
    expect(other.prepare('SELECT key FROM settings ORDER BY key').all()).toEqual([{ key: 'a' }, { key: 'b' }])
    other.close()
    await database.end()
  })
})
