// @ts-check
/** @import { Disasters } from '../../conductor/disasters.js' */
/** @import { Stage } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { OF_PROCESSES, steal } from '../../conductor/disasters.js'
import { FaultProxy } from '../../proxy.js'
import { RedisServer } from './server.js'

/** @param {Stage<RedisServer>} stage @param {Random} random */
async function stopServer({ server }, random) {
  server.signal('SIGSTOP')
  await pause(random.between(50, 1_400))
  server.signal('SIGCONT')
}

/** Everything acknowledged is on disk. @param {Stage<RedisServer>} stage @param {Random} random */
async function killServer({ server }, random) {
  await server.kill()
  await pause(random.between(0, 300))
  await server.restart()
}

/** @param {Stage<RedisServer>} stage */
const flush = stage => stage.strike('FLUSHALL', () => stage.server.flush())

/** While nobody can reach it: the exact moment does not matter. @param {Stage<RedisServer>} stage */
const flushAlone = stage => stage.lose('FLUSHALL', () => stage.server.run('FLUSHALL'))

/** @param {Stage<RedisServer>} stage */
const save = stage => stage.server.run('SAVE')

/** It comes back with the data of the latest snapshot. @param {Stage<RedisServer>} stage @param {Random} random */
async function rollBack(stage, random) {
  await stage.lose('restart without the latest data', async () => {
    await stage.server.kill()
    await pause(random.between(0, 200))
    await stage.server.restart()
  })
}

/** Faults of clients and of any server. @type {Disasters<RedisServer>} */
const ANYWHERE = [
  ...OF_PROCESSES,
  [3, 'SIGSTOP of the server', stopServer],
  [2, 'FLUSHALL under load', flush],
  [1, 'FLUSHALL', flushAlone],
  [2, 'HDEL by an external writer', steal],
]

/** A single server that keeps what it acknowledged. @type {Disasters<RedisServer>} */
export const DURABLE = [...ANYWHERE, [4, 'SIGKILL of the server', killServer]]

/** A single server that forgets. @type {Disasters<RedisServer>} */
export const FORGETFUL = [...ANYWHERE, [4, 'snapshot', save], [4, 'rollback of the server', rollBack]]

/** A primary whose replica, which lags, may have to take over. */
export class Pair {
  /** @type {Disasters<RedisServer>} */
  disasters = [...ANYWHERE, [4, 'failover', (stage, random) => this.#failOver(stage, random)]]
  #replica
  #link

  /** @param {RedisServer} replica @param {FaultProxy} link the proxy in front of it */
  constructor(replica, link) {
    this.#replica = replica
    this.#link = link
  }

  /** @param {RedisServer} primary */
  static async of(primary) {
    return new Pair(...(await follow(primary)))
  }

  async clear() {
    await this.#link.close()
    await this.#replica.remove()
  }

  /** @param {Stage<RedisServer>} stage @param {Random} random */
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
