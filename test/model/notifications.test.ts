import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { kyselyManager, ModelDict } from '../../src/index.js'
import { startPausingProxy } from '../servers/pausing-proxy.js'
import { poolOf, testDatabase, until } from './test-database.js'

const MANY = 33
const database = testDatabase()

/** The warnings of the process. */
let warnings: string[] = []
const note = ({ name, message }: Error) => warnings.push(`${name}: ${message}`)
beforeEach(() => {
  warnings = []
  process.on('warning', note)
})
afterEach(() => void process.off('warning', note))

/** Connections of the server that listen. */
const listening = async () =>
  (
    await database.it.sql(
      `SELECT 1 FROM pg_stat_activity WHERE query ~ '^((UN)?LISTEN|SELECT 1$)' AND pid <> pg_backend_pid()`,
    )
  ).length

async function connected(url = database.it.server.url): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Many live dictionaries in one table, on one pool. */
async function openMany(listen: (index: number) => pg.Client | (() => Promise<pg.Client>), timeout = 5_000) {
  const table = await database.it.table()
  const pool = poolOf(database.it.server.url, 4)
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
  const signal = new AbortController().signal
  const dicts = await Promise.all(
    Array.from({ length: MANY }, (_, index) =>
      ModelDict.open(kyselyManager(db, table), {
        ...{ name: `d${index}`, live: true, autosync: false, maxStaleness: 60_000, timeout, signal },
        listen: listen(index),
      }),
    ),
  )
  database.it.cleanup.push(async () => {
    await Promise.all(dicts.map(dict => dict.close()))
    await db.destroy()
  })
  const all = (key: string, value: unknown) => dicts.every(dict => dict.local.get(key) === value)
  return { dicts, all, table }
}

/** Each is notified of external writes, without a check. */
async function expectNotified({ dicts, table }: Awaited<ReturnType<typeof openMany>>, value: number): Promise<void> {
  for (const index of [0, MANY - 1]) {
    const writer = await ModelDict.open(database.it.manager(table), { name: `d${index}` })
    await writer.set('a', value)
    await until(() => dicts[index]?.local.get('a') === value, 'it is notified')
    await writer.close()
  }
}

describe('many dictionaries of one database', () => {
  test('share the connection that a function makes, which is closed with the last of them', async () => {
    let made = 0
    const opened = await openMany(() => () => {
      made += 1
      return connected()
    })
    expect([made, await listening()]).toEqual([1, 1])
    await expectNotified(opened, 1)
    await Promise.all(opened.dicts.slice(1).map(dict => dict.close()))
    expect(await listening()).toBe(1)
    await opened.dicts[0]?.set('b', 1)
    await opened.dicts[0]?.close()
    await until(async () => (await listening()) === 0, 'the connection has ended')
    expect(warnings).toEqual([])
  })

  test('share a client of the application without warnings, and leave it unchanged', async () => {
    const client = await connected()
    const opened = await openMany(() => client)
    await expectNotified(opened, 1)
    await Promise.all(opened.dicts.map(dict => dict.close()))
    expect(['notification', 'error', 'end'].map(event => client.listenerCount(event))).toEqual([0, 1, 0])
    expect((await client.query('SELECT pg_listening_channels()')).rows).toEqual([])
    await client.end()
    expect(warnings).toEqual([])
  })

  test('get a new connection when theirs has gone silent', async () => {
    const { port, url } = database.it.server
    const proxy = await startPausingProxy(port as number)
    database.it.cleanup.push(() => proxy.close())
    let made = 0
    const opened = await openMany(
      () => () => {
        made += 1
        return connected(url.replace(`:${port}`, `:${proxy.port}`))
      },
      1_000,
    )
    proxy.freeze()
    const start = performance.now()
    await until(() => made === 2, 'the silence is noticed')
    expect(performance.now() - start).toBeLessThan(6_000)
    await expectNotified(opened, 2)
  })
})

test('a client without an error listener causes one warning', async () => {
  const client = new pg.Client({ connectionString: database.it.server.url })
  await client.connect()
  const table = await database.it.table()
  for (const name of ['one', 'two']) {
    const dict = await database.it.open(table, { name, live: true, listen: client })
    await dict.close()
  }
  await until(() => warnings.length > 0, 'it is warned')
  expect(warnings.filter(text => text.includes("client.on('error'"))).toHaveLength(1)
  await client.end()
})
