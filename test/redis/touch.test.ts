import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RedisDict } from '../../src/index.js'
import { ask, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { nodeRedis, type Opened } from './clients.js'
import { until } from './support.js'

// Nothing reports an edit here: the server publishes no keyspace events.
describe('touch()', () => {
  let server: RedisNode
  let connection: Opened
  let stores = 0
  beforeAll(async () => {
    server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
    connection = await nodeRedis(server.url)
  })
  afterAll(async () => {
    await connection.end()
    await server.stop()
  })

  /** A live reader that has not noticed an edit by hand, and a dictionary that was opened after it. */
  async function edited() {
    stores += 1
    const name = `touch ${stores}`
    const reader = await RedisDict.open(name, connection.client, { live: true })
    await reader.update({ a: 1, b: 1 })
    await ask(server, 'hset', name, 'a', '2')
    const late = await RedisDict.open(name, connection.client)
    expect([late.local.get('a'), reader.local.get('a')]).toEqual([2, 1])
    return { reader, late }
  }

  test('of a key makes every process read its entry again', async () => {
    const { reader, late } = await edited()
    await late.touch('a')
    await until(() => reader.local.get('a') === 2, 'the reader follows')
    await reader.close()
    await late.close()
  })

  test('without keys announces all entries', async () => {
    const { reader, late } = await edited()
    await late.touch()
    await until(() => reader.local.get('a') === 2, 'the reader follows')
    expect(reader.local.get('b')).toBe(1)
    await reader.close()
    await late.close()
  })

  test('without keys announces what memory lacks, and the history has it', async () => {
    const { reader, late } = await edited()
    await reader.touch()
    expect(reader.local.get('a')).toBe(2)
    const outside = (await reader.history({ key: 'a' }).toArray()).filter(({ via }) => via === 'outside')
    const changes = outside.map(one => one.changes.map(({ key, before, after }) => [key, before, after]))
    // What memory lacked, and the announcement of all entries, which changes none.
    expect(changes.reverse()).toEqual([
      [['a', 1, 2]],
      [
        ['a', 2, 2],
        ['b', 1, 1],
      ],
    ])
    await reader.close()
    await late.close()
  })
})
