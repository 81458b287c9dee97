// @ts-check
/** @import { History, Loss, Operation, Recorded, Recovery, StoreServer } from '../types.js' */
/** @import { Open } from '../worker/store.js' */
/** @import { SessionPlan, WorkerPlan } from '../worker.js' */
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { root } from '../../scripts/run.js'
import { newFolder, removeFolder } from '../folders.js'
import { Proxies } from '../proxies.js'
import { FaultProxy } from '../proxy.js'
import { now } from '../worker/journal.js'
import { connect } from '../worker/store.js'
import { readJournals } from './journals.js'
import { readFiles } from './last-known.js'
import { Worker } from './worker.js'

/** How long a process may take to finish without faults, in ms. */
const RESTING = 30_000

/** Of a process that takes longer. */
const LATE = 'did not settle'

/** How soon a process must have ended after it has closed everything, in ms. */
const LEAVING = 5_000

/** By how much the heap of a process may grow in a scene, in MiB. */
const GROWTH = 32

/** How long what is in transit may take to arrive after the load has ended, in ms. */
const ARRIVING = 500

/** How soon live memory must be current without faults, in ms. */
const SETTLING = 10_000

/**
 * @typedef {object} Cast the processes of one slot
 * @property {string} client
 * @property {readonly SessionPlan[]} sessions
 */

/** One slot of a client process: its proxies to the servers, and its present process. */
export class Slot {
  /** @type {Worker | undefined} */
  worker
  generation = 0

  /** @param {string} name @param {Cast} cast @param {readonly FaultProxy[]} proxies one for each port of the store, in this order */
  constructor(name, cast, proxies) {
    this.name = name
    this.cast = cast
    this.proxies = proxies
  }

  /** All its proxies. */
  get proxy() {
    if (this.proxies.length === 0) throw new Error('Nothing lies between this process and its store.')
    return new Proxies(this.proxies)
  }
}

/**
 * Store, proxies and client processes of one scene, and their records; all removed by `clear`.
 * @template {StoreServer} [S=StoreServer]
 */
export class Stage {
  /** @type {Slot[]} */
  slots = []
  /** @type {Loss[]} */
  losses = []
  /** Of programs without the library. @type {Operation[]} */
  edits = []
  /** @type {string[]} */
  #troubles = []
  #entered = 0
  #edited = 0
  #marks = 0
  #folder
  #dist
  #seed

  /** @param {string} dist @param {string} folder @param {S} server @param {string | number} seed */
  constructor(dist, folder, server, seed) {
    this.#dist = dist
    this.#folder = folder
    this.server = server
    this.#seed = seed
  }

  /** @template {StoreServer} S @param {S} server @param {string} dist @param {string | number} seed */
  static async around(server, dist, seed) {
    return new Stage(dist, await newFolder(), server, seed)
  }

  get proxies() {
    return this.slots.flatMap(({ proxies }) => proxies)
  }

  /** Opens a slot and starts a process in it. @param {Cast} cast */
  async enter(cast) {
    this.#entered += 1
    const name = `w${this.#entered}`
    const ports = this.server.portsOf?.(cast.client) ?? this.server.ports
    const proxies = await Promise.all(ports.map(port => FaultProxy.open(port)))
    this.server.connect?.(proxies)
    const slot = new Slot(name, cast, proxies)
    this.slots.push(slot)
    await this.start(slot)
    return slot
  }

  /** Starts a process in an empty slot. @param {Slot} slot */
  async start(slot) {
    slot.generation += 1
    const name = `${slot.name}.${slot.generation}`
    const { client, sessions } = slot.cast
    /** @type {WorkerPlan} */
    const plan = {
      name,
      dist: this.#dist,
      store: this.server.plan(
        client,
        slot.proxies.map(({ port }) => port),
      ),
      sessions,
      pause: this.server.pause,
      // Survives the process: the next one in this slot opens from it if the store is not reachable.
      lastKnown: this.#lastKnownOf(slot),
      journal: join(this.#folder, `${name}.jsonl`),
      seed: `${this.#seed} ${name}`,
    }
    slot.worker = new Worker(plan, this.server.nodeFor?.(client))
    await slot.worker.ready
    return slot.worker
  }

  /** Starts a process in an empty slot, and its load. If it ends instead, its journal says why, and the scene continues. @param {Slot} slot */
  async join(slot) {
    const worker = await this.start(slot)
    await worker.order('load').catch(error => this.trouble(error))
  }

  /** Something went wrong that fails the scene, but does not end it. @param {unknown} error */
  trouble(error) {
    this.#troubles.push(`${/** @type {Error} */ (error).message}`)
  }

  /** @param {Slot} slot */
  #lastKnownOf({ name }) {
    return join(this.#folder, `${name}.last-known`)
  }

  /** Replaces the server with another one. @param {S} server */
  replace(server) {
    this.server = server
    for (const { proxies } of this.slots)
      for (const [index, port] of server.ports.entries()) proxies[index]?.retarget(port)
  }

  /**
   * Makes the store lose data while nobody can reach it, and records what remains.
   * @param {Loss['kind']} kind @param {() => Promise<unknown>} work @param {Loss['keys']} [keys] those that it affects. Default: all.
   */
  async lose(kind, work, keys) {
    await this.#closed(async () => {
      await this.server.untilAlone?.()
      const begin = now()
      await work()
      await this.#recordLoss(kind, begin, keys)
    })
  }

  /**
   * Makes a server fail during operation. While nobody can reach the store, another one takes over; records what that has.
   * @param {Loss['kind']} kind @param {() => unknown} strike @param {() => Promise<unknown>} takeOver
   */
  async fail(kind, strike, takeOver) {
    const begin = now()
    await strike()
    await this.#closed(async () => {
      await takeOver()
      await this.#recordLoss(kind, begin)
    })
  }

  /** @param {() => Promise<unknown>} work */
  async #closed(work) {
    for (const proxy of this.proxies) proxy.refuse(true)
    await work()
    for (const proxy of this.proxies) proxy.refuse(false)
  }

  /** @param {Loss['kind']} kind @param {number} begin @param {Loss['keys']} [keys] */
  async #recordLoss(kind, begin, keys) {
    const { entries, number } = await this.server.state()
    await this.server.keepHistory()
    this.losses.push({ kind, begin, end: now(), entries, survived: number, keys })
  }

  /**
   * Replaces everything during operation. @param {string} kind @param {() => Promise<unknown>} work
   * @param {{ entries: Loss['entries'], number: number }} [left] the state that it leaves. Default: nothing.
   */
  async strike(kind, work, { entries, number } = { entries: {}, number: 0 }) {
    const begin = now()
    await work()
    this.losses.push({ kind, begin, end: now(), entries, survived: number })
  }

  /** Removes an entry without the library. @param {string} key */
  async steal(key) {
    await this.#meddle('a removal by others', key, {}, () => this.server.steal?.(key))
  }

  /** Creates an entry without the library. @param {string} key @param {string} value */
  async plant(key, value) {
    await this.#meddle('an entry by others', key, { [key]: value }, () => this.server.plant?.(key, value))
  }

  /** @param {string} kind @param {string} key @param {Loss['entries']} entries @param {() => unknown} work */
  async #meddle(kind, key, entries, work) {
    const begin = now()
    await work()
    this.losses.push({ kind, begin, end: now(), entries, keys: [key], renumbers: this.server.renumbers })
  }

  /**
   * Writes without the library. The store records it in its history, by the id as its author. All of it takes effect at one moment.
   * @param {string} via @param {(id: string) => Promise<readonly Pick<Operation, 'kind' | 'key' | 'value' | 'result'>[]>} work
   */
  async edit(via, work) {
    this.#edited += 1
    const id = `edit ${this.#edited}`
    const begin = now()
    const effects = await work(id)
    const common = /** @type {const} */ ({ id, session: 'others', via, begin, end: now(), outcome: 'done' })
    this.edits.push(...effects.map(one => ({ ...common, ...one })))
  }

  /** Heals everything; resolves with the time, in ms, until every session sees a new write in its own way. */
  async recover() {
    for (const proxy of this.proxies) proxy.heal()
    const begin = now()
    this.#marks += 1
    const key = `mark:${this.#marks}`
    const [first] = this.slots
    await this.#within(first?.worker, worker => worker.call(0, 'insist', key))
    await this.#each(worker => worker.order('follow', key))
    return now() - begin
  }

  /**
   * Heals everything, ends the load, and returns the whole history. @param {{ settling?: number, recoveries?: readonly
   * Recovery[] }} [options] how long live memory has, in ms: by default until it is current, for a while; what was measured
   */
  async finish({ settling, recoveries = [] } = {}) {
    for (const proxy of this.proxies) proxy.heal()
    await this.#each(worker => worker.order('rest'))
    await (settling === undefined ? this.#settle() : pause(settling))
    await this.#each(worker => worker.order('report'))
    const growth = await this.#growth()
    await this.server.agree?.().catch(error => this.trouble(error))
    const at = now()
    const { entries } = await this.server.state()
    const recorded = await this.withDict(dict => recordedBy(dict))
    const { history, figures } = await readJournals(this.#folder)
    await this.#each(worker => this.#leave(worker))
    const files = await readFiles(
      this.#dist,
      this.slots.map(slot => this.#lastKnownOf(slot)),
    )
    const faults = [...history.faults, ...this.#troubles]
    /** @type {History} */
    const whole = {
      ...history,
      operations: [...history.operations, ...this.edits],
      losses: this.losses,
      files,
      recoveries,
      faults,
      store: { at, entries },
      recorded,
    }
    if (recorded) figures.set('commits', recorded.commits.length)
    figures.set('last known files', files.length)
    figures.set('growth of a heap, in MiB, at most', Math.round(growth))
    return { history: whole, figures }
  }

  /** Keeps the records of the scene, and returns where. @param {string} name */
  async keep(name) {
    const kept = join(root, '.cache', 'torture', name)
    await cp(this.#folder, kept, { recursive: true })
    await writeFile(join(kept, 'losses.json'), JSON.stringify(this.losses))
    return kept
  }

  /** Ends everything. */
  async clear() {
    await Promise.all(this.slots.map(({ worker }) => worker?.kill()))
    await Promise.all(this.proxies.map(proxy => proxy.close()))
    await this.server.remove()
    await removeFolder(this.#folder)
  }

  /** Opens a dictionary of its own, which no fault affects. @template V @param {(dict: Awaited<ReturnType<Open>>) => Promise<V>} work */
  async withDict(work) {
    const { open, disconnect } = await connect(this.#dist, this.server.plan(this.slots[0]?.cast.client ?? ''))
    try {
      const dict = await open({})
      const result = await work(dict)
      await dict.close()
      return result
    } finally {
      disconnect()
    }
  }

  /** Resolves when live memory has the version of the store, and that is still the same; or when that took too long. */
  async #settle() {
    await pause(ARRIVING)
    const end = now() + SETTLING
    for (let left = SETTLING; left > 0; left = end - now()) {
      const { number } = await this.server.state()
      await this.#each(worker => worker.order('reach', number, left))
      if ((await this.server.state()).number === number) return
    }
  }

  /** By how much the heap of a process has grown at most, in MiB. */
  async #growth() {
    let most = 0
    await this.#each(async worker => {
      const growth = await worker.order('growth')
      most = Math.max(most, growth)
      if (growth > GROWTH) throw new Error(`its heap grew by ${Math.round(growth)} MiB; at most ${GROWTH} are normal`)
    })
    return most
  }

  /** Everything is closed: the process must end by itself. @param {Worker} worker */
  async #leave(worker) {
    await worker.order('leave')
    const how = await Promise.race([worker.ended, pause(LEAVING, 'late', { ref: false })])
    if (how === 'late') throw new Error('something kept it alive after everything was closed')
    if (how !== '0') throw new Error(`it ended with ${how}`)
  }

  /** Makes every process do something within its time limit. @param {(worker: Worker) => Promise<unknown>} work */
  async #each(work) {
    await Promise.all(this.slots.map(({ worker }) => this.#within(worker, work)))
  }

  /** @param {Worker | undefined} worker @param {(worker: Worker) => Promise<unknown>} work */
  async #within(worker, work) {
    if (!worker) return
    const late = pause(RESTING, LATE, { ref: false })
    const trouble = await Promise.race([work(worker).then(() => undefined), late]).catch(error => error.message)
    if (trouble === undefined) return
    const why = trouble === LATE ? await explained(worker) : ''
    this.#troubles.push(`${worker.name}: ${trouble}${why}`)
  }
}

/** What a process that is late waits for, if it can say so. @param {Worker} worker */
async function explained(worker) {
  if (!worker.isOpen) return ': it is still opening its dictionaries'
  const answer = worker.order('explain').then(lines => `\n    ${lines.join('\n    ')}`)
  return Promise.race([answer, pause(LEAVING, ': it does not answer', { ref: false })]).catch(() => '')
}

/**
 * The history in the store, or nothing if the store keeps none. @param {Awaited<ReturnType<Open>>} dict @returns
 * {Promise<Recorded | undefined>}
 */
async function recordedBy(dict) {
  const history = dict.history()
  try {
    const commits = await history.toArray()
    // Copies of the changes: their values are decoded when they are read.
    const plain = commits.map(({ id, by, via, changes }) => ({
      id,
      by,
      via,
      changes: changes.map(one => ({ ...one })),
    }))
    return { complete: history.complete ?? true, commits: plain.reverse() }
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code === 'DURABLEDICT_UNSUPPORTED') return undefined
    throw error
  }
}
