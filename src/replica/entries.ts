import type { UndoLog, UndoLogOwner } from './undo-log.js'

/** A decoded value, and whether one copy may be handed to every reader (frozen throughout). */
export interface Decoded {
  readonly value: unknown
  readonly shareable: boolean
}

/** Turns what the store holds into a value. Throws where it cannot. */
export type Decode = (key: string, stored: unknown) => Decoded

/** An entry as it was in an earlier state. */
export interface PastEntry {
  readonly stored: unknown
  value: unknown
}

/**
 * Stored forms, decoded when first read. Two maps instead of one of cells: an undecoded entry costs nothing beyond the
 * map of strings, and a read of a decoded one is a single `Map.get`.
 */
export class Entries implements UndoLogOwner {
  readonly stored: Map<string, unknown>
  /** Shareable values that were read before. */
  readonly decoded = new Map<string, unknown>()
  latest: WeakRef<UndoLog> | undefined
  readonly #decode: Decode

  constructor(stored: Map<string, unknown>, decode: Decode) {
    this.stored = stored
    this.#decode = decode
  }

  /** The value, or `undefined` where the key is missing. Throws where it cannot be decoded. */
  get(key: string): unknown {
    const value = this.decoded.get(key)
    return value === undefined ? this.#first(key) : value
  }

  #first(key: string): unknown {
    const stored = this.stored.get(key)
    if (stored === undefined) return undefined
    const { value, shareable } = this.#decode(key, stored)
    if (shareable) this.decoded.set(key, value)
    return value
  }

  set(key: string, stored: unknown): void {
    this.#note(key)
    this.stored.set(key, stored)
    this.decoded.delete(key)
  }

  delete(key: string): void {
    this.#note(key)
    this.stored.delete(key)
    this.decoded.delete(key)
  }

  /** Keeps what `earlier` has decoded, where it still stands. */
  inherit(earlier: Entries): void {
    for (const [key, value] of earlier.decoded) {
      if (this.stored.get(key) === earlier.stored.get(key)) this.decoded.set(key, value)
    }
  }

  /** The entry as it is now, to be kept when it changes. */
  remember(key: string): PastEntry | undefined {
    const stored = this.stored.get(key)
    return stored === undefined ? undefined : { stored, value: this.decoded.get(key) }
  }

  /** States held still need the entry as it was, the first time that it changes. */
  #note(key: string): void {
    const overwritten = this.latest?.deref()?.overwritten
    if (overwritten && !overwritten.has(key)) overwritten.set(key, this.remember(key))
  }

  /** The value of an entry that was remembered. */
  recall(key: string, past: PastEntry): unknown {
    if (past.value !== undefined) return past.value
    const { value, shareable } = this.#decode(key, past.stored)
    if (shareable) past.value = value
    return value
  }
}
