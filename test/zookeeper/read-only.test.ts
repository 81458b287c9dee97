import { createHash } from 'node:crypto'
import { createClient } from 'node-zookeeper-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { JSONEncoding, StoreUnavailableError, ZookeeperDict } from '../../src/index.js'
import { until } from '../redis/support.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { type ByHand, byHand } from './by-hand.js'
import { newPath, type Options, rejection, stepsAfterEach } from './support.js'

const cleanup = stepsAfterEach()
let server: ZookeeperNode
/** With all rights. */
let ann: ByHand

const [WRITER, READER] = ['ann:secret', 'bob:other']

const digest = (user: string) => {
  const hash = createHash('sha1').update(user).digest('base64')
  return { scheme: 'digest', id: `${user.split(':')[0]}:${hash}` }
}

/** The fewest rights: only reading. */
const acl = [
  { perms: 31, id: digest(WRITER) },
  { perms: 1, id: digest(READER) },
]

beforeAll(async () => {
  server = await startZookeeperNode()
  ann = await byHand(server.address, WRITER)
})

afterAll(async () => {
  ann.end()
  await server.stop()
})

async function write(path: string, options: Options = {}) {
  const servers = `${WRITER}@${server.address}`
  const dict = await ZookeeperDict.open(path, servers, { acl, encoding: new JSONEncoding(), ...options })
  cleanup.push(() => dict.close())
  return dict
}

const WAYS = {
  'its own session': async (path: string, options: Options = {}) => {
    const servers = `${READER}@${server.address}`
    const dict = await ZookeeperDict.open(path, servers, { readOnly: true, encoding: new JSONEncoding(), ...options })
    cleanup.push(() => dict.close())
    return dict
  },
  'node-zookeeper-client': async (path: string, options: Options = {}) => {
    const client = createClient(server.address)
    cleanup.push(() => client.close())
    client.addAuthInfo('digest', Buffer.from(READER))
    const dict = await ZookeeperDict.open(path, client, { readOnly: true, encoding: new JSONEncoding(), ...options })
    cleanup.push(() => dict.close())
    return dict
  },
}

/** How often each znode of a dictionary was written, and their names. */
async function writesOf(path: string): Promise<unknown> {
  const names = (await ann.children(path)).sort()
  const versions = names.map(
    name =>
      new Promise((resolve, reject) => {
        ann.client.exists(`${path}/${name}`, (error, stat) => (error ? reject(error) : resolve(stat?.version)))
      }),
  )
  return [names, await Promise.all(versions)]
}

describe.each(Object.entries(WAYS))('with readOnly and read permission only, by %s', (_, openToRead) => {
  test.each<Options>([{}, { live: true }, { consistency: 'linearizable' }])(
    'a dictionary follows external writes: %o',
    async options => {
      const path = newPath()
      const writer = await write(path)
      await writer.update({ a: 1, b: 'x'.repeat(3_000) })
      const reader = await openToRead(path, options)
      expect(await reader.get('a')).toBe(1)
      for (let n = 2; n <= 60; n += 1) await writer.set('a', n)
      await writer.delete('b')
      await reader.sync()
      expect([...reader.local]).toEqual([['a', 60]])
      await until(async () => (await reader.get('a')) === 60, 'it reads')
    },
  )

  test('nothing is ever written, neither for damage nor for znodes created by hand', async () => {
    const path = newPath()
    const writer = await write(path)
    await writer.set('a', 1)
    await writer.close()
    const reader = await openToRead(path, { resyncEvery: 100 })
    await ann.create(`${path}/b`, '2')
    await ann.remove(`${path}/%log-0`)
    const before = await writesOf(path)
    // Nothing begins a new history, so that only the comparison notices.
    await until(async () => (await reader.get('b')) === 2, 'it is found by comparison')
    expect(await rejection(reader.set('a', 2))).toMatchObject({ dictionary: path })
    expect(await writesOf(path)).toEqual(before)
    await ann.set(`${path}/%version`, 'damaged')
    const error = await rejection(reader.sync())
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('%version does not contain a valid version')
    expect(await ann.get(`${path}/%version`)).toBe('damaged')
    await (await write(path)).set('a', 3)
    await until(async () => (await reader.get('a')) === 3, 'a writer has replaced it')
  })

  test('a path without a dictionary is not created, and the message names the remedy', async () => {
    const path = newPath()
    for (const prepare of [async () => {}, async () => ann.create(path)]) {
      await prepare()
      const error = await rejection(openToRead(path))
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('does not exist')
      expect(error.message).toContain('without readOnly')
    }
    expect(await ann.children(path)).toEqual([])
  })
})
