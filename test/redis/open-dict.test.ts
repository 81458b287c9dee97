import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDict, RedisDict } from '../../src/index.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'

let server: Server

beforeAll(async () => {
  server = await startServer(redis)
})

afterAll(() => server.stop())

test('openDict opens by redis:// URL, and ends its connection with the dictionary', async () => {
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
