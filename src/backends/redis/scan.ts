import type { Effect, State } from '../../contract/backend.js'
import type { PullReply } from './reader.js'
import { parseChange } from './replies.js'

/** Asks what happened since a version, and for the chunk at a cursor, in one go. */
export type Step = (since: string, hscan: string[]) => Promise<[PullReply, unknown]>

/** About how many entries one chunk has: the server is busy with it for less than a millisecond. */
const CHUNK = '2000'

/** How often a scan that a new history has overtaken begins anew. */
const ATTEMPTS = 10

/**
 * Loads a dictionary by chunks that do not hold up the server. Each chunk comes with the changes since the one before; in the end
 * every change since the beginning is applied, in order, over whatever the chunks gave: that is the last state. (HSCAN
 * gives every entry that was there from beginning to end; all others are in a change. What a chunk gave earlier than its
 * change is overwritten by it; what it gave later is overwritten by the changes up to then, which end with the same.)
 */
export class Scan {
  readonly #step: Step
  readonly #progress: () => void
  #entries = new Map<string, string>()

  constructor(step: Step, progress: () => void) {
    this.#step = step
    this.#progress = progress
  }

  /** @param head - a version that was current before the call. */
  async run(head: string): Promise<State> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const state = await this.#tryFrom(head)
      if ('version' in state) return state
      head = state.head
      this.#entries = new Map()
    }
    throw new Error(`The dictionary was replaced or changed too fast during each of ${ATTEMPTS} attempts to load it.`)
  }

  /** The state; or where to begin anew. */
  async #tryFrom(head: string): Promise<State | { head: string }> {
    let version = head
    let asked: Promise<[PullReply, unknown]> | undefined = this.#ask(version, '0')
    for (let last = false; asked; ) {
      const [pulled, [cursor, chunk]] = (await asked) as [PullReply, [string, string[]]]
      this.#progress()
      if (pulled !== 0 && pulled[0] !== 'changes') return { head: pulled[1] }
      const now: string = pulled === 0 ? version : pulled[1]
      // Asked before the answer is dealt with, so that server and client work at the same time. After the last chunk once
      // more, for the changes that came between that question and its chunk.
      asked = last ? undefined : this.#ask(now, cursor)
      if (!this.#replay(pulled)) return { head: now }
      if (!last)
        for (let at = 0; at < chunk.length; at += 2) this.#entries.set(chunk[at] as string, chunk[at + 1] as string)
      last = cursor === '0'
      version = now
    }
    return { version, entries: this.#entries }
  }

  #ask(since: string, cursor: string): Promise<[PullReply, unknown]> {
    return this.#step(since, [cursor, 'count', CHUNK])
  }

  /** False where a change was too large to be kept. */
  #replay(pulled: PullReply): boolean {
    if (pulled === 0) return true
    for (let at = 2; at < pulled.length; at += 1) {
      const change = parseChange(pulled[at] as string)
      if (!change) return false
      for (const effect of change.effects) this.#perform(effect)
    }
    return true
  }

  #perform(effect: Effect): void {
    if (effect.type === 'set') this.#entries.set(effect.key, effect.stored)
    else if (effect.type === 'delete') this.#entries.delete(effect.key)
    else this.#entries.clear()
  }
}
