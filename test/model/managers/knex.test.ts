import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { expect } from 'vitest'
import { knexManager } from '../../../src/backends/model/managers/knex/knex-manager.js'
import { mariadb } from '../../servers/mariadb.js'
import { postgres } from '../../servers/postgres.js'
import { startServer } from '../../servers/start.js'
import { LibsqlClient } from './knex-libsql.js'
import { managerSuite, type Opened } from './suite.js'
import { suiteTables } from './tables.js'

const snake = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** As applications map names: a result that is not a list of rows is passed on as the driver returns it. */
const MAPPED: Knex.Config = {
  wrapIdentifier: (name, wrap) => wrap(name === '*' ? name : snake(name)),
  postProcessResponse: response =>
    Array.isArray(response)
      ? response.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [camel(name), value])))
      : response,
}

function managers(config: Knex.Config) {
  const db = knex({ pool: { min: 0, max: 4 }, ...config })
  const mapping = knex({ pool: { min: 0, max: 1 }, ...config, ...MAPPED })
  return {
    db,
    mapping,
    managers: {
      manager: knexManager(db, 'settings'),
      mapped: knexManager(mapping, 'appSettings'),
      bytes: knexManager(db, 'bytes_settings'),
      json: knexManager(db, 'json_settings'),
      jsonb: knexManager(mapping, 'jsonbSettings'),
      filled: ({ id, created_at }: Record<string, unknown>) => {
        expect(id).toBeGreaterThan(0)
        expect(created_at).toBeTruthy()
      },
    },
    async end() {
      await db.destroy()
      await mapping.destroy()
    },
  }
}

async function onPostgres(): Promise<Opened> {
  const server = await startServer(postgres)
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query(suiteTables('postgresql').join(';'))
  await client.end()
  const { managers: opened, end } = managers({ client: 'pg', connection: server.url })
  return { ...opened, end: () => end().then(() => server.stop()) }
}

async function onMariadb(): Promise<Opened> {
  const server = await startServer(mariadb)
  const client = await mysql.createConnection({ uri: server.url, multipleStatements: true })
  await client.query(suiteTables('mysql').join(';'))
  await client.end()
  const { managers: opened, end } = managers({ client: 'mysql2', connection: server.url })
  return { ...opened, end: () => end().then(() => server.stop()) }
}

async function onSqlite(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-knex-'))
  const connection = { filename: join(folder, 'app.db') }
  const opened = managers({ client: LibsqlClient, connection, useNullAsDefault: true, pool: { min: 0, max: 1 } })
  for (const statement of suiteTables('sqlite')) await opened.db.raw(statement)
  const { json, jsonb, ...rest } = opened.managers
  return { ...rest, end: () => opened.end().then(() => rm(folder, { recursive: true })) }
}

managerSuite('knexManager on PostgreSQL', onPostgres)
managerSuite('knexManager on MariaDB', onMariadb)
managerSuite('knexManager on SQLite', onSqlite)
