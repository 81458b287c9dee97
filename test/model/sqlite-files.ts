import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drizzle as drizzleLibsql } from 'drizzle-orm/libsql'
import * as sqlite from 'drizzle-orm/sqlite-core'
import knex from 'knex'
import { Kysely, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { DataSource, EntitySchema } from 'typeorm'
import type { ModelManager } from '../../src/backends/model/managers/manager.js'
import {
  drizzleManager,
  knexManager,
  kyselyManager,
  prismaManager,
  typeormManager,
  versionTables,
} from '../../src/index.js'
import { LibsqlClient } from './managers/knex-libsql.js'
import { prismaClient } from './prisma/generate.js'

/** A library's manager of the table `app_settings` of a file, and how to close it. */
export interface OnFile {
  readonly manager: ModelManager
  end(): Promise<unknown>
}

/** Every library that supports SQLite files, each through libsql. */
export const SQLITE_LIBRARIES: Readonly<Record<string, (file: string) => Promise<OnFile>>> = {
  async Kysely(file) {
    const db = new Kysely<object>({ dialect: new SqliteDialect({ database: new Database(file) as never }) })
    return { manager: kyselyManager(db, 'app_settings'), end: () => db.destroy() }
  },
  async Knex(filename) {
    const pool = { min: 0, max: 1 }
    const db = knex({ client: LibsqlClient, connection: { filename }, useNullAsDefault: true, pool })
    return { manager: knexManager(db, 'app_settings'), end: () => db.destroy() }
  },
  async Drizzle(file) {
    const db = drizzleLibsql({ connection: { url: `file:${file}` } })
    const columns = { settingKey: sqlite.text('setting_key').primaryKey(), settingValue: sqlite.text('setting_value') }
    const manager = drizzleManager(db, sqlite.sqliteTable('app_settings', columns))
    return { manager, end: async () => db.$client.close() }
  },
  async TypeORM(database) {
    const columns = {
      settingKey: { type: 'text', name: 'setting_key', primary: true },
      settingValue: { type: 'text', name: 'setting_value' },
    }
    const entity = new EntitySchema<object>({ name: 'app_settings', columns: columns as object })
    const driver = createRequire(import.meta.url)('libsql')
    const source = await new DataSource({
      type: 'better-sqlite3',
      driver,
      database,
      timeout: 0,
      entities: [entity],
    }).initialize()
    return { manager: typeormManager(source.getRepository<object>('app_settings')), end: () => source.destroy() }
  },
  async Prisma(file) {
    const prisma = await prismaClient('sqlite', { url: `file:${file}` })
    return { manager: prismaManager(prisma, 'appSetting') as ModelManager, end: () => prisma.$disconnect() }
  },
}

/** The names of its columns, as in the libraries' models. */
export function columnsOf(library: string): { readonly keyCol: string; readonly valueCol: string } {
  const mapped = ['Drizzle', 'TypeORM', 'Prisma'].includes(library)
  return mapped
    ? { keyCol: 'settingKey', valueCol: 'settingValue' }
    : { keyCol: 'setting_key', valueCol: 'setting_value' }
}

/** A file with that table and the version tables. */
export class SqliteFile {
  readonly path: string
  readonly #folder: string
  readonly #opened: (() => unknown)[] = []

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, 'app.db')
  }

  static async create(journal: 'wal' | 'delete', encoding = 'UTF-8'): Promise<SqliteFile> {
    const file = new SqliteFile(await mkdtemp(join(tmpdir(), 'durabledict-file-')))
    const table = 'CREATE TABLE app_settings (setting_key TEXT NOT NULL PRIMARY KEY, setting_value TEXT NOT NULL)'
    file
      .connect()
      .exec(
        `PRAGMA encoding = '${encoding}'; PRAGMA journal_mode = ${journal}; ${[table, ...versionTables('sqlite')].join(';')}`,
      )
    return file
  }

  /** A connection of another program. */
  connect(): Database.Database {
    const database = new Database(this.path)
    this.#opened.push(() => database.close())
    return database
  }

  async open(library: string): Promise<ModelManager> {
    const { manager, end } = await (SQLITE_LIBRARIES[library] as (file: string) => Promise<OnFile>)(this.path)
    this.#opened.push(end)
    return manager
  }

  async remove(): Promise<void> {
    for (const end of this.#opened.reverse()) await end()
    await rm(this.#folder, { recursive: true })
  }
}
