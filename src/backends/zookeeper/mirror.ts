import type { CatchUp, Change, Gap, Version } from '../../contract/backend.js'
import { touches } from '../../contract/execute-group.js'
import { type Head, type Parts, pastWithParts, versionOf } from './head.js'
import { escapeKey } from './names.js'
import type { Stored } from './stored.js'

/** How many changes are kept, for those who are behind what was read already. */
const KEPT_CHANGES = 1_000

const UNDATED = {}

/** The head as it was read or written, with the state of its znode. */
export interface Position {
  readonly head: Head
  /** How often the znode was written: what the next write is conditional on. */
  readonly znode: number
  /** The transaction that wrote it. */
  readonly zxid: bigint
}

/**
 * What is stored, as far as this process knows: one state, which writes are worked out on, and what led to it. The values
 * are those that memory holds, not copies.
 */
export class Mirror {
  position: Position
  entries: Map<string, Stored>
  /** The names of all keys' znodes together, in bytes. */
  nameBytes = 0
  version: string
  #recent: Change<Stored>[] = []
  /** The earlier parts of the log, as they were when everything was read. */
  #parts: Parts

  constructor(entries: Map<string, Stored>, position: Position, parts: Parts) {
    this.entries = entries
    this.position = position
    this.#parts = parts
    this.version = versionOf(position.head)
    this.nameBytes = namesOf(entries)
  }

  /** Takes over a state that was read as a whole. */
  replace(by: Mirror): void {
    if (by.version !== this.version) this.#recent = []
    this.entries = by.entries
    this.position = by.position
    this.version = by.version
    this.nameBytes = by.nameBytes
    this.#parts = by.#parts
  }

  /** Moves on. The changes lead from the present version to that of the position. */
  advance(changes: readonly Change<Stored>[], position: Position): void {
    for (const change of changes) {
      for (const effect of change.effects) {
        if (effect.type === 'clear') this.#clear()
        else if (effect.type === 'set') this.#set(effect.key, effect.stored)
        else this.#delete(effect.key)
      }
      this.#recent.push(change)
    }
    if (this.#recent.length > 2 * KEPT_CHANGES) this.#recent = this.#recent.slice(-KEPT_CHANGES)
    this.position = position
    this.version = versionOf(position.head)
  }

  /**
   * What happened since, from what is known.
   *
   * @param asOf - as of when that is right, on the monotonic clock. Default: when it was asked.
   */
  since(since: Version, asOf?: number): CatchUp<Stored> {
    const dated = asOf === undefined ? UNDATED : { asOf }
    const changes = this.#changesSince(since)
    if (changes) return { type: 'changes', version: this.version, changes, ...dated }
    return { type: 'state', version: this.version, entries: new Map(this.entries), ...this.#gapSince(since), ...dated }
  }

  /** Whether a change since has touched the key; also where that is not known any more. */
  touchedSince(since: Version, key: string): boolean {
    const changes = this.#changesSince(since)
    return !changes || changes.some(({ effects }) => effects.some(effect => touches(effect, key)))
  }

  #gapSince(since: Version): Gap {
    const past = pastWithParts(this.position.head, this.#parts, since)
    return 'changes' in past ? { diverged: false } : past
  }

  #changesSince(since: Version): readonly Change<Stored>[] | undefined {
    if (since === this.version) return []
    const start = this.#recent.findLastIndex(({ previous }) => previous === since)
    return start < 0 ? undefined : this.#recent.slice(start)
  }

  #set(key: string, stored: Stored): void {
    if (!this.entries.has(key)) this.nameBytes += bytesOf(key)
    this.entries.set(key, stored)
  }

  #delete(key: string): void {
    if (this.entries.delete(key)) this.nameBytes -= bytesOf(key)
  }

  #clear(): void {
    this.entries.clear()
    this.nameBytes = 0
  }
}

/** What the name of a key's znode takes, in bytes. */
export function bytesOf(key: string): number {
  return Buffer.byteLength(escapeKey(key))
}

function namesOf(entries: ReadonlyMap<string, Stored>): number {
  let sum = 0
  for (const key of entries.keys()) sum += bytesOf(key)
  return sum
}
