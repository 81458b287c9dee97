// @ts-check
/** @import { RedisNode, RedisSentinels } from '../../../test/servers/types.js' */
/** @import { FaultProxy } from '../../proxy.js' */
/** @import { SentinelPlan } from '../../worker/stores/sentinel.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { ask, startRedisSentinels } from '../../../test/servers/redis-nodes.js'
import { RedisStore } from '../redis/redis-store.js'

/** How long the conductor waits for the servers, in ms: on a busy machine they take long. */
const PATIENCE = 120_000

/** How many sentinels there are. */
const SENTINELS = 2

/** A primary and its replica, watched by sentinels. */
export class Sentinels extends RedisStore {
  #started

  /** @param {RedisSentinels} started */
  constructor(started) {
    super()
    this.#started = started
  }

  static async start() {
    // The conductor decides when the replica takes over: it must know what is lost.
    return new Sentinels(await startRedisSentinels({ sentinels: SENTINELS }))
  }

  get #servers() {
    return this.#started.servers
  }

  get sentinels() {
    return this.#started.sentinels
  }

  get ports() {
    return [...this.#servers, ...this.sentinels].map(({ port }) => port)
  }

  /** @param {string} client @param {readonly number[]} [ports] of its proxies @returns {SentinelPlan} */
  plan(client, ports = this.ports) {
    const { name } = this.#started
    const sentinels = ports.slice(this.#servers.length)
    return { type: 'sentinel', name, sentinels, client: /** @type {SentinelPlan['client']} */ (client) }
  }

  /** Sentinels name the servers: what a process gets are the ports of its proxies. @param {readonly FaultProxy[]} proxies */
  connect(proxies) {
    const ports = new Map(this.ports.map((port, index) => [`${port}`, `${proxies[index]?.port}`]))
    for (const proxy of proxies.slice(this.#servers.length)) proxy.translate = answer => withPorts(answer, ports)
  }

  /** @override */
  async primary() {
    return (await this.owner()).port
  }

  /** The primary, as the sentinels and the server itself say. @returns {Promise<RedisNode>} */
  async owner() {
    /** @type {RedisNode | undefined} */
    let found
    await this.#until(async () => {
      const [, port] = await this.#askSentinel('sentinel', 'get-master-addr-by-name', this.#started.name)
      found = this.#servers.find(one => one.port === Number(port))
      return found !== undefined && (await ask(found, 'role'))[0] === 'master'
    }, 'there is a primary')
    return /** @type {RedisNode} */ (found)
  }

  /** A sentinel makes the replica the primary, and the other sentinels hear of that. */
  async failOver() {
    const before = await this.#named(this.sentinels[0])
    await this.#until(async () => {
      await this.#askSentinel('sentinel', 'failover', this.#started.name)
      return true
    }, 'a sentinel begins a failover')
    await this.#until(async () => {
      const ports = await Promise.all(this.sentinels.map(one => this.#named(one)))
      return ports.every(port => port === ports[0] && port !== before)
    }, 'the sentinels name the replica')
  }

  /** Makes a server a replica of the primary, as a sentinel would do some seconds later. @param {RedisNode} node */
  async demote(node) {
    await ask(node, 'replicaof', '127.0.0.1', `${await this.primary()}`)
  }

  /** The port of the primary, as a sentinel says. @param {RedisNode | undefined} sentinel */
  async #named(sentinel) {
    const [, port] = await ask(
      /** @type {RedisNode} */ (sentinel),
      'sentinel',
      'get-master-addr-by-name',
      this.#started.name,
    )
    return Number(port)
  }

  /** Restarts a server that was killed, empty, as a replica, or a sentinel. @param {RedisNode} node */
  async restart(node) {
    await this.#started.restart(node, await this.owner())
  }

  /** Resolves when the replica follows the primary, and the sentinels know that. */
  async untilWell() {
    await this.#until(async () => {
      const { port } = await this.owner()
      const others = this.#servers.filter(one => one.port !== port)
      const infos = await Promise.all(others.map(one => ask(one, 'info', 'replication')))
      if (!infos.every(info => /role:slave/.test(`${info}`) && /master_link_status:up/.test(`${info}`))) return false
      const replicas = await this.#askSentinel('sentinel', 'replicas', this.#started.name)
      return replicas[0]?.flags === 'slave'
    }, 'the replica follows')
  }

  async remove() {
    await this.#started.stop()
  }

  /** Asks the first sentinel that answers. @param {...string} command */
  async #askSentinel(...command) {
    let fault
    for (const sentinel of this.sentinels) {
      try {
        return await ask(sentinel, ...command)
      } catch (error) {
        fault = error
      }
    }
    throw fault
  }

  /** @param {() => Promise<boolean>} ask @param {string} what */
  async #until(ask, what) {
    const end = performance.now() + PATIENCE
    for (;;) {
      const answer = await ask().catch(error => error)
      if (answer === true) return
      if (performance.now() > end) throw new Error(`Not within ${PATIENCE / 1000} s: ${what}`, { cause: answer })
      await pause(25)
    }
  }
}

/** The same answer with other ports. They have as many digits, so that the lengths in the answer hold. @param {Buffer} answer @param {ReadonlyMap<string, string>} ports */
const withPorts = (answer, ports) =>
  Buffer.from(
    answer.toString('latin1').replace(/\b\d{5}\b/g, port => ports.get(port) ?? port),
    'latin1',
  )
