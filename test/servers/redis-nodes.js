// @ts-check
/** @import { RedisNode, RedisCluster, RedisSentinels, StartOptions } from './types.js' */
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'redis'
import { freePort } from './port.js'
import { redis } from './redis.js'
import { startServer } from './start.js'

const WITHIN = 20_000

/**
 * Starts a Redis whose port, process and folder are known: never one that the environment points at.
 * @param {StartOptions} [options]
 * @returns {Promise<RedisNode>}
 */
export async function startRedisNode(options) {
  const server = await startServer({ ...redis, variable: 'DURABLEDICT_TEST_REDIS_NODE' }, options)
  if (server.port === undefined || server.pid === undefined)
    throw new Error('The tests must start this Redis themselves.')
  return { ...server, port: server.port, pid: server.pid }
}

/** Asks until the answer is true. @param {() => Promise<boolean>} ask @param {string} what */
async function until(ask, what) {
  const end = Date.now() + WITHIN
  while (!(await ask().catch(() => false))) {
    if (Date.now() > end) throw new Error(`Not within ${WITHIN / 1000} s: ${what}`)
    await delay(50)
  }
}

/** Sends one command to a server. @param {RedisNode} node @param {string[]} args @returns {Promise<any>} */
export async function ask(node, ...args) {
  const client = createClient({ url: node.url, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(args)
  } finally {
    client.destroy()
  }
}

/** Longer than a server is silent on a busy machine, in ms: tests of anything but failures must not run into a failover. */
const UNNOTICED = 20_000

/**
 * Starts a cluster: `primaries` servers with equal shares of the hash slots, and `replicas` replicas of each. A server that
 * is silent for `silence` ms counts as failed.
 * @param {{ primaries?: number, replicas?: number, silence?: number }} [options]
 * @returns {Promise<RedisCluster>}
 */
export async function startRedisCluster({ primaries = 3, replicas = 0, silence = UNNOTICED } = {}) {
  const count = primaries * (1 + replicas)
  const nodes = await Promise.all(Array.from({ length: count }, () => startClusterNode(silence)))
  const first = /** @type {RedisNode} */ (nodes[0])
  await Promise.all(
    nodes.slice(1).map(node => ask(node, 'cluster', 'meet', '127.0.0.1', `${first.port}`, `${node.bus}`)),
  )
  for (const node of nodes.slice(1)) await ask(first, 'cluster', 'meet', '127.0.0.1', `${node.port}`, `${node.bus}`)
  await Promise.all(nodes.slice(0, primaries).map((node, index) => ask(node, ...slots(index, primaries))))
  await until(async () => (await Promise.all(nodes.map(node => knows(node, count)))).every(Boolean), 'the nodes meet')
  await Promise.all(
    nodes.slice(primaries).map(async (node, index) => {
      const id = await ask(/** @type {RedisNode} */ (nodes[index % primaries]), 'cluster', 'myid')
      await ask(node, 'cluster', 'replicate', id)
    }),
  )
  await until(
    async () => (await Promise.all(nodes.map(node => isWell(node, count)))).every(Boolean),
    'the cluster is well',
  )
  return { nodes, primaries: nodes.slice(0, primaries), stop: () => stopAll(nodes) }
}

/** @param {number} silence */
async function startClusterNode(silence) {
  let bus = 0
  const args = async () => {
    bus = await freePort()
    const cluster = ['--cluster-enabled', 'yes', '--cluster-port', `${bus}`, '--cluster-node-timeout', `${silence}`]
    return [...cluster, '--appendonly', 'no', '--save', '']
  }
  const node = await startRedisNode({ args })
  return { ...node, bus }
}

/** @param {number} index @param {number} primaries */
function slots(index, primaries) {
  const share = 16384 / primaries
  return ['cluster', 'addslotsrange', `${Math.ceil(index * share)}`, `${Math.ceil((index + 1) * share) - 1}`]
}

/** @param {RedisNode} node @param {number} count */
async function knows(node, count) {
  const lines = (await ask(node, 'cluster', 'nodes')).trim().split('\n')
  return lines.length === count && !/handshake/.test(lines.join())
}

/** @param {RedisNode} node @param {number} count */
async function isWell(node, count) {
  const nodes = (await ask(node, 'cluster', 'nodes')).trim().split('\n')
  const info = await ask(node, 'cluster', 'info')
  return /cluster_state:ok/.test(info) && nodes.length === count && !nodes.some(fails)
}

/** @param {string} line */
const fails = line => /fail|handshake|disconnected/.test(line)

/**
 * Starts a primary, a replica of it, and a sentinel that watches them and promotes the replica soon after the primary was
 * silent for `silence` ms.
 * @param {{ silence?: number }} [options]
 * @returns {Promise<RedisSentinels>}
 */
export async function startRedisSentinels({ silence = UNNOTICED } = {}) {
  const lean = ['--appendonly', 'no', '--save', '', '--repl-diskless-sync-delay', '0']
  const primary = await startRedisNode({ args: lean })
  const replica = await startRedisNode({ args: [...lean, '--replicaof', '127.0.0.1', `${primary.port}`] })
  await until(
    async () => /master_link_status:up/.test(await ask(replica, 'info', 'replication')),
    'the replica follows',
  )
  const sentinel = await startSentinel(primary, silence)
  await until(
    async () => (await ask(sentinel, 'sentinel', 'replicas', 'mymaster')).length === 1,
    'the sentinel knows both',
  )
  return { name: 'mymaster', primary, replica, sentinel, stop: () => stopAll([sentinel, replica, primary]) }
}

/** @param {RedisNode} primary @param {number} silence @returns {Promise<RedisNode>} */
async function startSentinel(primary, silence) {
  const lines = [
    `sentinel monitor mymaster 127.0.0.1 ${primary.port} 1`,
    `sentinel down-after-milliseconds mymaster ${silence}`,
    'sentinel failover-timeout mymaster 3000',
  ]
  const spec = {
    ...redis,
    name: 'Redis Sentinel',
    variable: 'DURABLEDICT_TEST_REDIS_NODE',
    ready: /Sentinel ID is/,
    /** @param {import('./types.js').Place} place */
    init: ({ folder }) => ['sh', '-c', `printf '%s\\n' "$@" > '${folder}/sentinel.conf'`, 'sh', ...lines],
    /** @param {import('./types.js').Place} place */
    command: ({ binary, folder, port }) => [
      binary,
      `${folder}/sentinel.conf`,
      '--sentinel',
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
    ],
  }
  const server = await startServer(spec)
  return { ...server, port: server.port ?? 0, pid: server.pid ?? 0 }
}

/** @param {RedisNode[]} nodes */
async function stopAll(nodes) {
  await Promise.all(nodes.map(node => node.stop()))
}
