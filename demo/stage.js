// @ts-check
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** @typedef {import('durabledict').DurableDict} Dict */

/**
 * A store that the demo can use. A new one is a new file in `stores`.
 * @typedef {object} DemoStore
 * @property {string} title
 * @property {(given?: string) => Promise<Spot>} make creates a place for one dictionary
 * @property {(address: string, options?: { live?: boolean }) => Promise<Dict>} open in any process
 * @property {(address: string, key: string, value: unknown) => Promise<void>} [edit] changes an entry without the library
 */

/** @typedef {{ address: string, remove(): Promise<void> }} Spot */

/** How long a process may take to start, in ms. */
const STARTING = 15_000

/** @param {string} name @returns {Promise<DemoStore>} */
export async function loadStore(name) {
  return (await import(new URL(`./stores/${name}.js`, import.meta.url).href)).store
}

/** The place of the dictionary and the processes that use it, all removed by `clear`. */
export class Stage {
  /** @type {Player[]} */
  #players = []
  /** @type {Promise<void> | undefined} */
  #clearing

  /** @param {string} name @param {DemoStore} store @param {Spot} spot */
  constructor(name, store, spot) {
    this.name = name
    this.store = store
    this.spot = spot
  }

  /** @param {string} name @param {string} [given] the address of the store, if it needs one */
  static async set(name, given) {
    const store = await loadStore(name)
    return new Stage(name, store, await store.make(given))
  }

  get title() {
    return this.store.title
  }

  /** Changes an entry without the library, if the dictionary follows that. */
  get edit() {
    const { edit } = this.store
    return edit && ((/** @type {string} */ key, /** @type {unknown} */ value) => edit(this.spot.address, key, value))
  }

  /** Opens the dictionary in this process. */
  open() {
    return this.store.open(this.spot.address)
  }

  /** Starts a process that opens the dictionary; resolves when it is open. @param {string} file @param {string} role */
  async start(file, role) {
    const player = new Player(new URL(file, import.meta.url), role, [this.name, this.spot.address])
    this.#players.push(player)
    if (!(await player.receive('ready', STARTING)))
      throw new Error(`${role} did not start within ${STARTING / 1000} s.`)
    return player
  }

  /** Ends the processes, then removes the place. */
  clear() {
    this.#clearing ??= Promise.all(this.#players.map(player => player.kill())).then(() => this.spot.remove())
    return this.#clearing
  }
}

/** One process of the demo, which sends `[subject, content]`. */
class Player {
  /** @type {[subject: string, content: any][]} */
  #inbox = []
  #wake = () => {}
  #ended = false

  /** @param {URL} file @param {string} role @param {string[]} args */
  constructor(file, role, args) {
    this.role = role
    this.child = fork(fileURLToPath(file), args, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
    })
    this.child.on('message', message => {
      this.#inbox.push(/** @type {[string, unknown]} */ (message))
      this.#wake()
    })
    // Both: the channel may still have messages when the process is gone.
    this.gone = Promise.all([once(this.child, 'exit'), once(this.child, 'disconnect')]).then(() => {
      this.#ended = true
      this.#wake()
    })
  }

  /** @param {string} subject */
  ask(subject) {
    this.child.send(subject)
  }

  /** The next message of that subject, or `undefined` if none arrives within `ms`. @param {string} subject @param {number} ms */
  async receive(subject, ms) {
    const deadline = performance.now() + ms
    for (;;) {
      const [message] = this.take(subject, 1)
      if (message !== undefined) return message
      if (this.#ended) throw new Error(`${this.role} ended unexpectedly.`)
      const left = deadline - performance.now()
      if (left <= 0) return undefined
      await this.#anything(left)
    }
  }

  /** The received messages of that subject. @param {string} subject @param {number} [atMost] @returns {any[]} */
  take(subject, atMost = Number.POSITIVE_INFINITY) {
    const taken = this.#inbox.filter(([one]) => one === subject).slice(0, atMost)
    this.#inbox = this.#inbox.filter(message => !taken.includes(message))
    return taken.map(([, content]) => content)
  }

  /** Kills it (SIGKILL); resolves when it is gone and all its messages have arrived. */
  async kill() {
    this.child.kill('SIGKILL')
    await this.gone
  }

  /** Resolves when a message has arrived, or after `ms`. @param {number} ms */
  async #anything(ms) {
    await new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve(undefined)
      }
    })
  }
}
