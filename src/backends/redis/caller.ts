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
  /** The start of each call by digest: built once for each script. */
  readonly #calls = new Map<Script, readonly string[]>()

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

  run(script: Script, args: readonly string[], sending?: Sending): Promise<unknown> {
    if (script.readOnly) return this.runWith(script, args, [], sending).then(([reply]) => reply)
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
    let call = this.#calls.get(script)
    if (!call) {
      call = this.#start(script, 'evalsha', script.sha)
      this.#calls.set(script, call)
    }
    return send([...call, ...args]).catch(error => {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return send([...this.#start(script, 'eval', script.source), ...args])
    })
  }

  #start(script: Script, name: string, code: string): readonly string[] {
    const only = this.driver.channelPrefix === '' ? 'entries' : 'meta'
    const keys: readonly (keyof Keys)[] = script.derivesKeys && !this.driver.isCluster ? [only] : script.keys
    return [script.readOnly ? `${name}_ro` : name, code, String(keys.length), ...keys.map(key => this.keys[key])]
  }
}
