// @ts-check
/** @import { RedisNode, RedisCluster, RedisSentinels, StartOptions } from './types.js' */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'redis'
import { freePort } from './port.js'
import { redis } from './redis.js'
import { startServer } from './start.js'

/** How long servers may take to find each other on a busy machine, in ms. */
const WITHIN = 60_000

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
  for (;;) {
    const answer = await ask().catch(error => error)
    if (answer === true) return
    if (Date.now() > end) throw new Error(`Not within ${WITHIN / 1000} s: ${what}`, { cause: answer })
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
 * @param {{ primaries?: number, replicas?: number, soon?: boolean }} [options] soon: whether replicas follow without a delay
 * @returns {Promise<RedisCluster>}
 */
export async function startRedisCluster({ primaries = 3, replicas = 0, soon = false } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const members = await planCluster(primaries, replicas)
    const started = await Promise.allSettled(members.map(member => startMember(members, member, soon)))
    const nodes = started.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    if (nodes.length === members.length) {
      // One after the other: once the first one finds the cluster well, the others hardly ever have to be asked again.
      for (const node of nodes) await until(() => isWell(node), 'the cluster is well')
      return running(members, nodes, primaries, soon)
    }
    await stopAll(nodes)
    const failed = started.find(one => one.status === 'rejected')
    if (attempt === ATTEMPTS) throw failed?.reason
  }
}

/** @param {readonly Member[]} members @param {RedisNode[]} nodes @param {number} primaries @param {boolean} soon @returns {RedisCluster} */
function running(members, nodes, primaries, soon) {
  return {
    nodes,
    primaries: nodes.slice(0, primaries),
    async restart({ port }) {
      const index = members.findIndex(member => member.port === port)
      nodes[index] = await startMember(members, /** @type {Member} */ (members[index]), soon)
    },
    stop: () => stopAll(nodes),
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
 * @param {readonly Member[]} members @param {Member} self @param {boolean} soon whether replicas follow without a delay
 */
function startMember(members, self, soon) {
  const line = (/** @type {Member} */ member) =>
    `${member.id} 127.0.0.1:${member.port}@${member.bus} ${member === self ? 'myself,' : ''}${member.role}`
  const lines = [...members.map(line), `vars currentEpoch ${members.length} lastVoteEpoch 0`]
  const cluster = ['--cluster-enabled', 'yes', '--cluster-port', `${self.bus}`]
  const args = [...cluster, '--cluster-node-timeout', `${UNNOTICED}`, ...(soon ? LEAN : UNSAVED)]
  /** @param {import('./types.js').Place} place */
  const init = ({ folder }) => ['sh', '-c', `printf '%s\\n' "$@" > '${folder}/nodes.conf'`, 'sh', ...lines]
  return startRedisNode({ port: self.port, args }, init)
}

/** @param {RedisNode} node */
async function isWell(node) {
  const nodes = await ask(node, 'cluster', 'nodes')
  return !/fail|handshake|disconnected/.test(nodes) && /cluster_state:ok/.test(await ask(node, 'cluster', 'info'))
}

/** Options of servers that need no data on the disk. */
const UNSAVED = ['--appendonly', 'no', '--save', '']

/** Replicas of these follow without a delay. */
const LEAN = [...UNSAVED, '--repl-diskless-sync-delay', '0']

/**
 * Starts a primary, a replica of it, and sentinels that watch them. They promote the replica soon after the primary was
 * silent for as long as `failOverAfter` says, and before that only after longer than a busy machine makes it silent.
 * @param {{ sentinels?: number }} [options]
 * @returns {Promise<RedisSentinels>}
 */
export async function startRedisSentinels({ sentinels: count = 1 } = {}) {
  const primary = await startRedisNode({ args: LEAN })
  const replica = await startReplica(primary)
  await until(
    async () => /master_link_status:up/.test(await ask(replica, 'info', 'replication')),
    'the replica follows',
  )
  const sentinels = await Promise.all(Array.from({ length: count }, () => startSentinel(primary)))
  await until(async () => (await Promise.all(sentinels.map(knowsReplica))).every(Boolean), 'the sentinels know both')
  const [sentinel] = /** @type {[RedisNode]} */ (sentinels)
  const servers = [primary, replica]
  return {
    ...{ name: 'mymaster', primary, replica, servers, sentinel, sentinels },
    failOverAfter: ms => ask(sentinel, 'sentinel', 'set', 'mymaster', 'down-after-milliseconds', `${ms}`),
    async restart({ port }, present) {
      const [list, start] = servers.some(one => one.port === port)
        ? [servers, startReplica]
        : [sentinels, startSentinel]
      list[list.findIndex(one => one.port === port)] = await start(present, port)
    },
    stop: () => stopAll([...sentinels, ...servers]),
  }
}

/** @param {RedisNode} primary @param {number} [port] */
function startReplica(primary, port) {
  const args = [...LEAN, '--replicaof', '127.0.0.1', `${primary.port}`]
  return startRedisNode({ args, ...(port !== undefined && { port }) })
}

/** @param {RedisNode} sentinel */
const knowsReplica = async sentinel => (await ask(sentinel, 'sentinel', 'replicas', 'mymaster')).length === 1

/** @param {RedisNode} primary @param {number} [own] its port @returns {Promise<RedisNode>} */
async function startSentinel(primary, own) {
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
  const server = await startServer(spec, own === undefined ? {} : { port: own })
  return { ...server, port: server.port ?? 0, pid: server.pid ?? 0 }
}

/** @param {RedisNode[]} nodes */
async function stopAll(nodes) {
  await Promise.all(nodes.map(node => node.stop()))
}
