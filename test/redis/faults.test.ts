import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { Redis as Ioredis6 } from 'ioredis'
import { Redis as Ioredis5 } from 'ioredis5'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { explain } from '../../src/backends/redis/faults.js'
import { type Encoding, RedisDict, StoreUnavailableError, UnsupportedError } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { startPausingProxy } from '../servers/pausing-proxy.js'
import { ask, startRedisCluster, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { ioredis5, ioredis6, nodeRedis, type Opened } from './clients.js'
import { until } from './support.js'

const CLIENTS: Record<string, (url: string) => Promise<Opened>> = {
  'node-redis': nodeRedis,
  'ioredis 5': ioredis5,
  'ioredis 6': ioredis6,
}
const cleanup: (() => unknown)[] = []
let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', '', '--repl-diskless-sync-delay', '0'] })
})

afterAll(() => server.stop())

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

async function start(...args: string[]): Promise<RedisNode> {
  const node = await startRedisNode({ args: ['--appendonly', 'no', '--save', '', ...args] })
  cleanup.push(() => node.stop())
  return node
}

async function connect(open: (url: string) => Promise<Opened>, url: string) {
  const { client, end } = await open(url)
  cleanup.push(end)
  return client
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    value => expect.fail(`It resolved with ${value}`),
    error => error,
  )
}

describe('an unusable client', () => {
  test('is rejected as an argument', async () => {
    for (const client of [undefined, null, {}, 'localhost:6379', { sendCommand() {} }]) {
      await expect(RedisDict.open('settings', client as never)).rejects.toThrow(TypeError)
    }
    await expect(RedisDict.open('', server.url)).rejects.toThrow(TypeError)
    await expect(RedisDict.open('settings', server.url, { live: 1 as never })).rejects.toThrow(TypeError)
  })

  test('was never connected', async () => {
    const error = await rejection(RedisDict.open('settings', createClient({ url: server.url })))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('client.connect()')
  })

  test('connects when it is used, if it is from ioredis', async () => {
    const client = new Ioredis6(server.url, { lazyConnect: true })
    cleanup.push(() => client.disconnect())
    await using dict = await RedisDict.open('lazy', client)
    await dict.set('a', 1)
  })

  for (const [name, open] of Object.entries(CLIENTS)) {
    test(`was closed by its owner: ${name}`, async () => {
      const { client, end } = await open(server.url)
      await using dict = await RedisDict.open('closed', client)
      // A client of ioredis ends a little later.
      const ended = 'status' in client ? once(client as never, 'end') : undefined
      await end()
      await ended
      for (const error of await Promise.all([dict.get('a'), dict.set('a', 1)].map(rejection))) {
        expect(error).toBeInstanceOf(StoreUnavailableError)
        expect(error.message).toContain('not connected')
      }
    })
  }

  test('is in subscriber mode', async () => {
    const client = createClient({ url: server.url, RESP: 2 })
    await client.connect()
    cleanup.push(() => client.destroy())
    await client.subscribe('news', () => {})
    expect((await rejection(RedisDict.open('settings', client))).message).toContain('subscriber mode')
    const other = new Ioredis5(server.url)
    cleanup.push(() => other.disconnect())
    await other.subscribe('news')
    expect((await rejection(RedisDict.open('settings', other))).message).toContain('subscriber mode')
  })
})

describe('a server that does not respond', () => {
  for (const [name, open] of Object.entries(CLIENTS)) {
    test(`because it is frozen: every call ends in time, by ${name}`, async () => {
      const node = await start()
      await using dict = await RedisDict.open('frozen', await connect(open, node.url), { timeout: 1_000 })
      await dict.set('n', 0)
      process.kill(node.pid, 'SIGSTOP')
      const calls = () => Promise.all([dict.get('n'), dict.set('n', 1), dict.sync()].map(rejection))
      const { soon, value: errors } = await inTime(2_700, calls)
      expect(soon).toBe(true)
      expect(errors.map(error => error.name)).toEqual([
        'StoreUnavailableError',
        'AmbiguousWriteError',
        'StoreUnavailableError',
      ])
      expect(dict.local.get('n')).toBe(0)
      process.kill(node.pid, 'SIGCONT')
      await until(async () => (await dict.get('n').catch(() => 0)) === 1, 'the write that was sent takes effect')
    })

    test(`because it is down: a write that was never sent reports so, by ${name}`, async () => {
      const node = await start()
      const client = await connect(open, node.url)
      await using dict = await RedisDict.open('gone', client, { timeout: 1_000 })
      await dict.set('a', 1)
      await node.stop()
      await until(
        async () => (await rejection(dict.set('a', 2))).name === 'StoreUnavailableError',
        'it is known to be gone',
      )
      expect(await rejection(dict.get('a'))).toBeInstanceOf(StoreUnavailableError)
      expect(dict.local.get('a')).toBe(1)
    })

    test(`for a while: calls wait for it, by ${name}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'durabledict-redis-'))
      cleanup.push(() => rm(folder, { recursive: true, force: true }))
      const args = ['--appendonly', 'no', '--save', '']
      const node = await startRedisNode({ folder, args })
      await using dict = await RedisDict.open('back', await connect(open, node.url), { timeout: 30_000 })
      await dict.set('a', 1)
      await ask(node, 'save')
      await node.stop()
      const calls = Promise.all([dict.set('b', 2), dict.get('a')])
      const again = await startRedisNode({ folder, port: node.port, args })
      cleanup.push(() => again.stop())
      expect(await calls).toEqual([undefined, 1])
      expect(await dict.get('b')).toBe(2)
    })
  }
})

describe('a server that rejects calls', () => {
  test('without the password or with a wrong one', async () => {
    const node = await start('--requirepass', 'secret')
    const client = createClient({ url: node.url, RESP: 2 })
    client.on('error', () => {})
    await client.connect()
    cleanup.push(() => client.destroy())
    const error = await rejection(RedisDict.open('settings', client))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('password')
    const url = (password: string) => node.url.replace('//', `//:${password}@`)
    const wrong = await rejection(RedisDict.open('settings', url('wrong'), { timeout: 1_000 }))
    expect(wrong).toBeInstanceOf(StoreUnavailableError)
    expect(wrong.message).toMatch(/WRONGPASS|password/)
    expect(wrong.message).not.toContain(':wrong')
    await using dict = await RedisDict.open('settings', url('secret'))
    await dict.set('a', 1)
  })

  test('because it is a replica: reads are rejected, too', async () => {
    const replica = await start('--replicaof', '127.0.0.1', String(server.port))
    await until(async () => /master_link_status:up/.test(await ask(replica, 'info', 'replication')), 'it follows')
    for (const open of Object.values(CLIENTS)) {
      const error = await rejection(RedisDict.open('settings', await connect(open, replica.url)))
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('replica')
    }
  })

  test('because it has become a replica', async () => {
    const node = await start()
    const client = createClient({ url: node.url, socket: { reconnectStrategy: false } })
    await client.on('error', () => {}).connect()
    cleanup.push(() => client.destroy())
    await using bound = await RedisDict.open('settings', client)
    await using dict = await RedisDict.open('settings', await connect(nodeRedis, node.url))
    await dict.set('a', 1)
    await ask(node, 'replicaof', '127.0.0.1', String(server.port))
    const errors = await Promise.all([bound.get('a'), bound.set('a', 2), dict.get('a')].map(rejection))
    for (const error of errors) expect(error.message).toContain('replica')
    // A client that connects again may reach the next primary: its writes wait for one.
    const write = dict.set('a', 3)
    await ask(node, 'replicaof', 'no', 'one')
    await write
    expect(await dict.get('a')).toBe(3)
  })

  test('because it has become a replica: no write is sent on a connection that is being closed', async () => {
    const node = await start()
    const proxy = await startPausingProxy(node.port)
    cleanup.push(() => proxy.close())
    const { client, end } = await nodeRedis(`redis://127.0.0.1:${proxy.port}`)
    cleanup.push(end)
    await using dict = await RedisDict.open('settings', client)
    await dict.set('a', 1)
    await ask(node, 'replicaof', '127.0.0.1', String(server.port))
    const send = client.sendCommand.bind(client)
    const leaving = new Promise<void>(resolve => {
      client.sendCommand = ((...args: Parameters<typeof send>) => {
        const answer = send(...args)
        if (args[0][0] !== 'QUIT') return answer
        proxy.pause(true)
        resolve()
        return answer
      }) as never
    })
    const read = dict.get('a').catch(() => {})
    await leaving
    const write = dict.set('a', 2)
    for (let turn = 0; turn < 5; turn += 1) await immediate()
    proxy.pause(false)
    await ask(node, 'replicaof', 'no', 'one')
    // If it had been sent, and so lost, nobody could know whether it was executed before the server took over other data.
    await write
    expect(await dict.get('a')).toBe(2)
    await read
  })

  test('because too few replicas are connected: a primary that may be isolated confirms nothing', async () => {
    const node = await start()
    await using dict = await RedisDict.open('settings', await connect(nodeRedis, node.url))
    await ask(node, 'config', 'set', 'min-replicas-to-write', '1')
    for (const call of [() => dict.get('a'), () => dict.set('a', 2)])
      expect((await rejection(call())).message).toContain('NOREPLICAS')
  })

  test('because it is out of memory: nothing is written, reads continue, and entries can be removed', async () => {
    const node = await start()
    await using dict = await RedisDict.open('settings', await connect(nodeRedis, node.url))
    await dict.update({ a: 'x'.repeat(1_000), b: 1 })
    const keys = ['settings', '{settings}:meta', '{settings}:log']
    const before = await Promise.all(keys.map(key => ask(node, 'dump', key)))
    await ask(node, 'config', 'set', 'maxmemory', '1')
    for (const write of [() => dict.set('c', 1), () => dict.update({ c: 1, d: 2 }), () => dict.setDefault('c', 1)]) {
      const error = await rejection(write())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('out of memory')
    }
    expect(await Promise.all(keys.map(key => ask(node, 'dump', key)))).toEqual(before)
    expect(await dict.get('b')).toBe(1)
    expect(await dict.delete('a')).toBe(true)
    expect(await dict.pop('b')).toBe(1)
  })

  for (const key of ['wrong', '{wrong}:meta', '{wrong}:log']) {
    test(`because the key ${key} has another type`, async () => {
      cleanup.push(() => ask(server, 'del', 'wrong', '{wrong}:meta', '{wrong}:log', '{wrong}:head'))
      const client = await connect(nodeRedis, server.url)
      await ask(server, 'set', key, 'text')
      const open = RedisDict.open('wrong', client).then(async dict => {
        cleanup.push(() => dict.close())
        await dict.set('a', 1)
      })
      const error = await rejection(open)
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('another type')
      expect(await ask(server, 'get', key)).toBe('text')
      if (key !== 'wrong') expect(await ask(server, 'exists', 'wrong')).toBe(0)
    })
  }

  test('because it forgot the scripts: they are sent again', async () => {
    for (const open of Object.values(CLIENTS)) {
      await using dict = await RedisDict.open('scripts', await connect(open, server.url))
      await ask(server, 'script', 'flush')
      await dict.set('a', 1)
      await ask(server, 'script', 'flush')
      expect(await dict.get('a')).toBe(1)
    }
  })

  test('because it is part of a cluster', async () => {
    const cluster = await startRedisCluster()
    cleanup.push(() => cluster.stop())
    const errors = await Promise.all(
      cluster.nodes.map(async node => {
        const client = await connect(nodeRedis, node.url)
        return RedisDict.open('settings', client).then(
          dict => dict.close(),
          error => error as Error,
        )
      }),
    )
    const refused = errors.filter(error => error !== undefined)
    expect(refused.length).toBe(2)
    for (const error of refused) expect(error?.message).toContain('cluster client')
  })

  test('because it is too old', () => {
    const replies = [
      "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'",
      'ERR unknown command `ssubscribe`, with args beginning with: `{a}:meta`, ',
    ]
    for (const reply of replies) expect(explain(new Error(reply), 'settings')).toBeInstanceOf(UnsupportedError)
  })
})

/** Stores text as it is. */
const asIs: Encoding<string> = { name: 'as it is', encode: value => value as string, decode: stored => stored }

describe('a value that is too large', () => {
  test("for Redis's own limits", async () => {
    await using dict = await RedisDict.open('large', await connect(nodeRedis, server.url), { encoding: asIs })
    await dict.set('a', '1')
    // 402 MiB in UTF-8, and half of it in memory: a busy machine must not take as long as the time limit to count them.
    const [large, small] = await Promise.allSettled([dict.set('b', 'é'.repeat(201 * 2 ** 20)), dict.set('c', '1')])
    expect(large).toMatchObject({ status: 'rejected', reason: { code: 'DURABLEDICT_INVALID_VALUE' } })
    expect(small.status).toBe('fulfilled')
    expect(await dict.keys()).toEqual(['a', 'c'])
  }, 60_000)

  for (const [name, open] of Object.entries(CLIENTS)) {
    test(`for the limits of this server, by ${name}`, async () => {
      const node = await start()
      await ask(node, 'config', 'set', 'proto-max-bulk-len', '1mb')
      await using dict = await RedisDict.open('large', await connect(open, node.url), { timeout: 3_000 })
      await dict.set('a', 1)
      const error = await rejection(dict.set('b', 'x'.repeat(2 ** 21)))
      expect(error.message).toContain('proto-max-bulk-len')
      expect(await dict.keys()).toEqual(['a'])
    })
  }
})
