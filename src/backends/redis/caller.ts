import type { Driver } from './driver.js'
import { replyCode } from './faults.js'
import type { Keys } from './names.js'
import type { Script } from './script.js'

/** Runs scripts on the keys of one dictionary, at one round trip each once the server knows them. */
export class Caller {
  readonly driver: Driver
  readonly keys: Keys

  constructor(driver: Driver, keys: Keys) {
    this.driver = driver
    const put = (key: string) => driver.keyPrefix + key
    this.keys = { entries: put(keys.entries), meta: put(keys.meta), log: put(keys.log) }
  }

  run(script: Script, args: readonly string[], signal?: AbortSignal): Promise<unknown> {
    return this.driver.send(this.keys.entries, this.command(script, args), signal).catch(error => {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return this.driver.send(this.keys.entries, this.#withSource(script, args), signal)
    })
  }

  /** The command that runs a script which the server knows. */
  command(script: Script, args: readonly string[]): string[] {
    const { entries, meta, log } = this.keys
    return ['evalsha', script.sha, '3', entries, meta, log, ...args]
  }

  /** Runs it, and lets the server know it from now on. */
  #withSource(script: Script, args: readonly string[]): string[] {
    const { entries, meta, log } = this.keys
    return ['eval', script.source, '3', entries, meta, log, ...args]
  }
}
