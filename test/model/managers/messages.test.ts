import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AmbiguousWriteError, createTables, ModelDict, StoreUnavailableError } from '../../../src/index.js'
import { startPausingProxy } from '../../servers/pausing-proxy.js'
import { type PrismaDatabase, prismaOnPostgres } from '../prisma/databases.js'
import { rejection } from '../test-database.js'
import { ON_POSTGRESQL } from './libraries.js'

/** Part of a written value. */
const SECRET = 'secret - value'
const STATEMENT = /\b(?:select|insert into|update "|delete from|params:)\b/i

/** Prisma's adapter reports the kind of failure and drops the code. */
const UNREACHABLE = /ECONNREFUSED|DatabaseNotReachable/

let database: PrismaDatabase

beforeAll(async () => {
  database = await prismaOnPostgres()
  const client = new pg.Client(database.url)
  await client.connect()
  await client.query('CREATE TABLE entries (key varchar(512) PRIMARY KEY, value varchar(20) NOT NULL)')
  await client.query('ALTER TABLE app_settings ALTER COLUMN setting_value TYPE varchar(20)')
  await client.end()
})
afterAll(() => database?.end())

describe.each(Object.entries(ON_POSTGRESQL))('messages with %s', (_, open) => {
  it('name the root cause, and contain neither statement nor value', async () => {
    const { port } = new URL(database.url)
    const proxy = await startPausingProxy(Number(port))
    const { model, options, end } = await open(database.url.replace(`:${port}`, `:${proxy.port}`))
    await createTables(model)
    const dict = await ModelDict.open(model, options)
    const refused = await rejection(dict.set('long', SECRET.repeat(10)))
    expect(refused.message).toMatch(/too long/)
    proxy.close()
    // Pools first return the connections that were cut.
    const lost = [await rejection(dict.set('a', SECRET)), await rejection(dict.set('a', SECRET))]
    const unavailable = [await rejection(dict.get('a')), await rejection(ModelDict.open(model, options))]
    for (const error of unavailable) expect(error).toBeInstanceOf(StoreUnavailableError)
    for (const error of [...lost.slice(1), ...unavailable]) expect(error.message).toMatch(UNREACHABLE)
    for (const error of lost) expect([StoreUnavailableError, AmbiguousWriteError]).toContain(error.constructor)
    for (const { message } of [refused, ...lost, ...unavailable]) {
      expect(message).not.toContain(SECRET)
      expect(message).not.toMatch(STATEMENT)
    }
    await dict.close()
    await end()
  })
})
