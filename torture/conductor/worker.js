// @ts-check
/** @import { WorkerPlan } from '../worker.js' */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('../worker.js', import.meta.url))

/** A client process, from the conductor's side. */
export class Worker {
  /** Resolves when it is gone, with how it ended. */
  ended
  /** Whether its dictionaries are open: before, it answers no order. */
  isOpen = false
  /** @type {Map<number, { resolve(result: any): void, reject(error: Error): void }>} */
  #waiting = new Map()
  #calls = 0
  #child

  /** @param {WorkerPlan} plan @param {string} [node] the program. Default: the running one. */
  constructor(plan, node = process.execPath) {
    this.name = plan.name
    this.#child = fork(FILE, [JSON.stringify(plan)], {
      execPath: node,
      execArgv: ['--no-warnings', '--expose-gc'],
    })
    this.ended = once(this.#child, 'exit').then(([code, signal]) => `${signal ?? code}`)
    this.ready = Promise.race([this.#started(), this.ended])
    this.#child.on('message', message => this.#receive(/** @type {any} */ (message)))
    this.ended.then(how => this.#fail(new Error(`${plan.name} ended: ${how}`)))
  }

  /** @param {WorkerPlan} plan */
  static async start(plan) {
    const worker = new Worker(plan)
    await worker.ready
    return worker
  }

  /**
   * Makes it carry out an order; rejects if that fails or the process ends first. @param {string} order @param
   * {...unknown} args
   */
  order(order, ...args) {
    this.#calls += 1
    const id = this.#calls
    /** @type {Promise<any>} */
    const done = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    // Some orders go to a process that is about to be killed.
    done.catch(() => {})
    if (this.#child.connected) this.#child.send({ id, order, args }, error => error && this.#settle(id, { error }))
    else this.#settle(id, { error: 'the process is gone' })
    return done
  }

  /** Makes one of its sessions do something. @param {number} session @param {string} method @param {...unknown} args */
  call(session, method, ...args) {
    return this.order('call', session, method, ...args)
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal)
  }

  async kill() {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  async #started() {
    for (;;) {
      const [message] = await once(this.#child, 'message')
      if (message.ready) break
    }
    this.isOpen = true
  }

  /** @param {{ id?: number, result?: unknown, error?: unknown }} message */
  #receive({ id, ...outcome }) {
    if (id !== undefined) this.#settle(id, outcome)
  }

  /** @param {number} id @param {{ result?: unknown, error?: unknown }} outcome */
  #settle(id, { result, error }) {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(`${this.name}: ${error}`))
  }

  /** @param {Error} error */
  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
