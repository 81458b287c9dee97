import type { Effect } from '../../contract/backend.js'
import { LoadedEntries } from './loaded-entries.js'
import type { PullReply } from './replies.js'
import type { Seals } from './seals.js'

/** Asks for the changes since a version and the current number of entries. */
export type AskChanges = (since: string) => Promise<PullReply>

/** A part of the hash, and the cursor of the next one. */
interface Chunk {
  readonly cursor: string
  readonly entries: readonly unknown[]
}

/** Asks for the same together with the chunk at a cursor. */
export type AskChunk = (since: string, cursor: string, count: string) => Promise<readonly [PullReply, Chunk]>

/** The approximate number of entries in a chunk: the server needs less than a millisecond for it. */
const CHUNK = '1000'

/** How many times a load is attempted if changes overtake it. */
const ATTEMPTS = 10

/**
 * Loads a dictionary in chunks, which do not block the server. HSCAN returns every entry that is present from
 * beginning to end. Every other entry is in a change made during the scan. Each chunk is requested together with the
 * changes since the previous chunk, and is stored before they are applied. Every change later than a chunk is
 * therefore applied after it. After the final changes, which are requested alone, all entries are from one version.
 * Their number must match the server's: a cursor is meaningless to another server, if one has taken over in the
 * meantime.
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
      // The caller loads everything again as bytes.
      if (this.#entries.doubtful) return { entries: this.#entries, version: from }
      const answer = await this.#changes(last)
      this.#progress()
      from = versionOf(answer, last)
      if (this.#replay(answer, last) && this.#entries.size === sizeOf(answer)) {
        return { entries: this.#entries, version: from }
      }
    }
    throw new Error(
      `The dictionary was replaced or changed too fast during each of ${ATTEMPTS} attempts to load it. Try again later.`,
    )
  }

  /**
   * Reads every chunk and returns the version up to which changes are applied. Stops early if changes are not
   * available.
   */
  async #readChunks(from: string): Promise<string> {
    let version = from
    let asked = this.#chunk(version, '0', CHUNK)
    for (;;) {
      const [answer, { cursor, entries }] = await asked
      this.#progress()
      const since = version
      version = versionOf(answer, since)
      const done = cursor === '0' || answer.type !== 'changes'
      // Requested before the answer is processed, so that server and client work at the same time.
      if (!done) asked = this.#chunk(version, cursor, CHUNK)
      this.#entries.addAll(entries)
      if (!this.#replay(answer, since)) {
        // Its result is no longer needed.
        asked.catch(() => {})
        return NOWHERE
      }
      if (done) return version
    }
  }

  /** Applies the changes. Returns false if they are not available. */
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

/** A version from which no change leads. */
const NOWHERE = ''

function versionOf(answer: PullReply, otherwise: string): string {
  return answer.type === 'nothing' ? otherwise : answer.head
}

function sizeOf(answer: PullReply): number | undefined {
  return answer.type === 'changes' ? answer.size : undefined
}
