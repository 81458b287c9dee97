import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type DurableDict, RedisDict, StoreUnavailableError } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { until } from '../redis/support.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { RedisNode } from '../servers/types.js'
import { onExpress } from './frameworks/express.js'
import { onFastify } from './frameworks/fastify.js'
import { onHono } from './frameworks/hono.js'
import { onKoa } from './frameworks/koa.js'
import { onNestExpress, onNestFastify } from './frameworks/nestjs.js'
import type { Served } from './frameworks/site.js'
import { getJson, heard } from './support.js'

const TIMEOUT = 800

/** Separates the duration of a request that waits for the store from one that does not, with room for a busy machine. */
const AT_ONCE = TIMEOUT - 100

let server: RedisNode
beforeAll(async () => {
  delete process.env[redis.variable]
  server = (await startServer(redis)) as RedisNode
})
afterAll(() => server.stop())

const closing: (() => unknown)[] = []
afterEach(async () => {
  process.kill(server.pid, 'SIGCONT')
  for (const close of closing.splice(0).reverse()) await close()
})

let opened = 0

/** A dictionary on the server by its own client, and another one that writes. */
async function open(options: object = {}): Promise<{ dict: DurableDict; writer: DurableDict }> {
  opened += 1
  const dicts = []
  for (const timeout of [TIMEOUT, 5_000]) {
    const client = createClient({ url: server.url })
    client.on('error', () => {})
    await client.connect()
    closing.push(() => client.destroy())
    const dict: DurableDict = await RedisDict.open(`settings-${opened}`, client, { timeout, ...options })
    closing.push(() => dict.close().catch(() => {}))
    dicts.push(dict)
  }
  const [dict, writer] = dicts as [DurableDict, DurableDict]
  await writer.set('colour', 'red')
  await dict.sync()
  return { dict, writer }
}

function closeLater(site: Served): string {
  closing.push(() => site.close())
  return site.url
}

/** The response, and whether it came within that many milliseconds. */
async function request(url: string, ms = TIMEOUT): Promise<{ soon: boolean; status: number; body: unknown }> {
  const { soon, value } = await inTime(ms, async () => {
    const response = await fetch(url)
    return { status: response.status, body: await response.text() }
  })
  return { soon, ...value }
}

const frameworks = [onExpress, onFastify, onKoa, onHono, onNestExpress, onNestFastify]

describe.each(frameworks)('a Redis that hangs, with $name', framework => {
  const pages = { '/': (dicts: object) => [...Object.values(dicts)].map(dict => dict.get('colour')) }

  test("'serve' makes the first requests wait for at most timeout and the others not at all, then recovers", async () => {
    const { dict, writer } = await open()
    const events = heard(dict)
    const url = closeLater(await framework.serve({ dictionaries: { settings: dict }, pages }))
    await request(url)
    process.kill(server.pid, 'SIGSTOP')
    const first = await Promise.all(Array.from({ length: 5 }, () => request(url, TIMEOUT * 2)))
    for (const answer of first) expect(answer).toEqual({ soon: true, status: 200, body: '["red"]' })
    // One of them may check again and wait for a moment; none waits for the whole timeout again.
    const then = await Promise.all(Array.from({ length: 5 }, () => request(url, AT_ONCE)))
    for (const answer of then) expect(answer).toEqual({ soon: true, status: 200, body: '["red"]' })
    expect(events).toEqual([{ event: 'stale', cause: expect.any(StoreUnavailableError) }])
    process.kill(server.pid, 'SIGCONT')
    await writer.set('colour', 'green')
    await until(async () => (await request(url)).body === '["green"]', 'a fresh answer')
    expect(events.map(({ event }) => event)).toEqual(['stale', 'fresh'])
  })

  test("'fail' responds with 503 within timeout, then at once, then recovers", async () => {
    const { dict } = await open()
    const options = { whenDown: 'fail' } as const
    const url = closeLater(await framework.serve({ dictionaries: { settings: dict }, options, pages }))
    await request(url)
    process.kill(server.pid, 'SIGSTOP')
    expect((await request(url)).status).toBe(503)
    expect(await request(url, AT_ONCE)).toMatchObject({ soon: true, status: 503 })
    process.kill(server.pid, 'SIGCONT')
    await until(async () => (await request(url)).status === 200, 'an answer')
  })
})

describe('a Redis that is down', () => {
  test('memory keeps serving, and after a restart the store is followed', async () => {
    const own = (await startServer(redis)) as RedisNode
    const client = createClient({ url: own.url, socket: { reconnectStrategy: 20 } })
    client.on('error', () => {})
    await client.connect()
    closing.push(() => client.destroy())
    const dict: DurableDict = await RedisDict.open('settings', client, { timeout: TIMEOUT })
    closing.push(() => dict.close().catch(() => {}))
    await dict.set('colour', 'red')
    const events = heard(dict)
    const pages = { '/': () => [dict.current().get('colour') ?? 'none'] }
    const url = closeLater(await onExpress.serve({ dictionaries: { settings: dict }, pages }))
    await own.stop()
    for (let request = 0; request < 3; request += 1) expect(await getJson(url)).toEqual(['red'])
    expect(events.map(({ event }) => event)).toEqual(['stale'])
    // Another one, empty: memory follows the store.
    const again = await startServer(redis, { port: own.port })
    closing.push(() => again.stop())
    await until(async () => JSON.stringify(await getJson(url)) === '["none"]', 'the new store')
    expect(events.map(({ event }) => event)).toEqual(['stale', 'fresh'])
  })

  test('the outage goes unnoticed within maxStaleness', async () => {
    const { dict } = await open({ maxStaleness: 60_000 })
    const pages = { '/': () => [dict.current().get('colour')] }
    const options = { whenDown: 'fail' } as const
    const url = closeLater(await onExpress.serve({ dictionaries: { settings: dict }, options, pages }))
    process.kill(server.pid, 'SIGSTOP')
    expect(await request(url, AT_ONCE)).toMatchObject({ soon: true, status: 200 })
  })
})
