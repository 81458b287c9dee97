import type { CatchUp, Change, Gap, Version } from '../../contract/backend.js'
import { touches } from '../../contract/execute-group.js'
import { type Head, type Parts, pastWithParts, versionOf } from './head.js'
import { escapeKey } from './names.js'
import type { Stored } from './stored.js'

/** The number of changes to keep for readers of older states. */
const KEPT_CHANGES = 1_000

const UNDATED = {}

/** The head as read or written, and the state of its znode. */
export interface Position {
  readonly head: Head
  /** How often the znode was written: the condition of the next write. */
  readonly znode: number
  /** The transaction that wrote it. */
  readonly zxid: bigint
}

/**
 * The stored state as far as this process knows: one state, from which writes are planned, and the changes that led
 * to it. It shares the values with the dictionary's memory.
 */
export class Mirror {
  position: Position
  entries: Map<string, Stored>
  /** The total length of the names of all keys' znodes, in bytes. */
  nameBytes = 0
  version: string
  #recent: Change<Stored>[] = []
  /** The earlier parts of the log, as of the latest full load. */
  #parts: Parts

  constructor(entries: Map<string, Stored>, position: Position, parts: Parts) {
    this.entries = entries
    this.position = position
    this.#parts = parts
    this.version = versionOf(position.head)
    this.nameBytes = namesOf(entries)
  }

  /** Adopts a state that was loaded as a whole. */
  replace(by: Mirror): void {
    if (by.version !== this.version) this.#recent = []
    this.entries = by.entries
    this.position = by.position
    this.version = by.version
    this.nameBytes = by.nameBytes
    this.#parts = by.#parts
  }

  /** Applies changes that lead from the present version to that of the position. */
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
   * Returns the changes since a version, or the whole state.
   *
   * @param asOf - as of when the answer is correct, on the monotonic clock. Default: when the caller asked.
   */
  since(since: Version, asOf?: number): CatchUp<Stored> {
    const dated = asOf === undefined ? UNDATED : { asOf }
    const changes = this.#changesSince(since)
    if (changes) return { type: 'changes', version: this.version, changes, ...dated }
    return { type: 'state', version: this.version, entries: new Map(this.entries), ...this.#gapSince(since), ...dated }
  }

  /** Returns whether a change since the version touched the key, and true if that is unknown. */
  touchedSince(since: Version, key: string): boolean {
    const changes = this.#changesSince(since)
    return !changes || changes.some(({ effects }) => effects.some(effect => touches(effect, key)))
  }

  /** Returns whether one of the changes since a version is known to have led to another one. */
  leadsTo(since: Version, version: Version): boolean {
    return this.#changesSince(since)?.some(change => change.version === version) ?? false
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

/** Returns the length of the name of a key's znode, in bytes. */
export function bytesOf(key: string): number {
  return Buffer.byteLength(escapeKey(key))
}

function namesOf(entries: ReadonlyMap<string, Stored>): number {
  let sum = 0
  for (const key of entries.keys()) sum += bytesOf(key)
  return sum
}
