import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as mysql from 'drizzle-orm/mysql-core'
import * as pg from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drizzleVersionTables, prismaVersionModels, typeormVersionEntities, versionTables } from '../../src/model.js'
import { mariadb } from '../servers/mariadb.js'
import { postgres } from '../servers/postgres.js'
import { startServer } from '../servers/start.js'

/** What `synchronize` would do to tables that the library's own statements created. */
async function differences(source: DataSource, dialect: 'postgresql' | 'mysql' | 'sqlite'): Promise<string[]> {
  await source.initialize()
  try {
    for (const statement of versionTables(dialect)) await source.query(statement)
    const { upQueries } = await source.driver.createSchemaBuilder().log()
    return upQueries.map(({ query }) => query)
  } finally {
    await source.destroy()
  }
}

const entitiesOf = (dialect: 'postgresql' | 'mysql' | 'sqlite') =>
  typeormVersionEntities(dialect).map(options => new EntitySchema(options))

describe("createTables makes the tables of TypeORM's version entities", () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durabledict-definitions-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('on SQLite', async () => {
    const driver = createRequire(import.meta.url)('libsql')
    const database = join(folder, 'app.db')
    const source = new DataSource({ type: 'better-sqlite3', driver, database, entities: entitiesOf('sqlite') })
    expect(await differences(source, 'sqlite')).toEqual([])
  })

  test('on PostgreSQL', async () => {
    const { url, stop } = await startServer(postgres)
    try {
      const source = new DataSource({ type: 'postgres', url, entities: entitiesOf('postgresql') })
      expect(await differences(source, 'postgresql')).toEqual([])
    } finally {
      await stop()
    }
  })

  test('on MariaDB', async () => {
    const { url, stop } = await startServer(mariadb)
    try {
      const source = new DataSource({ type: 'mariadb', url, entities: entitiesOf('mysql') })
      expect(await differences(source, 'mysql')).toEqual([])
    } finally {
      await stop()
    }
  })
})

describe('drizzleVersionTables()', () => {
  test.each([
    ['pg-core', pg, pg.getTableConfig],
    ['mysql-core', mysql, mysql.getTableConfig],
    ['sqlite-core', sqlite, sqlite.getTableConfig],
  ] as const)('has the columns of the statements, by %s', (_name, core, configOf) => {
    const tables = Object.values(drizzleVersionTables(core))
    const config = configOf as (table: never) => {
      name: string
      columns: { name: string; notNull: boolean; getSQLType(): string }[]
    }
    const all = tables.map(table => config(table as never))
    const dialect = core === pg ? 'postgresql' : core === mysql ? 'mysql' : 'sqlite'
    for (const [index, { name, columns }] of all.entries()) {
      const statement = (versionTables(dialect)[index] as string).replaceAll(
        ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
        '',
      )
      expect(statement).toContain(name)
      for (const column of columns) {
        expect(statement).toContain(`${column.name} ${column.getSQLType()}${column.notNull ? ' NOT NULL' : ''}`)
      }
    }
  })

  test('rejects another module', () => {
    expect(() => drizzleVersionTables({} as never)).toThrow(/drizzle-orm\/pg-core/)
  })
})

test('prismaVersionModels() returns the models that the Prisma page shows', async () => {
  const page = await readFile(new URL('../../docs/model/prisma.md', import.meta.url), 'utf8')
  const plain = (text: string) => text.replaceAll(/[ \n]+/g, ' ').trim()
  expect(plain(page)).toContain(plain(prismaVersionModels('postgresql')))
  expect(prismaVersionModels('sqlite')).not.toContain('@db.')
  expect(prismaVersionModels('mysql')).toContain('effects String? @db.LongText')
})
