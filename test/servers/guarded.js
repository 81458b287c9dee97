// @ts-check
/** @import { ChildProcess } from 'node:child_process' */
/** @import { Socket } from 'node:net' */
import { fork } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {object} Orders
 * @property {string[]} command
 * @property {string[] | undefined} [first] a command that runs to its end before all others, by this process's own user
 * @property {string[] | undefined} [init] a command that runs to its end first
 * @property {string[] | undefined} [afterwards] a command that runs once the server has ended
 * @property {string} cwd
 * @property {{ uid: number, gid: number } | undefined} [owner] the user to run as
 * @property {NodeJS.Signals} stopSignal
 * @property {string | undefined} [folder] removed at the end
 */

const GUARD = fileURLToPath(new URL('guard.js', import.meta.url))
const KEPT_OUTPUT = 20_000

/** How long to wait for output once the command has ended, in ms. */
const PATIENCE = 2_000

/** A command that does not outlive this process. Emits `output` whenever it has printed something. */
export class Guarded extends EventEmitter {
  /** The end of the command's output. */
  output = ''
  /** The command's process id, as soon as it runs. @type {Promise<number>} */
  pid
  /** Resolves with the reason when the command has ended, on request or not. @type {Promise<string>} */
  ended
  /** @type {ChildProcess} */
  #guard
  /** @type {Promise<unknown>} */
  #gone
  /** Resolves when all output has arrived. @type {Promise<unknown>} */
  #silent

  /** @param {Orders} orders @param {NodeJS.ProcessEnv} env */
  constructor(orders, env) {
    super()
    const stdio = /** @type {const} */ (['ignore', 'pipe', 'pipe', 'ipc'])
    this.#guard = fork(GUARD, [JSON.stringify(orders)], { env, detached: true, execArgv: [], stdio: [...stdio] })
    this.#gone = new Promise(resolve => this.#guard.once('exit', resolve))
    this.#silent = new Promise(resolve => this.#guard.once('close', resolve))
    this.pid = this.#message('pid')
    this.ended = Promise.race([this.#message('ended'), this.#gone.then(() => 'its guard ended')])
    this.#keepOutput()
  }

  /** Lets this process exit although the command is still running, which ends the command. */
  unref() {
    this.#guard.unref()
    this.#guard.channel?.unref()
    for (const stream of [this.#guard.stdout, this.#guard.stderr]) /** @type {Socket | null} */ (stream)?.unref()
  }

  /** Ends the command and removes its folder. */
  async stop() {
    this.#guard.ref()
    if (this.#guard.connected) this.#guard.disconnect()
    await this.#gone
  }

  /** Ends the command and returns the end of its output. */
  async lastWords() {
    await this.stop()
    // A child that it left running may keep its output open.
    const late = new AbortController()
    await Promise.race([this.#silent, delay(PATIENCE, undefined, { signal: late.signal }).catch(() => {})])
    late.abort()
    return this.output.trimEnd()
  }

  #keepOutput() {
    for (const stream of [this.#guard.stdout, this.#guard.stderr]) {
      stream?.setEncoding('utf8').on('data', text => {
        this.output = (this.output + text).slice(-KEPT_OUTPUT)
        this.emit('output')
      })
    }
  }

  /** The guard's message of that name. @param {'pid' | 'ended'} name @returns {Promise<any>} */
  #message(name) {
    return new Promise(resolve => {
      this.#guard.on('message', (/** @type {Record<string, unknown>} */ message) => {
        if (name in message) resolve(message[name])
      })
    })
  }
}
