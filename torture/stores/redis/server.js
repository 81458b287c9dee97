// @ts-check
/** @import { Server } from '../../../test/servers/types.js' */
/** @import { RedisPlan } from '../../worker/stores/redis.js' */
import { redis } from '../../../test/servers/redis.js'
import { startServer } from '../../../test/servers/start.js'
import { newFolder, removeFolder } from '../../folders.js'
import { RedisStore } from './redis-store.js'

/** Whether all data survives, or only the data of the last snapshot. */
const DURABLE = ['--appendfsync', 'always', '--save', '']
const FORGETFUL = ['--appendonly', 'no', '--save', '']

/** A Redis that we started, which may be stopped, killed, and restarted with its data. */
export class RedisServer extends RedisStore {
  #folder
  #args
  /** @type {Server} */
  #server

  /** @param {string} folder @param {string[]} args @param {Server} server */
  constructor(folder, args, server) {
    super()
    this.#folder = folder
    this.#args = args
    this.#server = server
  }

  /** @param {{ durable: boolean, replicaOf?: number }} options the port of the primary, if it is to be a replica */
  static async start({ durable, replicaOf }) {
    // A server that the environment points at must not be killed.
    delete process.env.REDIS_URL
    const folder = await newFolder()
    const args = [...(durable ? DURABLE : FORGETFUL), '--repl-diskless-sync-delay', '0']
    if (replicaOf !== undefined) args.push('--replicaof', `127.0.0.1 ${replicaOf}`)
    const server = await startServer(redis, { folder, args })
    if (server.source !== 'binary')
      throw new Error('The torture test kills its server: it needs the program redis-server.')
    return new RedisServer(folder, args, server)
  }

  get port() {
    return /** @type {number} */ (this.#server.port)
  }

  /** @override */
  async primary() {
    return this.port
  }

  get ports() {
    return [this.port]
  }

  /** @param {string} client @param {readonly number[]} [ports] of its proxy @returns {RedisPlan} */
  plan(client, [port] = this.ports) {
    return { type: 'redis', url: `redis://127.0.0.1:${port}`, client: /** @type {RedisPlan['client']} */ (client) }
  }

  get pid() {
    return /** @type {number} */ (this.#server.pid)
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    try {
      process.kill(this.pid, signal)
    } catch {
      // It is gone already.
    }
  }

  /** Kills it (SIGKILL). */
  async kill() {
    this.signal('SIGKILL')
    await this.#server.stop()
  }

  /** Restarts it on its port with its data. */
  async restart() {
    this.#server = await startServer(redis, { folder: this.#folder, port: this.port, args: this.#args })
  }

  async remove() {
    await this.kill()
    await removeFolder(this.#folder)
  }

  /** Resolves when a replica has all data of its primary. */
  async untilReplicating() {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      const info = `${await this.run('INFO', 'replication')}`
      if (info.includes('master_link_status:up')) return
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    throw new Error('The replica did not catch up with its primary.')
  }
}
