import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgresJs from 'postgres'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { PostgresDict } from '../../src/postgres.js'
import { until } from '../model/test-database.js'
import { pgbouncer } from '../servers/pgbouncer.js'
import { freePort } from '../servers/port.js'
import { startServer } from '../servers/start.js'
import { testServer } from './test-server.js'

const server = testServer()

/** Connections that listen. */
async function listeners(): Promise<number> {
  return (
    await server.it.sql(`SELECT FROM pg_stat_activity WHERE query ILIKE 'listen%' OR query LIKE '%/* listening */'`)
  ).length
}

describe('a live dictionary', () => {
  test('is notified by pg and by postgres.js, on one more connection, which close() ends', async () => {
    const { it } = server
    const name = it.name()
    const writer = await it.open(name)
    const sql = postgresJs(it.server.url, { max: 2, onnotice: () => {} })
    it.cleanup.push(() => sql.end())
    // Only a notification is this early.
    const options = { live: true, maxStaleness: 60_000, pollEvery: 60_000 }
    const pool = it.pool()
    const opened = [
      await it.open(name, options, pool),
      await it.open(name, options, pool),
      await PostgresDict.open(name, sql, options),
    ]
    for (const number of [1, 2, 3]) {
      await writer.set('a', number)
      await until(() => opened.every(dict => dict.local.get('a') === number), 'all are notified')
    }
    for (const dict of opened) await dict.close()
    await until(async () => (await listeners()) === 0, 'no connection listens')
  })

  test('follows again after its listening connection was ended', async () => {
    const { it } = server
    const name = it.name()
    const writer = await it.open(name)
    const sql = postgresJs(it.server.url, { max: 2, onnotice: () => {} })
    it.cleanup.push(() => sql.end())
    const options = { live: true, maxStaleness: 60_000 }
    const opened = [await it.open(name, options), await PostgresDict.open(name, sql, options)]
    it.cleanup.push(() => opened[1]?.close())
    await it.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND query NOT LIKE 'SELECT pg_terminate%'`,
    )
    await writer.set('a', 1)
    await until(() => opened.every(dict => dict.local.get('a') === 1), 'both follow')
    await writer.set('a', 2)
    await until(() => opened.every(dict => dict.local.get('a') === 2), 'both are notified again')
  })
})

describe('behind PgBouncer in transaction mode', () => {
  let url: string

  beforeAll(async () => {
    const port = await freePort()
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-pgbouncer-'))
    const { port: target } = server.it.server
    await writeFile(
      join(folder, 'pgbouncer.ini'),
      `[databases]
postgres = user=postgres dbname=postgres host=127.0.0.1 port=${target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
unix_socket_dir =
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits
`,
    )
    await chmod(folder, 0o755)
    const started = await startServer(pgbouncer, { port, folder })
    url = started.url
    return async () => {
      await started.stop()
      await rm(folder, { recursive: true })
    }
  })

  for (const [library, open] of [
    ['pg', async (name: string) => server.it.open(name, { live: true, pollEvery: 50 }, server.it.pool({ url }))],
    [
      'postgres.js',
      async (name: string) => {
        const sql = postgresJs(url, { max: 3, onnotice: () => {} })
        server.it.cleanup.push(() => sql.end())
        const dict = await PostgresDict.open(name, sql, { live: true, pollEvery: 50 })
        server.it.cleanup.push(() => dict.close())
        return dict
      },
    ],
  ] as const) {
    test(`${library}: everything but notifications works, and one warning says so`, async () => {
      const { it } = server
      const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      it.cleanup.push(() => warning.mockRestore())
      const name = it.name()
      const [dict, other] = [await open(name), await it.open(name)]
      await Promise.all(Array.from({ length: 20 }, (_, index) => dict.set(`key ${index}`, index)))
      const reads = await Promise.all(Array.from({ length: 20 }, (_, index) => dict.get(`key ${index}`)))
      expect(reads).toEqual(Array.from({ length: 20 }, (_, index) => index))
      for (let index = 0; index < 10; index += 1) {
        await other.set('a', index)
        expect(await dict.get('a')).toBe(index)
      }
      await dict.transact(async tx => tx.set('a', ((await tx.get('a')) as number) + 1))
      await other.set('b', 1)
      await until(() => dict.local.get('b') === 1, 'it polls')
      const codes = warning.mock.calls.map(([, options]) => (options as { code?: string }).code)
      expect(codes.filter(code => code === 'DURABLEDICT_NO_NOTIFICATIONS')).toHaveLength(1)
    })
  }

  test('a short time limit leaves room for the test of notifications', async () => {
    const { it } = server
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    it.cleanup.push(() => warning.mockRestore())
    const dict = await it.open(it.name(), { live: true, timeout: 1_500 }, it.pool({ url }))
    await dict.set('a', 1)
    expect(await dict.get('a')).toBe(1)
  })
})
