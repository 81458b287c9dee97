// @ts-check
/** @import { Server } from '../../../test/servers/types.js' */
/** @import { RedisPlan } from '../../worker/stores/redis.js' */
import { createClient } from 'redis'
import { redis } from '../../../test/servers/redis.js'
import { startServer } from '../../../test/servers/start.js'
import { newFolder, removeFolder } from '../../folders.js'
import { KEEP, NAME } from '../../worker/store.js'

const META = `{${NAME}}:meta`

/** What the library records as the policy of the history. */
const POLICY = ['HSET', META, 'keep', `${KEEP.keep} ${KEEP.days}`]

/** Whether all data survives, or only the data of the last snapshot. */
const DURABLE = ['--appendfsync', 'always', '--save', '']
const FORGETFUL = ['--appendonly', 'no', '--save', '']

/** A Redis that we started, which may be stopped, killed, and restarted with its data. */
export class RedisServer {
  #folder
  #args
  /** @type {Server} */
  #server

  /** @param {string} folder @param {string[]} args @param {Server} server */
  constructor(folder, args, server) {
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

  /** Runs a command. @param {string[]} command @returns {Promise<any>} */
  run(...command) {
    return this.#connected(client => client.sendCommand(command))
  }

  /** The dictionary's stored entries, and the number of its version. */
  async state() {
    return this.#connected(async client => {
      const stored = Object.entries(await client.hGetAll(NAME))
      const head = await client.hGet(META, 'head')
      const entries = Object.fromEntries(stored.map(([key, text]) => [key, JSON.parse(text)]))
      return { entries: /** @type {Record<string, string>} */ (entries), number: Number.parseInt(head ?? '0', 10) }
    })
  }

  /** Removes everything, and records the policy of the history in the same step: the default one drops commits. */
  async flush() {
    await this.#connected(client => client.multi().flushAll().addCommand(POLICY).exec())
  }

  /** Records the policy of the history, which a server may have lost with its data. */
  async keepHistory() {
    await this.run(...POLICY)
  }

  /** Removes an entry, like an external writer. @param {string} key */
  async steal(key) {
    await this.run('HDEL', NAME, key)
  }

  /** Resolves when nobody else is connected, so that no request is in transit. */
  async untilAlone() {
    await this.#connected(async client => {
      for (let attempt = 0; attempt < 200; attempt += 1) {
        const others = (await client.sendCommand(['CLIENT', 'LIST', 'TYPE', 'NORMAL'])).toString().trim().split('\n')
        if (others.length <= 1) return
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      throw new Error('Connections to the server did not end.')
    })
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

  /** @template V @param {(client: ReturnType<typeof createClient>) => Promise<V>} work */
  async #connected(work) {
    const client = createClient({ url: `redis://127.0.0.1:${this.port}`, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(/** @type {any} */ (client))
    } finally {
      client.destroy()
    }
  }
}
