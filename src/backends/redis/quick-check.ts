import { warn } from '../../warnings/warnings.js'
import type { Caller } from './caller.js'
import { replyCode } from './faults.js'
import { isPrimary } from './replies.js'
import { wordOf } from './shape.js'

/**
 * Asks by plain commands whether a version is current, in one packet: that costs the server about as much as a GET, and a script ten
 * times as much.
 *
 * The first command proves that the server may answer for the dictionary. GETEX without options changes nothing, but counts as a
 * write: a replica refuses it, and so does a primary that may not accept writes. What is read after it is at least as new. The head
 * in the metadata is compared as well, because releases before this one write only that one.
 */
export class QuickCheck {
  readonly #caller: Caller
  readonly #name: string
  #commands: readonly string[][]
  #confirms: (replies: readonly unknown[], version: string) => boolean
  #isPermitted = true

  constructor(caller: Caller, name: string) {
    const { entries, meta, head } = caller.keys
    this.#caller = caller
    this.#name = name
    this.#commands = [
      ['getex', head],
      ['hlen', entries],
      ['hget', meta, 'head'],
    ]
    this.#confirms = confirms
  }

  /** Uses only the right to read from now on. Replicas answer as well, so the server is asked for its role. */
  restrictToReads(): void {
    const { entries, meta } = this.#caller.keys
    this.#commands = [['hello'], ['hlen', entries], ['hmget', meta, 'head', 'size']]
    this.#confirms = readerConfirms
  }

  /** Returns whether this is the current version. If not, or if it is not certain, the script has the answer. */
  async isCurrent(version: string): Promise<boolean> {
    if (!this.#isPermitted) return false
    const { driver, keys } = this.#caller
    try {
      const isCurrent = this.#confirms(await driver.sendAll(keys.entries, this.#commands), version)
      driver.servedBefore ||= isCurrent
      return isCurrent
    } catch (error) {
      const code = replyCode(error)
      if (code === undefined) throw error
      if (code === 'NOPERM' || /unknown command/i.test((error as Error).message)) this.#giveUp(error as Error)
      // The script meets the same fault, and knows whether waiting helps.
      return false
    }
  }

  #giveUp({ message }: Error): void {
    this.#isPermitted = false
    warn(
      'DURABLEDICT_SLOW_CHECKS',
      `Each check of dictionary "${this.#name}" runs a script, which costs the server about ten times as much, because it refuses ` +
        `a plain command: ${message} Grant the rights that the documentation of RedisDict lists.`,
      { source: this.#name },
    )
  }
}

// No reply is interpreted by guessing: one of an unexpected shape confirms nothing.

function confirms([copy, size, head]: readonly unknown[], version: string): boolean {
  return isCount(size) && wordOf(copy) === `${version} ${wordOf(size)}` && wordOf(head) === version
}

function readerConfirms([hello, size, meta]: readonly unknown[], version: string): boolean {
  if (!isCount(size) || !Array.isArray(meta)) return false
  return wordOf(meta[0]) === version && wordOf(meta[1]) === wordOf(size) && isPrimary(hello)
}

function isCount(reply: unknown): boolean {
  return /^\d+$/.test(wordOf(reply))
}
