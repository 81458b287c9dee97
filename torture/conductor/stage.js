// @ts-check
/** @import { History, Loss } from '../types.js' */
/** @import { SessionPlan, WorkerPlan } from '../worker.js' */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { newFolder, removeFolder } from '../folders.js'
import { FaultProxy } from '../proxy.js'
import { now } from '../worker/journal.js'
import { readJournals } from './journals.js'
import { RedisServer } from './server.js'
import { Worker } from './worker.js'

/** How long a process may take to finish what it does, once nothing is in its way, in ms. */
const RESTING = 20_000

/** How long live memory may take to come to the present by itself, once nothing is in its way, in ms. */
const SETTLING = 1_500

/**
 * @typedef {object} Cast what one place for a client process is filled with
 * @property {'node-redis' | 'node-redis, RESP3' | 'ioredis'} client
 * @property {readonly SessionPlan[]} sessions
 */

/** One place for a client process: its way to the server, and whoever is there now. */
export class Slot {
  /** @type {Worker | undefined} */
  worker
  generation = 0

  /** @param {string} name @param {Cast} cast @param {FaultProxy} proxy */
  constructor(name, cast, proxy) {
    this.name = name
    this.cast = cast
    this.proxy = proxy
  }
}

/** Servers, proxies and client processes of one scene, and what became of them; all gone after `clear`. */
export class Stage {
  /** @type {Slot[]} */
  slots = []
  /** @type {Loss[]} */
  losses = []
  /** @type {string[]} */
  #troubles = []
  #entered = 0
  #folder
  #dist
  #seed

  /** @param {string} dist @param {string} folder @param {RedisServer} server @param {string | number} seed */
  constructor(dist, folder, server, seed) {
    this.#dist = dist
    this.#folder = folder
    this.server = server
    this.#seed = seed
  }

  /** @param {{ dist: string, durable?: boolean, seed?: string | number }} options */
  static async set({ dist, durable = true, seed = 1 }) {
    const folder = await newFolder()
    return new Stage(dist, folder, await RedisServer.start({ durable }), seed)
  }

  get proxies() {
    return this.slots.map(({ proxy }) => proxy)
  }

  /** Opens a place and starts a process there. @param {Cast} cast */
  async enter(cast) {
    this.#entered += 1
    const slot = new Slot(`w${this.#entered}`, cast, await FaultProxy.open(this.server.port))
    this.slots.push(slot)
    await this.start(slot)
    return slot
  }

  /** Starts a process in a place where there is none. @param {Slot} slot */
  async start(slot) {
    slot.generation += 1
    const name = `${slot.name}.${slot.generation}`
    const { client, sessions } = slot.cast
    /** @type {WorkerPlan} */
    const plan = {
      name,
      dist: this.#dist,
      store: { type: 'redis', url: `redis://127.0.0.1:${slot.proxy.port}`, client },
      sessions,
      journal: join(this.#folder, `${name}.jsonl`),
      seed: `${this.#seed} ${name}`,
    }
    slot.worker = new Worker(plan)
    await slot.worker.ready
    return slot.worker
  }

  /** Sets another server in the place of the present one. @param {RedisServer} server */
  replace(server) {
    this.server = server
    for (const proxy of this.proxies) proxy.retarget(server.port)
  }

  /**
   * Does something by which the store loses data, while nobody can reach it, and notes what is left.
   * @param {Loss['kind']} kind @param {() => Promise<unknown>} work
   */
  async lose(kind, work) {
    for (const proxy of this.proxies) proxy.refuse(true)
    await this.server.untilAlone()
    const begin = now()
    await work()
    const { entries, number } = await this.server.state()
    this.losses.push({ kind, begin, end: now(), entries, survived: number })
    for (const proxy of this.proxies) proxy.refuse(false)
  }

  /** Takes everything away in the middle of what goes on. */
  async flush() {
    const begin = now()
    await this.server.run('FLUSHALL')
    this.losses.push({ kind: 'FLUSHALL', begin, end: now(), entries: {}, survived: 0 })
  }

  /** Takes an entry away behind the library's back. @param {string} key */
  async steal(key) {
    const begin = now()
    await this.server.steal(key)
    this.losses.push({ kind: 'HDEL', begin, end: now(), entries: {}, keys: [key] })
  }

  /** Lets everything heal and end, and gives all that is known. @param {number} [settling] how long live memory is given, in ms */
  async finish(settling = SETTLING) {
    for (const proxy of this.proxies) proxy.heal()
    await this.#each(worker => worker.order('rest'))
    await pause(settling)
    await this.#each(worker => worker.order('report'))
    const at = now()
    const { entries } = await this.server.state()
    const { history, figures } = await readJournals(this.#folder)
    const faults = [...history.faults, ...this.#troubles]
    /** @type {History} */
    const whole = { ...history, losses: this.losses, faults, store: { at, entries } }
    return { history: whole, figures }
  }

  /** Ends everything. */
  async clear() {
    await Promise.all(this.slots.map(({ worker }) => worker?.kill()))
    await Promise.all(this.proxies.map(proxy => proxy.close()))
    await this.server.remove()
    await removeFolder(this.#folder)
  }

  /** Has every process do something within the time that it may take. @param {(worker: Worker) => Promise<unknown>} work */
  async #each(work) {
    const workers = this.slots.flatMap(({ worker }) => (worker ? [worker] : []))
    await Promise.all(
      workers.map(async worker => {
        const late = pause(RESTING, 'did not come to rest', { ref: false })
        const trouble = await Promise.race([work(worker).then(() => undefined), late]).catch(error => error.message)
        if (trouble !== undefined) this.#troubles.push(`${worker.name}: ${trouble}`)
      }),
    )
  }
}
