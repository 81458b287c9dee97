// @ts-check
/** @import { RedisNode, RedisSentinels } from '../../../test/servers/types.js' */
/** @import { SentinelPlan } from '../../worker/stores/sentinel.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { ask, startRedisSentinels } from '../../../test/servers/redis-nodes.js'
import { RedisStore } from '../redis/redis-store.js'

/** How long the conductor waits for the servers, in ms. */
const PATIENCE = 20_000

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

  /** @param {string} _client @param {readonly number[]} [ports] of its proxies @returns {SentinelPlan} */
  plan(_client, ports = this.ports) {
    const places = this.ports.map((announced, index) => ({ announced, port: ports[index] ?? announced }))
    const count = this.#servers.length
    const [servers, sentinels] = [places.slice(0, count), places.slice(count)]
    const { name } = this.#started
    return { type: 'sentinel', name, servers, sentinels }
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
