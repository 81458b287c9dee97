import { createRequire } from 'node:module'
import * as ioredis from 'ioredis'
import * as redisPackage from 'redis'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openDict, RedisDict, StoreUnavailableError } from '../../src/index.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { startCuttingProxy } from './cutting-proxy.js'

let server: Server

beforeAll(async () => {
  server = await startServer(redis)
})

afterAll(() => server.stop())

test('openDict opens a redis:// URL and closes its connection with the dictionary', async () => {
  const client = createClient({ url: server.url })
  await client.connect()
  const dict = await openDict<{ theme: string }>(`${server.url}#my%20settings`)
  const other = await RedisDict.open('my settings', client)
  await dict.set('theme', 'dark')
  expect(await other.get('theme')).toBe('dark')
  expect(dict.name).toBe('my settings')

  const before = (await client.clientList()).length
  await dict.close()
  await expect.poll(async () => (await client.clientList()).length).toBe(before - 1)
  await other.close()
  client.destroy()
})

const require = createRequire(import.meta.url)

test.each([
  ['the module of redis', redisPackage],
  ['the module of ioredis', ioredis],
  ['require("redis")', require('redis')],
  ['require("ioredis")', require('ioredis')],
  ['the module of ioredis in a bundle', { ...require('ioredis'), default: require('ioredis') }],
  ['only createClient of redis', { createClient }],
])('opens a URL with the option driver: %s', async (_, driver) => {
  await using dict = await RedisDict.open('driver', server.url, { driver })
  await dict.set('theme', 'dark')
  expect(await dict.get('theme')).toBe('dark')
})

test.each([
  ['redis', redisPackage],
  ['ioredis', ioredis],
])('reports a refused login when the URL has a wrong password, by %s', async (_, driver) => {
  const url = server.url.replace('redis://', 'redis://app:wrong-secret@')
  const error = await RedisDict.open('settings', url, { driver }).catch(error => error)
  expect(error).toBeInstanceOf(StoreUnavailableError)
  expect(error.dictionary).toBe('settings')
  expect(error.message).toMatch(
    /^Dictionary "settings": Redis at \S+ rejects the login: .* Check the user, the password/,
  )
  expect(error.message).not.toContain('wrong-secret')
})

test.each([
  ['redis', redisPackage],
  ['ioredis', ioredis],
])('connects again if the first connections to a URL are lost, by %s', async (_, driver) => {
  const proxy = await startCuttingProxy(Number(new URL(server.url).port))
  onTestFinished(() => proxy.close())
  proxy.cut('', 'before', 2)
  await using dict = await RedisDict.open('again', proxy.url, { driver })
  expect(proxy.cuts).toBe(2)
  expect(await dict.get('theme')).toBe(undefined)
})

test('names the dictionary and what to check when the URL has no server', async () => {
  const error = await RedisDict.open('settings', 'redis://127.0.0.1:1', { timeout: 1_000 }).catch(error => error)
  expect(error).toBeInstanceOf(StoreUnavailableError)
  expect(error.dictionary).toBe('settings')
  expect(error.message).toMatch(
    /^Dictionary "settings": Redis at 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED.*\. Check the address/,
  )
})
