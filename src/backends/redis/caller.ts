import type { Driver, Sending } from './driver.js'
import { replyCode } from './faults.js'
import type { Keys } from './names.js'
import { isPrimary } from './replies.js'
import type { Script } from './script.js'

/** The error replies of a server that has become a replica. */
const DEMOTED = new Set(['READONLY', 'MASTERDOWN'])

/** Runs scripts on the keys of one dictionary. Once the server has cached a script, a call takes one round trip. */
export class Caller {
  readonly driver: Driver
  readonly keys: Keys

  constructor(driver: Driver, keys: Keys) {
    this.driver = driver
    const put = (key: string) => driver.keyPrefix + key
    this.keys = {
      entries: put(keys.entries),
      meta: put(keys.meta),
      log: put(keys.log),
      head: put(keys.head),
      history: put(keys.history),
      replicas: put(keys.replicas),
      seen: put(keys.seen),
      bounds: put(keys.bounds),
    }
  }

  /** See `Driver.ready`. */
  ready(): Promise<void> | undefined {
    return this.driver.ready(this.keys.entries)
  }

  async run(script: Script, args: readonly string[], sending?: Sending): Promise<unknown> {
    if (script.readOnly) return (await this.runWith(script, args, [], sending))[0]
    return this.#withSource(script, args, command => this.driver.send(this.keys.entries, command, sending))
  }

  /**
   * Runs a script and other commands directly after it. Replicas also run a script without the right to write, so the
   * server is asked for its role at the same time.
   */
  async runWith(script: Script, args: readonly string[], others: string[][], sending?: Sending): Promise<unknown[]> {
    const rest = script.readOnly ? [...others, ['hello']] : others
    const send = (first: string[]) => this.driver.sendAll(this.keys.entries, [first, ...rest], sending)
    const replies = await this.#withSource(script, args, send)
    if (script.readOnly && !isPrimary(replies.at(-1))) {
      throw new Error('READONLY The server that answered is a replica.')
    }
    return replies
  }

  /** Returns whether the server is no longer the primary and the client has left it: the same call may then succeed. */
  leaves(fault: unknown): boolean {
    const { driver } = this
    return DEMOTED.has(replyCode(fault) ?? '') && driver.servedBefore && driver.leave()
  }

  /** If the server has not cached the script, sends its source, which the server then caches. */
  #withSource<R>(script: Script, args: readonly string[], send: (command: string[]) => Promise<R>): Promise<R> {
    return send(this.#command(script, 'evalsha', script.sha, args)).catch(error => {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return send(this.#command(script, 'eval', script.source, args))
    })
  }

  #command(script: Script, name: string, code: string, args: readonly string[]): string[] {
    const command = script.readOnly ? `${name}_ro` : name
    return [command, code, String(script.keys.length), ...script.keys.map(key => this.keys[key]), ...args]
  }
}
