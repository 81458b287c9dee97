// @ts-check
/** @import { RedisCluster, RedisNode } from '../../../test/servers/types.js' */
/** @import { RedisClusterPlan } from '../../worker/stores/redis-cluster.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { ask, startRedisCluster } from '../../../test/servers/redis-nodes.js'
import { NAME } from '../../worker/store.js'
import { RedisStore } from '../redis/redis-store.js'

/** How long the conductor waits for the cluster, in ms. Its servers gossip as slowly as a busy machine lets them. */
const PATIENCE = 120_000

/** When to ask for a planned failover again, in ms: a replica gives it up after 5 s. */
const AGAIN_AFTER = 10_000

/** Three primaries with a replica each, of which one pair has the hash slot of the dictionary at a time. */
export class Cluster extends RedisStore {
  #cluster

  /** @param {RedisCluster} cluster */
  constructor(cluster) {
    super()
    this.#cluster = cluster
  }

  static async start() {
    // The conductor decides when a replica takes over: it must know what is lost.
    return new Cluster(await startRedisCluster({ replicas: 1, soon: true }))
  }

  get ports() {
    return this.#cluster.nodes.map(({ port }) => port)
  }

  /** @param {string} client @param {readonly number[]} [ports] of its proxies @returns {RedisClusterPlan} */
  plan(client, ports = this.ports) {
    const nodes = this.ports.map((announced, index) => ({ announced, port: ports[index] ?? announced }))
    return { type: 'redis-cluster', nodes, client: /** @type {RedisClusterPlan['client']} */ (client) }
  }

  /** @override */
  async primary() {
    return (await this.owner()).port
  }

  /** The primary with the slot of the dictionary. */
  owner() {
    return this.#found(([owner]) => owner, 'the slot has a primary')
  }

  /** The replica of the owner. */
  heir() {
    return this.#found(([, heir]) => heir, 'the primary has a replica')
  }

  /** A planned failover: the replica waits for everything, and takes over. Loses nothing. */
  async failOver() {
    const heir = await this.heir()
    let asked = Number.NEGATIVE_INFINITY
    await this.#until(async () => {
      if ((await this.#roleOf(heir)) === 'master') return true
      if (performance.now() - asked < AGAIN_AFTER) return false
      await ask(heir, 'cluster', 'failover')
      asked = performance.now()
      return false
    }, 'the replica takes over')
    await this.#untilWell()
  }

  /** The replica takes over from a server that is gone. @param {RedisNode} heir */
  async takeOver(heir) {
    await ask(heir, 'cluster', 'failover', 'takeover')
    await this.#until(async () => (await this.#roleOf(heir)) === 'master', 'the replica takes over')
  }

  /** Restarts a server that was killed, with its place in the cluster, but without data. @param {RedisNode} node */
  async restart(node) {
    await this.#cluster.restart(node)
    await this.#untilWell()
  }

  /** Moves the slot to another primary, as `redis-cli --cluster reshard` does. @param {number} pick which of the others */
  async moveSlot(pick) {
    const from = await this.owner()
    const others = []
    for (const node of this.#cluster.nodes)
      if (node !== from && (await this.#roleOf(node)) === 'master') others.push(node)
    const to = /** @type {RedisNode} */ (others[pick % others.length])
    const slot = `${await ask(from, 'cluster', 'keyslot', NAME)}`
    const [source, target] = [await ask(from, 'cluster', 'myid'), await ask(to, 'cluster', 'myid')]
    await ask(to, 'cluster', 'setslot', slot, 'importing', source)
    await ask(from, 'cluster', 'setslot', slot, 'migrating', target)
    for (;;) {
      const [key] = await ask(from, 'cluster', 'getkeysinslot', slot, '1')
      if (key === undefined) break
      await ask(from, 'migrate', '127.0.0.1', `${to.port}`, key, '0', '5000')
    }
    for (const node of [to, from]) await ask(node, 'cluster', 'setslot', slot, 'node', target)
    await this.#untilWell()
  }

  async remove() {
    await this.#cluster.stop()
  }

  /** @param {(servers: RedisNode[]) => RedisNode | undefined} pick @param {string} what @returns {Promise<RedisNode>} */
  async #found(pick, what) {
    /** @type {RedisNode | undefined} */
    let found
    await this.#until(async () => {
      found = pick(await this.#servers())
      return found !== undefined
    }, what)
    return /** @type {RedisNode} */ (found)
  }

  /** The servers of the slot, the primary first, as the first server says that knows the right one. @returns {Promise<RedisNode[]>} */
  async #servers() {
    for (const node of this.#cluster.nodes) {
      const ranges = await ask(node, 'cluster', 'slots').catch(() => [])
      const slot = ranges.length > 0 ? await ask(node, 'cluster', 'keyslot', NAME) : 0
      const [, , ...places] =
        ranges.find((/** @type {[number, number]} */ [low, high]) => low <= slot && slot <= high) ?? []
      const ports = places.map((/** @type {[string, number]} */ [, port]) => port)
      const servers = ports.flatMap((/** @type {number} */ port) =>
        this.#cluster.nodes.filter(one => one.port === port),
      )
      if (servers[0] && (await this.#roleOf(servers[0])) === 'master') return servers
    }
    return []
  }

  /** @param {RedisNode} node @returns {Promise<string>} */
  async #roleOf(node) {
    const [role] = await ask(node, 'role').catch(() => [''])
    return role
  }

  /** Resolves when every server knows one owner of the slot, with a replica that follows it. */
  async #untilWell() {
    await this.#until(async () => {
      const infos = await Promise.all(this.#cluster.nodes.map(node => ask(node, 'cluster', 'info')))
      if (!infos.every(info => `${info}`.includes('cluster_state:ok'))) return false
      const slots = await Promise.all(this.#cluster.nodes.map(node => ask(node, 'cluster', 'slots')))
      const owners = slots.map(ranges =>
        JSON.stringify(ranges.map((/** @type {any} */ [low, high, [, port]]) => [low, high, port]).sort()),
      )
      if (new Set(owners).size > 1) return false
      return /master_link_status:up/.test(await ask(await this.heir(), 'info', 'replication'))
    }, 'the cluster is well')
  }

  /** @param {() => Promise<boolean>} ask @param {string} what */
  async #until(ask, what) {
    const end = performance.now() + PATIENCE
    for (;;) {
      const answer = await ask().catch(error => error)
      if (answer === true) return
      if (performance.now() > end) throw await this.#lateFault(what, answer)
      await pause(25)
    }
  }

  /** With what the servers say of each other. @param {string} what @param {unknown} cause */
  async #lateFault(what, cause) {
    const views = this.#cluster.nodes.map(node => ask(node, 'cluster', 'nodes').catch(error => error))
    return new Error(`Not within ${PATIENCE / 1000} s: ${what}\n${(await Promise.all(views)).join('\n')}`, { cause })
  }
}
