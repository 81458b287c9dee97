import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'
import type { StartOptions } from '../../servers/types.js'
import { prismaClient } from './generate.js'

type Provider = 'postgresql' | 'sqlite'

const TYPES = {
  postgresql: {
    id: 'serial PRIMARY KEY',
    key: 'text',
    time: 'timestamp(3)',
    json: 'json',
    jsonb: 'jsonb',
    bytes: 'bytea',
  },
  sqlite: {
    id: 'INTEGER PRIMARY KEY AUTOINCREMENT',
    key: 'text',
    time: 'DATETIME',
    json: 'JSONB',
    jsonb: 'JSONB',
    bytes: 'BLOB',
  },
} as const

/** The tables of the schema, as Prisma's migrations create them. */
function tables(provider: Provider): string[] {
  const { id, key, time, json, jsonb, bytes } = TYPES[provider]
  return [
    `CREATE TABLE settings (id ${id}, "key" ${key} NOT NULL UNIQUE, "value" text NOT NULL, note text NOT NULL DEFAULT 'none',
      size bigint, created_at ${time} NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at ${time} NOT NULL)`,
    `CREATE TABLE setting_changes (id ${id}, "key" ${key} NOT NULL REFERENCES settings ("key"))`,
    `CREATE TABLE app_settings (setting_key ${key} NOT NULL PRIMARY KEY, setting_value text NOT NULL)`,
    ...Object.entries({ json, jsonb, bytes }).map(
      ([name, type]) => `CREATE TABLE ${name}_settings ("key" ${key} NOT NULL PRIMARY KEY, "value" ${type} NOT NULL)`,
    ),
  ]
}

/** A database with the tables of the schema. */
export interface PrismaDatabase {
  /** Where others connect to it. */
  readonly url: string
  /** One more client of it, closed with it. */
  client(
    pool?: { max?: number; connectionTimeoutMillis?: number },
    options?: { schema?: string },
    clientOptions?: object,
  ): ReturnType<typeof prismaClient>
  end(): Promise<void>
}

async function prepared(provider: Provider, url: string, remove: () => Promise<unknown>): Promise<PrismaDatabase> {
  const clients: { $disconnect(): Promise<void> }[] = []
  const connection = provider === 'sqlite' ? { url } : { connectionString: url }
  const database: PrismaDatabase = {
    url,
    async client(pool, options, clientOptions) {
      const client = await prismaClient(provider, { ...connection, ...pool }, options, clientOptions)
      clients.push(client)
      return client
    },
    async end() {
      await Promise.all(clients.map(client => client.$disconnect()))
      await remove()
    },
  }
  const client = await database.client()
  if (provider === 'sqlite') await client.$queryRawUnsafe('PRAGMA journal_mode = WAL')
  for (const table of tables(provider)) await client.$executeRawUnsafe(table)
  return database
}

export async function prismaOnPostgres(options?: StartOptions): Promise<PrismaDatabase> {
  const server = await startServer(postgres, options)
  return prepared('postgresql', server.url, () => server.stop())
}

export async function prismaOnSqlite(): Promise<PrismaDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-prisma-'))
  return prepared('sqlite', `file:${join(folder, 'app.db')}`, () => rm(folder, { recursive: true }))
}
