// @ts-check
/** @import { Server } from '../../test/servers/types.js' */
import { createClient } from 'redis'
import { redis } from '../../test/servers/redis.js'
import { startServer } from '../../test/servers/start.js'
import { newFolder, removeFolder } from '../folders.js'

/** Where the dictionary of the workers lies. */
const ENTRIES = 'torture'
const META = '{torture}:meta'

/** How data survives: all of it, or as far as the last snapshot that was asked for. */
const DURABLE = ['--appendfsync', 'always', '--save', '']
const FORGETFUL = ['--appendonly', 'no', '--save', '']

/** A Redis of our own, which may be stopped, killed, and started again over its data. */
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

  /** @param {{ durable: boolean, replicaOf?: number }} options the port of the primary, where it is to be a replica */
  static async start({ durable, replicaOf }) {
    // One that the environment points at is not ours to kill.
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

  /** Ends it without a word. */
  async kill() {
    this.signal('SIGKILL')
    await this.#server.stop()
  }

  /** Starts it again, on its port, with what it kept. */
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

  /** What the dictionary holds, and the number of its version. */
  async state() {
    return this.#connected(async client => {
      const stored = Object.entries(await client.hGetAll(ENTRIES))
      const head = await client.hGet(META, 'head')
      const entries = Object.fromEntries(stored.map(([key, text]) => [key, JSON.parse(text)]))
      return { entries: /** @type {Record<string, string>} */ (entries), number: Number.parseInt(head ?? '0', 10) }
    })
  }

  /** Takes an entry away, as a stranger would. @param {string} key */
  async steal(key) {
    await this.run('HDEL', ENTRIES, key)
  }

  /** Resolves when nobody else is connected, so that nothing is on its way any more. */
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

  /** Resolves when a replica has all that its primary had. */
  async untilReplicating() {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      const info = `${await this.run('INFO', 'replication')}`
      if (info.includes('master_link_status:up')) return
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    throw new Error('The replica did not reach its primary.')
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
