import type { Effect } from '../../contract/backend.js'
import { LoadedEntries } from './loaded-entries.js'
import type { PullReply } from './replies.js'
import type { Seals } from './seals.js'

/** Asks what happened since a version, with the number of entries in the end. */
export type AskChanges = (since: string) => Promise<PullReply>

/** A piece of the hash, and where the next one begins. */
interface Chunk {
  readonly cursor: string
  readonly entries: readonly unknown[]
}

/** Asks that together with the chunk at a cursor. */
export type AskChunk = (since: string, cursor: string, count: string) => Promise<readonly [PullReply, Chunk]>

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
  readonly #seals: Seals
  readonly #progress: () => void
  #entries = new LoadedEntries()

  constructor(chunk: AskChunk, changes: AskChanges, seals: Seals, progress: () => void) {
    this.#chunk = chunk
    this.#changes = changes
    this.#seals = seals
    this.#progress = progress
  }

  /** @param head - a version that was current before the call. */
  async run(head: string): Promise<{ entries: LoadedEntries; version: string }> {
    let from = head
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      this.#entries = new LoadedEntries()
      const last = await this.#readChunks(from)
      // It is asked for again as bytes.
      if (this.#entries.doubtful) return { entries: this.#entries, version: from }
      const answer = await this.#changes(last)
      this.#progress()
      from = versionOf(answer, last)
      if (this.#replay(answer, last) && this.#entries.size === sizeOf(answer)) {
        return { entries: this.#entries, version: from }
      }
    }
    throw new Error(`The dictionary was replaced or changed too fast during each of ${ATTEMPTS} attempts to load it.`)
  }

  /** Puts down every chunk; gives the version up to which changes are applied. Where one cannot be had, it stops. */
  async #readChunks(from: string): Promise<string> {
    let version = from
    let asked = this.#chunk(version, '0', CHUNK)
    for (;;) {
      const [answer, { cursor, entries }] = await asked
      this.#progress()
      const since = version
      version = versionOf(answer, since)
      const done = cursor === '0' || answer.type !== 'changes'
      // Asked before the answer is dealt with: server and client work at the same time.
      if (!done) asked = this.#chunk(version, cursor, CHUNK)
      this.#entries.addAll(entries)
      if (!this.#replay(answer, since)) {
        // Nobody waits for it any more.
        asked.catch(() => {})
        return NOWHERE
      }
      if (done) return version
    }
  }

  /** False where there are none to be had. */
  #replay(answer: PullReply, since: string): boolean {
    if (answer.type !== 'changes') return false
    const catchUp = this.#seals.toCatchUp(since, answer.head, answer.changes)
    if (catchUp.type !== 'changes') return false
    for (const { effects } of catchUp.changes) for (const effect of effects) this.#perform(effect)
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

function versionOf(answer: PullReply, otherwise: string): string {
  return answer.type === 'nothing' ? otherwise : answer.head
}

function sizeOf(answer: PullReply): number | undefined {
  return answer.type === 'changes' ? answer.size : undefined
}
