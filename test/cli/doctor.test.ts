import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'libsql'
import pg from 'pg'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clockFindings } from '../../src/cli/doctor/finding.js'
import { serverFindings } from '../../src/cli/doctor/postgres.js'
import { findingsOfInfo } from '../../src/cli/doctor/redis.js'
import { findingsOfSrvr } from '../../src/cli/doctor/zookeeper.js'
import { PostgresDict, RedisDict, SqliteDict } from '../../src/index.js'
import { postgres } from '../servers/postgres.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { cli, temporaryFolder } from './support.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

interface Found {
  readonly check: string
  readonly severity: string
  readonly advice: string
}

/** The checks that found something. */
async function found(args: readonly string[], where = folder.path): Promise<string[]> {
  const { code, stdout, stderr } = await cli(['doctor', ...args], { folder: where })
  if (stdout === '') throw new Error(stderr)
  const findings: Found[] = JSON.parse(stdout)
  expect(code).toBe(findings.length === 0 ? 0 : 1)
  for (const { advice } of findings) expect(advice).not.toBe('')
  return findings.map(({ check, severity }) => `${severity} ${check}`)
}

describe('doctor on SQLite', () => {
  const open = (name: string, options = {}) => SqliteDict.open(name, join(folder.path, 'app.db'), options)
  const url = (name: string) => `sqlite:${join(folder.path, 'app.db')}#${name}`

  it('finds nothing wrong with a new dictionary', async () => {
    await (await open('good')).close()
    expect(await found(['--url', url('good')])).toEqual([])
  })

  it('finds a file and a dictionary that do not exist', async () => {
    await (await open('good')).close()
    expect(await found(['--url', 'sqlite:./nothing.db#a'])).toEqual(['error tables'])
    expect(await found(['--url', url('nothing'), '--read-only'])).toEqual(['error tables'])
  })

  it('finds a leftover bound', async () => {
    await (await open('bound', { maxStaleness: 60_000, replicas: false })).close()
    expect(await found(['--url', url('bound')])).toEqual(['warning bound'])
  })

  it('finds a process that is silent', async () => {
    const dict = await open('silent', { service: 'web' })
    const file = new Database(join(folder.path, 'app.db'))
    file.exec("UPDATE durabledict_replicas SET seen_at = seen_at - 25000 WHERE dict = 'silent'")
    file.close()
    expect(await found(['--url', url('silent')])).toEqual(['warning silent'])
    await dict.close()
  })

  it('finds values that do not fit the schema, and keys that nothing declares', async () => {
    const dict = await open('typed')
    await dict.update({ perPage: 'many', old: 1, theme: 'dark' })
    await dict.close()
    const where = join(folder.path, 'typed')
    await mkdir(where)
    const schema = `{ '~standard': { version: 1, vendor: 'test', validate: value => typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] } } }`
    await writeFile(
      join(where, 'durabledict.config.mjs'),
      `import { SqliteDict } from ${JSON.stringify(new URL('../../lib/esm/index.js', import.meta.url).href)}
       export default { typed: () => SqliteDict.open('typed', ${JSON.stringify(join(folder.path, 'app.db'))}, { schema: { perPage: ${schema} }, defaults: {} }) }`,
    )
    expect(await found(['--store', url('typed')], where)).toEqual([
      'warning undeclared',
      'error schema',
      'warning undeclared',
    ])
    const { code, stdout } = await cli(['check'], { folder: where })
    expect(code).toBe(1)
    expect(JSON.parse(stdout).map(({ key, problem }: { key: string; problem: string }) => [key, problem])).toEqual([
      ['old', 'undeclared'],
      ['perPage', 'schema'],
      ['theme', 'undeclared'],
    ])
  })
})

describe('doctor on Redis', () => {
  let server: Server
  let client: ReturnType<typeof createClient>
  beforeAll(async () => {
    server = await startServer(redis)
    client = createClient({ url: server.url })
    await client.connect()
    await (await RedisDict.open('settings', client)).close()
  })
  afterAll(async () => {
    client.destroy()
    await server.stop()
  })
  const url = (name = 'settings', credentials = '') => `${server.url.replace('://', `://${credentials}`)}#${name}`

  it('finds nothing wrong with a durable primary', async () => {
    expect(await found(['--url', url()])).toEqual([])
  })

  it('finds an eviction policy and no persistence', async () => {
    await client.configSet({ 'maxmemory-policy': 'allkeys-lru', appendonly: 'no', save: '' })
    expect(await found(['--url', url()])).toEqual(['error eviction', 'error persistence'])
    await client.configSet({ save: '3600 1' })
    expect(await found(['--url', url()])).toEqual(['error eviction', 'warning persistence'])
    await client.configSet({ 'maxmemory-policy': 'noeviction', appendonly: 'yes' })
  })

  it('finds a key of the wrong type', async () => {
    await client.set('text', 'x')
    expect(await found(['--url', url('text')])).toContain('error type')
  })

  it('finds a user without rights', async () => {
    await client.sendCommand([
      'ACL',
      'SETUSER',
      'nobody',
      'on',
      '>pw',
      '~*',
      '&*',
      '-@all',
      '+info',
      '+config',
      '+time',
      '+hello',
      '+client',
      '+type',
    ])
    expect(await found(['--url', url('settings', 'nobody:pw@')])).toContain('error rights')
    expect(await found(['--url', url('settings', 'nobody:wr0ng@')])).toContain('error rights')
  })

  it('and every verb say what to do about a rejected login, and exit with 4', async () => {
    const { code, stderr } = await cli(['get', 'a', '--url', url('settings', 'nobody:wr0ng@')])
    expect([code, stderr]).toEqual([4, expect.stringMatching(/rejects the login.*Check the user, the password/)])
    expect(stderr).not.toContain('wr0ng')
  })

  it('finds a replica in place of a primary', async () => {
    await client.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
    expect(await found(['--url', url(), '--timeout', '500'])).toContain('error role')
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
  })
})

describe('doctor on PostgreSQL', () => {
  let server: Server
  let admin: pg.Client
  beforeAll(async () => {
    server = await startServer(postgres)
    admin = new pg.Client(server.url)
    await admin.connect()
  })
  afterAll(async () => {
    await admin.end()
    await server.stop()
  })

  it('finds missing tables, then disabled triggers, then missing rights', async () => {
    const url = `${server.url}#settings`
    const trusted = ['--url', url]
    expect(await found([...trusted, '--read-only'])).toContain('error tables')
    await (await PostgresDict.open('settings', server.url)).close()
    const start = await found(trusted)
    expect(start.filter(one => one !== 'error persistence')).toEqual([])
    await admin.query('ALTER TABLE durabledict_entries DISABLE TRIGGER ALL')
    expect(await found(trusted)).toContain('error triggers')
    await admin.query('ALTER TABLE durabledict_entries ENABLE TRIGGER ALL')
    await admin.query(`CREATE ROLE nobody LOGIN PASSWORD 'pw'`)
    const nobody = new URL(server.url)
    nobody.username = 'nobody'
    nobody.password = 'pw'
    expect(await found(['--url', `${nobody.href}#settings`])).toContain('error rights')
    await admin.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO nobody')
    const ofReader = await found(['--url', `${nobody.href}#settings`])
    expect(ofReader.filter(one => one !== 'error persistence')).toEqual(['error rights'])
  })

  it('and every verb say what to do about a rejected login, and exit with 4', async () => {
    if (server.folder === undefined) return
    const rules = "VALUES ('host all stranger all scram-sha-256'), ('host all all all trust')"
    await admin.query(`COPY (${rules}) TO '${server.folder}/pg_hba.conf'`)
    await admin.query('SELECT pg_reload_conf()')
    await admin.query(`CREATE ROLE stranger LOGIN PASSWORD 'pw'`)
    const { host } = new URL(server.url)
    for (const address of [
      `stranger:wr0ng@${host}/postgres?`,
      `stranger@${host}/postgres?`,
      `${host}/postgres?user=stranger&password=wr0ng&`,
    ]) {
      const args = ['get', 'a', '--url', `postgres://${address}connect_timeout=9#settings`]
      const shows = () => cli(args).then(({ code, stderr }) => ({ code, stderr }))
      const message = expect.stringMatching(/rejects the login.*Check the user and the password/)
      await expect.poll(shows).toEqual({ code: 4, stderr: message })
      expect((await shows()).stderr).not.toContain('wr0ng')
    }
    expect(await found(['--url', `postgres://stranger:wr0ng@${host}/postgres#settings`])).toEqual(['error rights'])
    const noDatabase = await cli(['get', 'a', '--url', `postgres://postgres@${host}/nothing#settings`])
    expect(noDatabase).toMatchObject({ code: 4, stderr: expect.stringContaining('Correct the name of the database') })
  })
})

describe('what servers say of themselves', () => {
  it('is found if they are old', () => {
    const checks = (list: readonly { check: string }[]) => list.map(({ check }) => check)
    expect(checks(findingsOfInfo('redis_version:6.2.14\r\naof_enabled:1\r\n', ''))).toEqual(['version'])
    expect(checks(findingsOfInfo('redis_version:7.2.4\r\nvalkey_version:8.0.1\r\naof_enabled:1\r\n', ''))).toEqual([])
    expect(checks(serverFindings(['110022', '11.22', 'true', 'off', 'on', '1000'], 1_000, 1_001))).toEqual([
      'version',
      'role',
      'persistence',
    ])
    expect(checks(findingsOfSrvr('zk:2181', 'Zookeeper version: 3.4.14-4c25d48'))).toEqual(['version'])
    expect(checks(findingsOfSrvr('zk:2181', 'Zookeeper version: 3.9.3-1'))).toEqual([])
    expect(checks(findingsOfSrvr('zk:2181', undefined))).toEqual(['connection'])
  })

  it('is found if their clocks are off', () => {
    expect(clockFindings(10_000, 9_000, 11_000)).toEqual([])
    expect(clockFindings(10_000, 20_000, 20_010)[0]?.message).toContain('10 seconds behind')
    expect(clockFindings(90_000, 20_000, 20_010)[0]?.message).toContain('70 seconds ahead')
  })
})
