import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis as Ioredis6 } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openDict, RedisDict } from '../../src/index.js'
import { ask, startRedisCluster, startRedisNode } from '../servers/redis-nodes.js'
import type { RedisNode } from '../servers/types.js'
import { IOREDIS_SETTINGS, ioredisCluster6, nodeRedisCluster, SETTINGS } from './clients.js'
import { listeners, until } from './support.js'

const cleanup: (() => unknown)[] = []
let server: RedisNode

beforeAll(async () => {
  server = await startRedisNode({ args: ['--appendonly', 'no', '--save', ''] })
})

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

afterAll(() => server.stop())

interface Warning extends Error {
  readonly code?: string
}

/** The warnings of this process from now on. */
function warnings(): Warning[] {
  const seen: Warning[] = []
  const listen = (warning: Warning) => void seen.push(warning)
  process.on('warning', listen)
  cleanup.push(() => process.off('warning', listen))
  return seen
}

describe('warns once for each client', () => {
  const turn = () => new Promise(resolve => setImmediate(resolve))

  test('about missing settings and a missing listener, by name', async () => {
    const seen = warnings()
    const nodeRedis = createClient({ url: server.url })
    await nodeRedis.connect()
    const ioredis = new Ioredis6(server.url, { sentinels: undefined })
    cleanup.push(
      () => nodeRedis.destroy(),
      () => ioredis.disconnect(),
    )
    for (const client of [nodeRedis, ioredis, nodeRedis, ioredis]) await (await RedisDict.open('w', client)).close()
    await turn()
    expect(seen.map(({ code }) => code)).toEqual([
      'DURABLEDICT_CLIENT_SETTINGS',
      'DURABLEDICT_CLIENT_ERRORS',
      'DURABLEDICT_CLIENT_SETTINGS',
      'DURABLEDICT_CLIENT_ERRORS',
    ])
    expect(seen[0]?.message).toContain('socket.socketTimeout, pingInterval, socket.reconnectStrategy')
    expect(seen[2]?.message).toContain('socketTimeout')
  })

  test('but not about a client with settings, nor about a connection by URL', async () => {
    const seen = warnings()
    const nodeRedis = createClient({ url: server.url, ...SETTINGS })
    await nodeRedis.on('error', () => {}).connect()
    const ioredis = new Ioredis6(server.url, IOREDIS_SETTINGS)
    ioredis.on('error', () => {})
    cleanup.push(
      () => nodeRedis.destroy(),
      () => ioredis.disconnect(),
    )
    for (const client of [nodeRedis, ioredis, server.url]) {
      await (await RedisDict.open('w', client as never, { live: true })).close()
    }
    await turn()
    expect(seen).toEqual([])
  })
})

describe('many dictionaries on one client', () => {
  const clients = { 'node-redis': nodeRedisCluster, ioredis: ioredisCluster6 }
  test('cause no MaxListenersExceededWarning when their connections for messages are lost', async () => {
    const { nodes, stop } = await startRedisCluster({ primaries: 2 })
    cleanup.push(stop)
    const seen = warnings()
    for (const open of Object.values(clients)) {
      const { client, end } = await open(nodes)
      cleanup.push(end)
      const { signal } = new AbortController()
      const names = Array.from({ length: 14 }, (_, n) => `many ${n}`)
      const dicts = await Promise.all(names.map(name => RedisDict.open(name, client as never, { live: true, signal })))
      for (const node of nodes) await ask(node, 'client', 'kill', 'type', 'pubsub')
      const heard = () => Promise.all(nodes.map(node => listeners(node, '{many 0}:meta')))
      await until(async () => (await heard()).includes(1), 'they listen again')
      for (const dict of dicts) await dict.close()
    }
    expect(seen.filter(({ name }) => /MaxListeners/.test(name))).toEqual([])
  }, 60_000)

  test('by URL with one signal cause no MaxListenersExceededWarning', async () => {
    const seen = warnings()
    const { signal } = new AbortController()
    const opening = Array.from({ length: 12 }, (_, n) => openDict(`${server.url}#s${n}`, { signal }))
    for (const dict of await Promise.all(opening)) await dict.close()
    expect(seen.filter(({ name }) => /MaxListeners/.test(name))).toEqual([])
  })
})

describe('a process with an idle dictionary exits by itself', () => {
  const programs: Record<string, string> = {
    'by URL': `const dict = await RedisDict.open('exit', url); await dict.set('a', 1)`,
    'by URL, live': `const dict = await RedisDict.open('exit', url, { live: true, maxStaleness: 300 }); await dict.set('a', 1)`,
    'by URL, by ioredis': `const dict = await RedisDict.open('exit', url, { live: true, driver: ioredis }); await dict.set('a', 1)`,
    'live, with a closed node-redis client': `const client = redis.createClient({ url }).on('error', () => {})
      await client.connect(); const dict = await RedisDict.open('exit', client, { live: true }); client.destroy()`,
    'live, with a closed ioredis client': `const client = new ioredis.Redis(url); client.on('error', () => {})
      const dict = await RedisDict.open('exit', client, { live: true }); client.disconnect()`,
  }
  for (const [name, program] of Object.entries(programs)) {
    test(name, async () => {
      const source = `import { RedisDict } from 'durabledict'
        import * as redis from 'redis'
        import * as ioredis from 'ioredis'
        const url = ${JSON.stringify(server.url)}
        ${program}
        console.log('done')`
      const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', source], { stdio: 'pipe' })
      cleanup.push(() => void child.kill('SIGKILL'))
      let output = ''
      child.stdout.on('data', data => {
        output += data
      })
      // Not at 'exit': output may arrive after it.
      const [code] = (await once(child, 'close')) as [number | null]
      expect([code, output.trim()]).toEqual([0, 'done'])
    })
  }
})
