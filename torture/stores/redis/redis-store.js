// @ts-check
import { createClient } from 'redis'
import { KEEP, NAME } from '../../worker/store.js'

const META = `{${NAME}}:meta`

/** What the library records as the policy of the history. */
const POLICY = ['HSET', META, 'keep', `${KEEP.keep} ${KEEP.days}`]

/** The data of a dictionary, on the server that has it now. @abstract */
export class RedisStore {
  /** The port of the server with the data. @abstract @returns {Promise<number>} */
  async primary() {
    throw new Error('Each kind of store says where its data is.')
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

  /** Resolves when nobody else is connected but sentinels, so that no request is in transit. */
  async untilAlone() {
    await this.#connected(async client => {
      for (let attempt = 0; attempt < 200; attempt += 1) {
        const clients = (await client.sendCommand(['CLIENT', 'LIST', 'TYPE', 'NORMAL'])).toString().trim().split('\n')
        if (clients.filter(one => !one.includes(' name=sentinel-')).length <= 1) return
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      throw new Error('Connections to the server did not end.')
    })
  }

  /** @template V @param {(client: ReturnType<typeof createClient>) => Promise<V>} work */
  async #connected(work) {
    const url = `redis://127.0.0.1:${await this.primary()}`
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(/** @type {any} */ (client))
    } finally {
      client.destroy()
    }
  }
}
