// @ts-check
/** @import { Client } from 'node-zookeeper-client' */
import { once } from 'node:events'
import { promisify } from 'node:util'
import { createClient, Exception } from 'node-zookeeper-client'

/** How often a request is repeated whose connection was lost. */
const ATTEMPTS = 50

/** Another program, or a person with `zkCli`, that reads and changes the znodes of a dictionary. */
export class Operator {
  #client
  #path

  /** @param {Client} client @param {string} path */
  constructor(client, path) {
    this.#client = client
    this.#path = path
  }

  /** @param {string} addresses @param {string} path of the dictionary */
  static async connect(addresses, path) {
    const client = createClient(addresses, { sessionTimeout: 10_000, spinDelay: 50 })
    const connected = once(client, 'connected')
    client.connect()
    await connected
    return new Operator(client, path)
  }

  end() {
    this.#client.close()
  }

  /** The entries as they are now on every server, and the first line of the head. */
  async state() {
    await this.#barrier()
    const names = await this.#children()
    const keys = names.filter(name => !/^%(version|epoch-|log-)/.test(name))
    const values = await Promise.all(keys.map(name => this.#get(name)))
    const entries = keys.flatMap((name, index) => {
      const text = values[index]
      return text === undefined ? [] : [/** @type {const} */ ([decodeURIComponent(name), JSON.parse(text)])]
    })
    return { entries: /** @type {Record<string, string>} */ (Object.fromEntries(entries)), head: await this.#head() }
  }

  /** Which history the version belongs to. */
  async epoch() {
    return (await this.#head()).epoch
  }

  /** @param {string} key */
  async remove(key) {
    await this.#again(this.#client.remove.bind(this.#client), `${this.#path}/${key}`)
  }

  /** @param {string} key @param {string} value */
  async create(key, value) {
    const data = Buffer.from(JSON.stringify(value))
    await this.#again(this.#client.create.bind(this.#client), `${this.#path}/${key}`, data)
  }

  async #barrier() {
    // Its types lack `check`.
    const commit = (/** @type {any} */ done) =>
      /** @type {any} */ (this.#client.transaction()).check(this.#path).commit(done)
    await this.#again(commit)
  }

  /** @returns {Promise<string[]>} */
  async #children() {
    return (await this.#again(this.#client.getChildren.bind(this.#client), this.#path)) ?? []
  }

  async #head() {
    const [first] = (await this.#get('%version'))?.split('\n') ?? []
    return JSON.parse(first ?? '{}')
  }

  /** @param {string} name @returns {Promise<string | undefined>} */
  async #get(name) {
    return (await this.#again(this.#client.getData.bind(this.#client), `${this.#path}/${name}`))?.toString()
  }

  /**
   * Repeats a request whose connection was lost. What is there already, or not there any more, is not a failure.
   * @param {(...args: any[]) => unknown} request @param {...unknown} args @returns {Promise<any>}
   */
  async #again(request, ...args) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await promisify(request)(...args)
      } catch (error) {
        const code = error instanceof Exception ? error.getCode() : undefined
        if (code === Exception.NO_NODE || code === Exception.NODE_EXISTS) return undefined
        if (code !== Exception.CONNECTION_LOSS || attempt === ATTEMPTS) throw error
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    }
  }
}
