import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { ACL, createClient, Id } from 'node-zookeeper-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  InvalidValueError,
  JSONEncoding,
  openDict,
  StoreUnavailableError,
  type ZookeeperAcl,
  ZookeeperDict,
} from '../../src/index.js'
import type { ZookeeperNode } from '../servers/types.js'
import { fourLetters } from '../servers/zookeeper.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { type ByHand, byHand } from './by-hand.js'
import { newPath, type Options, OWN_CHILDREN, rejection, stepsAfterEach } from './support.js'

const cleanup = stepsAfterEach()
let server: ZookeeperNode
let hand: ByHand

beforeAll(async () => {
  server = await startZookeeperNode()
  hand = await byHand(server.address)
})

afterAll(async () => {
  hand.end()
  await server.stop()
})

async function open(path: string, options: Options = {}, servers: string = server.address) {
  const dict = await ZookeeperDict.open(path, servers, { encoding: new JSONEncoding(), timeout: 20_000, ...options })
  cleanup.push(() => dict.close())
  return dict
}

/** A value whose JSON has that many bytes. */
const text = (bytes: number) => 'x'.repeat(bytes - 2)

describe('the limits of one request to ZooKeeper', () => {
  test('a value up to the limit is stored, and one byte more is rejected with its key and changes nothing', async () => {
    const path = newPath()
    const dict = await open(path)
    const error = await rejection(dict.set('a', text(1_048_576)))
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(error).toMatchObject({ key: 'a', dictionary: path })
    const over = Number(/needs (\d+) bytes/.exec(error.message)?.[1]) - 1_048_576
    const limit = Number(/at most (\d+)/.exec(error.message)?.[1]) - over
    await dict.set('a', text(limit))
    const { version } = dict
    expect(await rejection(dict.set('a', text(limit + 1)))).toBeInstanceOf(InvalidValueError)
    expect(dict.version).toBe(version)
    const other = await open(path)
    expect(((await other.get('a')) as string).length).toBe(limit - 2)
    await other.set('b', 'small')
    await dict.sync()
    expect(dict.local.get('b')).toBe('small')
  })

  test('an update that does not fit into one request is rejected, and its entries can be written separately', async () => {
    const path = newPath()
    const dict = await open(path)
    const entries = Object.fromEntries(['a', 'b', 'c'].map(key => [key, text(400_000)]))
    const error = await rejection(dict.update(entries))
    expect(error).toBeInstanceOf(InvalidValueError)
    expect(error.message).toContain('Nothing was written')
    expect(await hand.children(path)).toHaveLength(OWN_CHILDREN)
    await Promise.all(Object.entries(entries).map(([key, value]) => dict.set(key, value)))
    expect(await (await open(path)).size()).toBe(3)
    await dict.clear()
    expect(await hand.children(path)).toHaveLength(OWN_CHILDREN)
  })

  test('of writes that are sent together, only the one that is too large is rejected', async () => {
    const path = newPath()
    const dict = await open(path)
    const [first, large, last] = await Promise.allSettled([
      dict.set('a', 1),
      dict.set('b', text(1_000_000)),
      dict.set('c', 3),
    ])
    expect([first.status, large.status, last.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect([...(await open(path)).local].sort()).toEqual([
      ['a', 1],
      ['c', 3],
    ])
  })

  test('more keys than clear() can remove and others can list are rejected in advance', async () => {
    const path = newPath()
    const dict = await open(path)
    const key = (n: number) => `${n}-${'k'.repeat(495)}`
    let size = 0
    let error: unknown
    while (!error && size < 4_000) {
      const more = Array.from({ length: 300 }, (_, n) => [key(size + n), n] as const)
      error = await dict.update(more).then(
        () => {
          size += more.length
        },
        fault => fault,
      )
    }
    expect(size).toBeGreaterThan(1_500)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect((error as Error).message).toContain('cannot have more keys')
    expect(await dict.size()).toBe(size)
    await dict.set(key(0), 'it may still be replaced')
    expect(await hand.children(path)).toHaveLength(size + OWN_CHILDREN)
    expect(await (await open(path)).size()).toBe(size)
    await dict.clear()
    expect(await hand.children(path)).toHaveLength(OWN_CHILDREN)
    await dict.set(key(0), 'again')
  })

  test('the prefix of every path counts', async () => {
    const root = `${newPath()}-${'r'.repeat(900)}`
    await hand.create(root)
    const dict = await open('/app', {}, `${server.address}${root}`)
    const entries = new Map(Array.from({ length: 1_200 }, (_, n) => [`key ${n}`, n]))
    expect(await rejection(dict.update(entries))).toBeInstanceOf(InvalidValueError)
    const written = await Promise.allSettled([...entries].map(([key, value]) => dict.set(key, value)))
    const size = written.filter(({ status }) => status === 'fulfilled').length
    expect(size).toBeGreaterThan(900)
    expect(size).toBeLessThan(1_200)
    expect(await (await open('/app', {}, `${server.address}${root}`)).size()).toBe(size)
    await dict.clear()
    expect(await hand.children(`${root}/app`)).toHaveLength(OWN_CHILDREN)
  })

  test('the length of an access control list counts', async () => {
    const path = newPath()
    const acl = Array.from({ length: 40 }, (_, n) => ({ perms: 31, id: { scheme: 'ip', id: `127.0.0.${n + 1}` } }))
    const dict = await open(path, { acl })
    // Each value is small, but all the lists together are not.
    const entries = new Map(Array.from({ length: 1_000 }, (_, n) => [`key ${n}`, n]))
    expect(await rejection(dict.update(entries))).toBeInstanceOf(InvalidValueError)
    await Promise.all([...entries].map(([key, value]) => dict.set(key, value)))
    expect(await (await open(path)).size()).toBe(1_000)
  })
})

const digest = (user: string) => ({
  scheme: 'digest',
  id: `${user.split(':')[0]}:${createHash('sha1').update(user).digest('base64')}`,
})

describe('access control', () => {
  const [user, reader] = ['ann:secret', 'bob:other']
  const acl: readonly ZookeeperAcl[] = [
    { perms: 31, id: digest(user) },
    { perms: 1, id: digest(reader) },
  ]

  test('the list is put on every znode and keeps others out', async () => {
    const path = newPath()
    const dict = await open(path, { acl }, `${user}@${server.address}`)
    await dict.set('a', 1)
    const ann = await byHand(server.address, user)
    cleanup.push(() => ann.end())
    const names = await ann.children(path)
    expect(names).toHaveLength(1 + OWN_CHILDREN)
    for (const znode of [path, ...names.map(name => `${path}/${name}`)]) {
      const list = await promisify(ann.client.getACL.bind(ann.client))(znode)
      expect(list).toMatchObject(acl.map(({ perms, id }) => ({ permission: perms, id })))
    }
    for (const servers of [server.address, `ann:wrong@${server.address}`]) {
      const error = await rejection(open(path, {}, servers))
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('access control list')
    }
  })

  test('a reader without write permission reads changes, and its writes are rejected', async () => {
    const path = newPath()
    const dict = await open(path, { acl }, `${user}@${server.address}`)
    await dict.set('a', 1)
    const other = await open(path, { live: true }, `${reader}@${server.address}`)
    await dict.set('a', 2)
    await other.sync()
    expect(other.local.get('a')).toBe(2)
    for (const write of [
      () => other.set('a', 3),
      () => other.set('b', 1),
      () => other.delete('a'),
      () => other.clear(),
    ]) {
      const error = await rejection(write())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('access control list')
    }
    expect(await dict.get('a')).toBe(2)
  })

  test('applies to node-zookeeper-client, which has its own credentials', async () => {
    const path = newPath()
    const client = createClient(server.address)
    cleanup.push(() => client.close())
    client.addAuthInfo('digest', Buffer.from(user))
    const own = acl.map(({ perms, id }) => new ACL(perms as number, new Id(id.scheme, id.id)))
    const dict = await ZookeeperDict.open(path, client, { acl: own, encoding: new JSONEncoding() })
    cleanup.unshift(() => dict.close())
    await dict.set('a', 1)
    expect(await rejection(open(path))).toBeInstanceOf(StoreUnavailableError)
    expect(await (await open(path, {}, `${user}@${server.address}`)).get('a')).toBe(1)
  })

  test('a list for node-zookeeper-client is of its own class', async () => {
    const client = createClient(server.address)
    const error = await rejection(ZookeeperDict.open(newPath(), client, { acl }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('class ACL')
  })

  test('a rejected login keeps nothing open', async () => {
    const path = newPath()
    const dict = await open(path, { acl }, `${user}@${server.address}`)
    await dict.set('a', 1)
    const sessions = async () => Number(/^Connections: (\d+)/m.exec(await fourLetters(server.port, 'srvr'))?.[1])
    const before = await sessions()
    expect(await rejection(open(path))).toBeInstanceOf(StoreUnavailableError)
    const aborted = ZookeeperDict.open(newPath(), server.address, { signal: AbortSignal.timeout(3) })
    await rejection(aborted)
    // Fewer if those of an earlier test were just about to end.
    await expect.poll(sessions).toBeLessThanOrEqual(before)
  })

  test('an invalid list, or one that the ensemble rejects, is rejected', async () => {
    const error = await rejection(open(newPath(), { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('"acl"')
    for (const acl of [[], {}, [null], [{ perms: 0, id: { scheme: 'world', id: 'anyone' } }], [{ perms: 31 }]]) {
      expect(await rejection(open(newPath(), { acl: acl as never }))).toBeInstanceOf(TypeError)
    }
  })

  test('credentials unknown to the ensemble are rejected', async () => {
    const client = createClient(server.address)
    client.addAuthInfo('nonsense', Buffer.from('x'))
    const error = await rejection(ZookeeperDict.open(newPath(), client, { timeout: 2_000 }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('AUTH_FAILED')
  })
})

describe('openDict', () => {
  test('opens a zookeeper:// URL and closes its session with the dictionary', async () => {
    const path = newPath()
    const dict = await openDict<{ theme: string }>(`zookeeper://${server.address}${path}/my%20settings`)
    await dict.set('theme', 'dark')
    expect(dict.name).toBe(`${path}/my settings`)
    expect(await (await open(`${path}/my settings`, { encoding: undefined as never })).get('theme')).toBe('dark')
    await dict.close()
  })

  test('passes credentials on, and rejects a URL without a dictionary name', async () => {
    const path = newPath()
    const dict = await open(
      path,
      { acl: [{ perms: 31, id: digest('ann:s@:/%') }] },
      `ann:s%40:%2F%25@${server.address}`,
    )
    await dict.set('a', 1)
    const again = await openDict(`zookeeper://ann:s%40:%2F%25@${server.address}${path}`, {
      encoding: new JSONEncoding(),
    })
    expect(await again.get('a')).toBe(1)
    await again.close()
    for (const rest of ['', '/', '/a/', '//a', '/a#b', '/a?b', '/zookeeper/a', '/./a']) {
      expect(await rejection(openDict(`zookeeper://ann:secret@${server.address}${rest}`)), rest).toBeInstanceOf(
        TypeError,
      )
    }
    const error = await rejection(openDict(`zookeeper://ann:secret@${server.address}`))
    expect(error.message).not.toContain('secret')
  })
})
