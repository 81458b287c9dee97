// @ts-check
/** @import { ZookeeperEnsemble, ZookeeperNode } from '../../../test/servers/types.js' */
/** @import { Random } from '../../random.js' */
/** @import { ZookeeperPlan } from '../../worker/stores/zookeeper.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { startZookeeperEnsemble } from '../../../test/servers/zookeeper-nodes.js'
import { PATH } from '../../worker/stores/zookeeper.js'
import { Operator } from './operator.js'

/** A follower leaves a silent leader after so many ticks of 100 ms, so that a partition ends in an election. */
const SYNC_LIMIT = 15

/** How soon a change by others must be noticed, in ms: once a process works again, in a third of its session timeout at the latest. */
const NOTICED = 5_000

/** How long the conductor waits for the ensemble, in ms. */
const PATIENCE = 20_000

/** The longest pause of a lane, in ms: of several writes from one state, all but one begin again. */
const PAUSE = 400

/** Three servers, which may be stopped, killed, cut off from each other, and restarted with their data. */
export class Ensemble {
  /** After a change by others, the versions are numbered from 0 again. */
  renumbers = true
  pause = PAUSE
  #ensemble
  #session

  /** @param {ZookeeperEnsemble} ensemble @param {number} session */
  constructor(ensemble, session) {
    this.#ensemble = ensemble
    this.#session = session
  }

  /** @param {number} session the timeout of the processes' sessions, in ms */
  static async start(session) {
    return new Ensemble(await startZookeeperEnsemble({ syncLimit: SYNC_LIMIT }), session)
  }

  get ports() {
    return this.#ensemble.nodes.map(({ port }) => port)
  }

  /** @param {string} client @param {readonly number[]} [ports] of its proxies @returns {ZookeeperPlan} */
  plan(client, ports = this.ports) {
    const servers = ports.map(port => `127.0.0.1:${port}`).join(',')
    return {
      type: 'zookeeper',
      servers,
      client: /** @type {ZookeeperPlan['client']} */ (client),
      session: this.#session,
    }
  }

  get nodes() {
    return [...this.#ensemble.nodes]
  }

  get session() {
    return this.#session
  }

  /** The present leader, once there is one. */
  async leader() {
    for (const end = performance.now() + PATIENCE; ; await pause(20)) {
      try {
        return await this.#ensemble.leader()
      } catch (error) {
        if (performance.now() > end) throw error
      }
    }
  }

  /** @param {Random} random */
  async follower(random) {
    const leader = await this.leader()
    return random.pick(this.nodes.filter(({ port }) => port !== leader.port))
  }

  /** Kills servers (SIGKILL), and restarts them with their data a little later. @param {readonly ZookeeperNode[]} nodes @param {number} ms */
  async crash(nodes, ms) {
    await Promise.all(nodes.map(node => node.stop()))
    await pause(ms)
    await Promise.all(nodes.map(node => this.#ensemble.restart(node)))
  }

  /** Stops a server for a while (SIGSTOP): it lags behind then. @param {ZookeeperNode} node @param {number} ms */
  async suspend({ pid }, ms) {
    process.kill(pid, 'SIGSTOP')
    await pause(ms)
    process.kill(pid, 'SIGCONT')
  }

  /** Delays everything between a server and the others for a while. @param {ZookeeperNode} node @param {number} ms */
  async cutOff(node, ms) {
    this.#ensemble.cutOff(node, true)
    await pause(ms)
    this.#ensemble.cutOff(node, false)
  }

  async state() {
    const { entries, head } = await this.#operate(operator => operator.state())
    return { entries, number: Number(head.number ?? 0) }
  }

  /** ZooKeeper itself may fail to repair a server that had accepted what the others had not. */
  async agree() {
    const all = await Promise.all(
      this.ports.map(port => this.#operate(operator => operator.state(), `127.0.0.1:${port}`)),
    )
    const texts = new Set(all.map(({ entries }) => JSON.stringify(Object.entries(entries).sort())))
    if (texts.size > 1) throw new Error(`The servers of the ensemble have ${texts.size} different states.`)
  }

  /** No disaster loses the policy of the history. */
  async keepHistory() {}

  /** Removes the znode of a key; resolves when a process has noticed that, or none did in time. @param {string} key */
  async steal(key) {
    await this.#meddle(operator => operator.remove(key))
  }

  /** Creates a znode of a key, with its value; resolves in the same way. @param {string} key @param {string} value */
  async plant(key, value) {
    await this.#meddle(operator => operator.create(key, value))
  }

  async remove() {
    await this.#ensemble.stop()
  }

  /** A process that notices a change by others starts a new history. @param {(operator: Operator) => Promise<void>} change */
  async #meddle(change) {
    await this.#operate(async operator => {
      const before = await operator.epoch()
      await change(operator)
      const end = performance.now() + NOTICED
      while ((await operator.epoch()) === before && performance.now() < end) await pause(5)
    })
  }

  /** @template V @param {(operator: Operator) => Promise<V>} work @param {string} [addresses] @returns {Promise<V>} */
  async #operate(work, addresses = this.#ensemble.addresses) {
    const operator = await Operator.connect(addresses, PATH)
    try {
      return await work(operator)
    } finally {
      operator.end()
    }
  }
}
