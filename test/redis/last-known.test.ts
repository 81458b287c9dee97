import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { RedisDict, StoreUnavailableError } from '../../src/index.js'
import { Door } from '../last-known/door.js'
import { checkMatrix, folder } from '../last-known/matrix.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { IOREDIS_SETTINGS, SETTINGS } from './clients.js'

let server: Server

beforeAll(async () => {
  server = await startServer(redis)
})

afterAll(() => server?.stop())

/** A dictionary of that name, and the way to its server. */
async function place(name: string, clientOf: (url: string) => Parameters<typeof RedisDict.open>[1]) {
  const door = await Door.to(Number(new URL(server.url).port))
  onTestFinished(() => door.remove())
  const client = clientOf(door.reroute(server.url))
  return {
    open: (options: object) => RedisDict.open(name, client, options),
    direct: () => RedisDict.open(name, server.url),
    shut: () => door.shut(),
    reopen: () => door.open(),
  }
}

function nodeRedis(url: string) {
  const client = createClient({ url, ...SETTINGS })
  client.on('error', () => {}).connect()
  onTestFinished(() => client.destroy())
  return client as never
}

function ioredis(url: string) {
  const client = new Redis(url, IOREDIS_SETTINGS)
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  return client as never
}

test('dictionaries by URL and on clients that are not connected start without their server', async () => {
  const places = await Promise.all([
    place('by URL', url => url),
    place('node-redis', nodeRedis),
    place('ioredis', ioredis),
  ])
  await Promise.all(places.map(each => checkMatrix(each, 3_000)))
})

test('open rejects if the server refuses the login, even with a last known file', async () => {
  const lastKnown = `${await folder()}/last.json`
  await (await RedisDict.open('login', server.url, { lastKnown })).close()
  const url = Object.assign(new URL(server.url), { username: 'nobody', password: 'wrong' }).href
  await expect(RedisDict.open('login', url, { lastKnown })).rejects.toThrow(StoreUnavailableError)
})
