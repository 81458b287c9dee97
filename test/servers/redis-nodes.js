// @ts-check
/** @import { RedisNode, RedisCluster, RedisSentinels, StartOptions } from './types.js' */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'redis'
import { freePort } from './port.js'
import { redis } from './redis.js'
import { startServer } from './start.js'

const WITHIN = 20_000

/**
 * Starts a Redis whose port, process and folder are known: never one that the environment points at.
 * @param {StartOptions} [options]
 * @param {import('./types.js').ServerSpec['init']} [init]
 * @returns {Promise<RedisNode>}
 */
export async function startRedisNode(options, init) {
  const spec = { ...redis, variable: 'DURABLEDICT_TEST_REDIS_NODE', ...(init && { init }) }
  const server = await startServer(spec, options)
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

/** How often to try a cluster: others may take a free port before a server listens on it. */
const ATTEMPTS = 3

/**
 * Starts a cluster: `primaries` servers with equal shares of the hash slots, and `replicas` replicas of each.
 * @param {{ primaries?: number, replicas?: number }} [options]
 * @returns {Promise<RedisCluster>}
 */
export async function startRedisCluster({ primaries = 3, replicas = 0 } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const members = await planCluster(primaries, replicas)
    const started = await Promise.allSettled(members.map(member => startMember(members, member)))
    const nodes = started.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    if (nodes.length === members.length) {
      // One after the other: once the first one finds the cluster well, the others hardly ever have to be asked again.
      for (const node of nodes) await until(() => isWell(node), 'the cluster is well')
      return { nodes, primaries: nodes.slice(0, primaries), stop: () => stopAll(nodes) }
    }
    await stopAll(nodes)
    const failed = started.find(one => one.status === 'rejected')
    if (attempt === ATTEMPTS) throw failed?.reason
  }
}

/** @typedef {{ id: string, port: number, bus: number, role: string }} Member a line of the configuration of a cluster */

/** @param {number} primaries @param {number} replicas @returns {Promise<Member[]>} */
async function planCluster(primaries, replicas) {
  const ids = Array.from({ length: primaries * (1 + replicas) }, () => randomBytes(20).toString('hex'))
  return Promise.all(
    ids.map(async (id, index) => {
      const [port, bus] = await Promise.all([freePort(), freePort()])
      const of = index % primaries
      const role =
        index < primaries
          ? `master - 0 0 ${of + 1} connected ${slots(index, primaries)}`
          : `slave ${ids[of]} 0 0 ${of + 1} connected`
      return { id, port, bus, role }
    }),
  )
}

/** @param {number} index @param {number} primaries */
function slots(index, primaries) {
  const share = 16384 / primaries
  return `${Math.ceil(index * share)}-${Math.ceil((index + 1) * share) - 1}`
}

/**
 * Starts a server that knows all others from the beginning. Servers that have to meet would take many seconds on a busy machine:
 * a handshake that fails is repeated only after the time in which a server counts as failed.
 * @param {readonly Member[]} members @param {Member} self
 */
function startMember(members, self) {
  const line = (/** @type {Member} */ member) =>
    `${member.id} 127.0.0.1:${member.port}@${member.bus} ${member === self ? 'myself,' : ''}${member.role}`
  const lines = [...members.map(line), `vars currentEpoch ${members.length} lastVoteEpoch 0`]
  const cluster = ['--cluster-enabled', 'yes', '--cluster-port', `${self.bus}`]
  const args = [...cluster, '--cluster-node-timeout', `${UNNOTICED}`, '--appendonly', 'no', '--save', '']
  /** @param {import('./types.js').Place} place */
  const init = ({ folder }) => ['sh', '-c', `printf '%s\\n' "$@" > '${folder}/nodes.conf'`, 'sh', ...lines]
  return startRedisNode({ port: self.port, args }, init)
}

/** @param {RedisNode} node */
async function isWell(node) {
  const nodes = await ask(node, 'cluster', 'nodes')
  return !/fail|handshake|disconnected/.test(nodes) && /cluster_state:ok/.test(await ask(node, 'cluster', 'info'))
}

/**
 * Starts a primary, a replica of it, and a sentinel that watches them. It promotes the replica soon after the primary was
 * silent for as long as `failOverAfter` says, and before that only after longer than a busy machine makes it silent.
 * @returns {Promise<RedisSentinels>}
 */
export async function startRedisSentinels() {
  const lean = ['--appendonly', 'no', '--save', '', '--repl-diskless-sync-delay', '0']
  const primary = await startRedisNode({ args: lean })
  const replica = await startRedisNode({ args: [...lean, '--replicaof', '127.0.0.1', `${primary.port}`] })
  await until(
    async () => /master_link_status:up/.test(await ask(replica, 'info', 'replication')),
    'the replica follows',
  )
  const sentinel = await startSentinel(primary)
  await until(
    async () => (await ask(sentinel, 'sentinel', 'replicas', 'mymaster')).length === 1,
    'the sentinel knows both',
  )
  return {
    name: 'mymaster',
    primary,
    replica,
    sentinel,
    failOverAfter: ms => ask(sentinel, 'sentinel', 'set', 'mymaster', 'down-after-milliseconds', `${ms}`),
    stop: () => stopAll([sentinel, replica, primary]),
  }
}

/** @param {RedisNode} primary @returns {Promise<RedisNode>} */
async function startSentinel(primary) {
  const lines = [
    `sentinel monitor mymaster 127.0.0.1 ${primary.port} 1`,
    `sentinel down-after-milliseconds mymaster ${UNNOTICED}`,
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
