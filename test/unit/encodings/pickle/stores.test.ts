import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import knex from 'knex'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createTables,
  type DurableDict,
  JSONEncoding,
  knexManager,
  ModelDict,
  PickleEncoding,
  RedisDict,
} from '../../../../src/index.js'
import { LibsqlClient } from '../../../model/managers/knex-libsql.js'
import { redis } from '../../../servers/redis.js'
import { startServer } from '../../../servers/start.js'
import type { Server } from '../../../servers/types.js'

let server: Server
let folder: string
let entries: [string, string][]

beforeAll(async () => {
  server = await startServer(redis)
  folder = await mkdtemp(join(tmpdir(), 'durabledict-pickle-'))
  entries = await pickled()
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

/**
 * What Python wrote, with the line breaks of its library: from the Python on this machine, or else from the one that
 * made the vectors.
 */
async function pickled(): Promise<[string, string][]> {
  try {
    const script = fileURLToPath(new URL('./vectors.py', import.meta.url))
    return Object.entries(
      JSON.parse(execFileSync('python3', [script, 'durabledict'], { encoding: 'utf8', stdio: 'pipe' })),
    )
  } catch {
    const vectors = JSON.parse(await readFile(new URL('./vectors.json', import.meta.url), 'utf8'))
    const plain = vectors.filter(
      (each: { protocol: number; expected?: string }) => each.protocol === 5 && each.expected,
    )
    return plain.map(({ name, pickle }: { name: string; pickle: string }) => [name, pickle.replace(/.{76}/g, '$&\n')])
  }
}

const CYCLIC = ['cyclic list', 'cyclic dict', 'shared']

/** Reads and re-encodes everything, and returns what is stored then. */
async function rewrite(dict: DurableDict<Record<string, unknown>>): Promise<void> {
  expect(await dict.size()).toBe(entries.length + 1)
  expect(await dict.get('dict')).toMatchObject({ theme: 'dark', perPage: 20 })
  expect(await dict.get('datetime')).toEqual(new Date('2020-02-29T23:59:58.123Z'))
  await expect(dict.get('by hand')).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING', key: 'by hand' })
  await dict.reencode()
  expect(await dict.reencode()).toBe(0)
  await dict.close()
}

function expectRewritten(stored: Record<string, string>): void {
  expect(stored.true).toBe('true')
  expect(stored.tuples).toBe('[[1],[1,2],[1,2,3],[1,2,3,4]]')
  expect(stored['by hand']).toBe('dark')
  for (const [key] of entries) expect(() => new PickleEncoding().decode(stored[key] as string), key).toThrow()
  for (const key of CYCLIC) expect(stored[key]).toMatch(/^rich:/)
}

test('a Redis hash written by Python is read and re-encoded', async () => {
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  await client.hSet('settings', Object.fromEntries([...entries, ['by hand', 'dark']]))
  await rewrite(await RedisDict.open('settings', client, { oldEncoding: PickleEncoding }))
  expectRewritten(await client.hGetAll('settings'))
  client.destroy()
})

test('a table written by Python is read and re-encoded', async () => {
  const db = knex({ client: LibsqlClient, connection: { filename: join(folder, 'app.db') }, useNullAsDefault: true })
  await db.raw('CREATE TABLE settings ("key" TEXT NOT NULL UNIQUE, value TEXT NOT NULL)')
  await db('settings').insert([...entries, ['by hand', 'dark'] as const].map(([key, value]) => ({ key, value })))
  const manager = knexManager(db, 'settings')
  await createTables(manager)
  await rewrite(await ModelDict.open(manager, { oldEncoding: PickleEncoding }))
  const rows: { key: string; value: string }[] = await db('settings').select()
  expectRewritten(Object.fromEntries(rows.map(({ key, value }) => [key, value])))
  await db.destroy()
})

test('JSON stored by Python needs no old encoding', async () => {
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  await client.hSet('json', {
    a: '{"theme": "dark", "list": [1, 2.0, null, true]}',
    b: '"h\\u00e9"',
    c: '12345678901234567890',
  })
  for (const options of [{}, { encoding: JSONEncoding }]) {
    const dict = await RedisDict.open('json', client, options)
    expect(await dict.get('a')).toEqual({ theme: 'dark', list: [1, 2, null, true] })
    expect([await dict.get('b'), await dict.get('c')]).toEqual(['hé', 12345678901234567890n])
    await dict.close()
  }
  client.destroy()
})
