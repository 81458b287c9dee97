// @ts-check
/** @import { Random } from '../random.js' */
/** @import { StoreServer } from '../types.js' */
/** @import { Stage } from './stage.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { FaultProxy } from '../proxy.js'
import { RedisServer } from './server.js'

/**
 * A fault of processes or servers, one at a time; over when it resolves.
 * @template {StoreServer} [S=RedisServer]
 * @typedef {(stage: Stage<S>, random: Random) => Promise<unknown>} Disaster
 */
/**
 * @template {StoreServer} [S=RedisServer]
 * @typedef {readonly (readonly [weight: number, name: string, disaster: Disaster<S>])[]} Disasters
 */

/** @param {Stage<any>} stage @param {Random} random */
export async function killWorker(stage, random) {
  const slot = random.pick(stage.slots)
  await slot.worker?.kill()
  const worker = await stage.start(slot)
  await worker.order('load')
}

/**
 * A process does not notice that it is stopped, for shorter or longer than its bounds. @param {Stage<any>} stage @param
 * {Random} random
 */
export async function stopWorker(stage, random) {
  const { worker } = random.pick(stage.slots)
  worker?.signal('SIGSTOP')
  await pause(random.between(50, 1_200))
  worker?.signal('SIGCONT')
}

/** @param {Stage} stage @param {Random} random */
async function stopServer({ server }, random) {
  server.signal('SIGSTOP')
  await pause(random.between(50, 1_400))
  server.signal('SIGCONT')
}

/** Everything acknowledged is on disk. @param {Stage} stage @param {Random} random */
async function killServer({ server }, random) {
  await server.kill()
  await pause(random.between(0, 300))
  await server.restart()
}

/** @param {Stage} stage */
const flush = stage => stage.strike('FLUSHALL', () => stage.server.flush())

/** While nobody can reach it: the exact moment does not matter. @param {Stage} stage */
const flushAlone = stage => stage.lose('FLUSHALL', () => stage.server.run('FLUSHALL'))

/** @param {Stage<any>} stage @param {Random} random */
async function steal(stage, random) {
  const { entries } = await stage.server.state()
  const keys = Object.keys(entries).filter(key => !key.startsWith('pair:') && !key.startsWith('mono:'))
  if (keys.length > 0) await stage.steal(random.pick(keys.slice(-20)))
}

/** @param {Stage} stage */
const save = stage => stage.server.run('SAVE')

/** It comes back with the data of the latest snapshot. @param {Stage} stage @param {Random} random */
async function rollBack(stage, random) {
  await stage.lose('restart without the latest data', async () => {
    await stage.server.kill()
    await pause(random.between(0, 200))
    await stage.server.restart()
  })
}

/** Faults of clients and of any server. @type {Disasters} */
const ANYWHERE = [
  [4, 'SIGKILL of a client', killWorker],
  [6, 'SIGSTOP of a client', stopWorker],
  [3, 'SIGSTOP of the server', stopServer],
  [2, 'FLUSHALL under load', flush],
  [1, 'FLUSHALL', flushAlone],
  [2, 'HDEL by an external writer', steal],
]

/** A single server that keeps what it acknowledged. @type {Disasters} */
export const DURABLE = [...ANYWHERE, [4, 'SIGKILL of the server', killServer]]

/** A single server that forgets. @type {Disasters} */
export const FORGETFUL = [...ANYWHERE, [4, 'snapshot', save], [4, 'rollback of the server', rollBack]]

/** A primary whose replica, which lags, may have to take over. */
export class Pair {
  /** @type {Disasters} */
  disasters = [...ANYWHERE, [4, 'failover', (stage, random) => this.#failOver(stage, random)]]
  #replica
  #link

  /** @param {RedisServer} replica @param {FaultProxy} link the proxy in front of it */
  constructor(replica, link) {
    this.#replica = replica
    this.#link = link
  }

  /** @param {Stage} stage */
  static async of(stage) {
    return new Pair(...(await follow(stage.server)))
  }

  async clear() {
    await this.#link.close()
    await this.#replica.remove()
  }

  /** @param {Stage} stage @param {Random} random */
  async #failOver(stage, random) {
    // The link to the replica goes silent: later writes are lost.
    if (random.chance(0.7)) for (const link of this.#link.links) link.swallow(['toClient'])
    await pause(random.between(0, 300))
    const old = stage.server
    await stage.lose('failover', async () => {
      this.#link.cut()
      await this.#replica.run('REPLICAOF', 'NO', 'ONE')
      stage.replace(this.#replica)
    })
    await this.#link.close()
    await old.remove()
    const following = await follow(stage.server)
    this.#replica = following[0]
    this.#link = following[1]
  }
}

/**
 * A new replica of a server, and the proxy between them. @param {RedisServer} primary @returns {Promise<[RedisServer,
 * FaultProxy]>}
 */
async function follow(primary) {
  const link = await FaultProxy.open(primary.port)
  const replica = await RedisServer.start({ durable: true, replicaOf: link.port })
  await replica.untilReplicating()
  return [replica, link]
}

/**
 * Causes disasters until stopped.
 * @template {StoreServer} S @param {Stage<S>} stage @param {() => Disasters<S>} disasters @param {Random} random @param
 * {AbortSignal} signal @param {(kind: string) => void} count
 */
export async function strike(stage, disasters, random, signal, count) {
  while (!signal.aborted) {
    await pause(random.between(100, 900))
    const [name, disaster] = random.weighted(
      disasters().map(([weight, ...rest]) => /** @type {const} */ ([weight, rest])),
    )
    count(name)
    await disaster(stage, random)
  }
}
