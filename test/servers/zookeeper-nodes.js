// @ts-check
/** @import { StartOptions, ZookeeperEnsemble, ZookeeperNode } from './types.js' */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fastFolder } from './fast-folder.js'
import { startPausingProxy } from './pausing-proxy.js'
import { freePort } from './port.js'
import { startServer } from './start.js'
import { fourLetters, zookeeper, zookeeperConfig } from './zookeeper.js'

/** How many ticks of 100 ms a server stays in service without the leader. */
const SYNC_LIMIT = 50

/**
 * Starts a server whose port, process and folder are known: never one that the environment points at.
 * @param {StartOptions} [options] @param {readonly string[]} [lines] of its configuration @param {number} [id]
 * @returns {Promise<ZookeeperNode>}
 */
export async function startZookeeperNode(options, lines = [], id = 0) {
  const spec = { ...zookeeper, variable: 'DURABLEDICT_TEST_ZOOKEEPER_NODE' }
  /** @param {import('./types.js').Place} place */
  const init = place => zookeeperConfig(place, lines, id)
  const { pid, port, folder, ...server } = await startServer({ ...spec, init }, options)
  if (port === undefined || pid === undefined || folder === undefined) {
    throw new Error('The tests must start this ZooKeeper themselves.')
  }
  return { ...server, port, pid, folder, address: `127.0.0.1:${port}` }
}

/** How often to try an ensemble: others may take a free port before a server listens on it. */
const ATTEMPTS = 3

/** Starts three servers of one ensemble. @param {{ syncLimit?: number }} [options] @returns {Promise<ZookeeperEnsemble>} */
export async function startZookeeperEnsemble({ syncLimit = SYNC_LIMIT } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const plan = await planEnsemble(['initLimit=50', `syncLimit=${syncLimit}`])
    const started = await Promise.allSettled(plan.members.map(member => plan.start(member)))
    const nodes = started.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    if (nodes.length === started.length) return running(plan, nodes)
    await discard(plan, nodes)
    const failed = started.find(one => one.status === 'rejected')
    if (attempt === ATTEMPTS) throw failed?.reason
  }
}

/** @typedef {Awaited<ReturnType<typeof planEnsemble>>} Plan */

/** Members on their own ports, and the proxies through which the others reach each of them. @param {readonly string[]} limits */
async function planEnsemble(limits) {
  const members = await Promise.all([1, 2, 3].map(newMember))
  const proxies = await Promise.all(
    members.flatMap(from => members.filter(to => to !== from).map(to => link(from, to))),
  )
  /** @param {Member} member */
  const start = member => {
    const through = (/** @type {Member} */ other) => proxies.find(one => one.from === member && one.to === other)
    const lines = [...limits, ...members.map(other => serverLine(other, through(other)))]
    return startZookeeperNode({ folder: member.folder, port: member.port }, lines, member.id)
  }
  return { members, proxies, start }
}

/** @param {Plan} plan @param {ZookeeperNode[]} nodes @returns {ZookeeperEnsemble} */
function running(plan, nodes) {
  return {
    nodes,
    addresses: nodes.map(({ address }) => address).join(','),
    leader: () => leaderOf(nodes),
    async restart(node) {
      const index = nodes.findIndex(({ port }) => port === node.port)
      const again = await plan.start(/** @type {Member} */ (plan.members[index]))
      nodes[index] = again
      return again
    },
    cutOff(node, off) {
      for (const { from, to, proxy } of plan.proxies) {
        if ([from.port, to.port].includes(node.port)) proxy.pause(off)
      }
    },
    stop: () => discard(plan, nodes),
  }
}

/** @param {Plan} plan @param {readonly ZookeeperNode[]} nodes */
async function discard({ members, proxies }, nodes) {
  await Promise.all(nodes.map(node => node.stop()))
  for (const { proxy } of proxies) proxy.close()
  await Promise.all(members.map(({ folder }) => rm(folder, { recursive: true, force: true })))
}

/** @param {number} id */
async function newMember(id) {
  const folder = await mkdtemp(join(fastFolder(), 'durabledict-'))
  const [port, quorum, election] = await Promise.all([freePort(), freePort(), freePort()])
  return { id, folder, port, quorum, election }
}

/** @typedef {{ id: number, folder: string, port: number, quorum: number, election: number }} Member */

/** The proxy for the traffic from one member to another as its follower. @param {Member} from @param {Member} to */
async function link(from, to) {
  return { from, to, proxy: await startPausingProxy(to.quorum, true) }
}

/** @param {Member} member @param {{ proxy: { port: number } }} [through] */
const serverLine = ({ id, quorum, election }, through) =>
  `server.${id}=127.0.0.1:${through?.proxy.port ?? quorum}:${election}`

/** @param {readonly ZookeeperNode[]} nodes */
async function leaderOf(nodes) {
  for (const node of nodes) {
    if (/^Mode: leader/m.test(await fourLetters(node.port, 'srvr').catch(() => ''))) return node
  }
  throw new Error('The ensemble has no leader.')
}
