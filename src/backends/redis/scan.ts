import type { Effect, State } from '../../contract/backend.js'
import { type PullReply, parseChange } from './replies.js'

/** Asks what happened since a version, with the number of entries in the end. */
export type AskChanges = (since: string) => Promise<PullReply>

/** Asks that together with the chunk at a cursor. */
export type AskChunk = (since: string, cursor: string, count: string) => Promise<readonly [PullReply, unknown]>

/** About how many entries one chunk has: the server is busy with it for less than a millisecond. */
const CHUNK = '1000'

/** How often a load that was overtaken begins anew. */
const ATTEMPTS = 10

/**
 * Loads a dictionary by chunks that do not hold up the server. HSCAN gives every entry that is there from beginning to
 * end; all others are in a change of that time. Each chunk is asked for together with the changes since the one before,
 * and put down before they are applied: so every change that is later than a chunk is applied after it, and after the last
 * changes, which are asked for alone, all entries are those of one version. Their number must be the server's: a cursor
 * means nothing to another server, should that have taken over meanwhile.
 */
export class Scan {
  readonly #chunk: AskChunk
  readonly #changes: AskChanges
  readonly #progress: () => void
  #entries = new Map<string, string>()

  constructor(chunk: AskChunk, changes: AskChanges, progress: () => void) {
    this.#chunk = chunk
    this.#changes = changes
    this.#progress = progress
  }

  /** @param head - a version that was current before the call. */
  async run(head: string): Promise<State> {
    let from = head
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      this.#entries = new Map()
      const last = await this.#readChunks(from)
      const answer = await this.#changes(last)
      this.#progress()
      from = versionOf(answer, last)
      if (this.#replay(answer) && this.#entries.size === sizeOf(answer))
        return { version: from, entries: this.#entries }
    }
    throw new Error(`The dictionary was replaced or changed too fast during each of ${ATTEMPTS} attempts to load it.`)
  }

  /** Puts down every chunk; gives the version up to which changes are applied. Where one cannot be had, it stops. */
  async #readChunks(from: string): Promise<string> {
    let version = from
    let asked = this.#chunk(version, '0', CHUNK)
    for (;;) {
      const [answer, [cursor, chunk]] = (await asked) as [PullReply, [string, string[]]]
      this.#progress()
      const since = version
      version = versionOf(answer, since)
      const done = cursor === '0' || !isChanges(answer)
      // Asked before the answer is dealt with: server and client work at the same time.
      if (!done) asked = this.#chunk(version, cursor, CHUNK)
      for (let at = 0; at < chunk.length; at += 2) this.#entries.set(chunk[at] as string, chunk[at + 1] as string)
      if (!this.#replay(answer)) {
        // Nobody waits for it any more.
        asked.catch(() => {})
        return NOWHERE
      }
      if (done) return version
    }
  }

  /** False where there are none to be had. */
  #replay(answer: PullReply): boolean {
    if (!isChanges(answer)) return false
    for (let at = 2; at < answer.length - 1; at += 1) {
      const change = parseChange(answer[at] as string)
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

/** A version that nothing leads on from. */
const NOWHERE = ''

function isChanges(answer: PullReply): answer is Extract<PullReply, readonly ['changes', ...unknown[]]> {
  return answer !== 0 && answer[0] === 'changes'
}

function versionOf(answer: PullReply, otherwise: string): string {
  return answer === 0 ? otherwise : answer[1]
}

function sizeOf(answer: PullReply): unknown {
  return answer === 0 ? undefined : answer.at(-1)
}
