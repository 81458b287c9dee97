import type { UndoLog, UndoLogOwner } from './undo-log.js'

/** A decoded value, and whether all readers can share it (deeply frozen). */
export interface Decoded {
  readonly value: unknown
  readonly shareable: boolean
}

/** Decodes a stored form. Throws if it cannot. */
export type Decode = (key: string, stored: unknown) => Decoded

/** An entry of an earlier state. */
export interface PastEntry {
  readonly stored: unknown
  value: unknown
}

/**
 * Stored forms, which are decoded when they are first read. There are two maps instead of one map of cells: an undecoded entry costs
 * nothing beyond the map of strings, and reading a decoded one is a single `Map.get`.
 */
export class Entries implements UndoLogOwner {
  readonly stored: Map<string, unknown>
  /** Values that readers share and that were read before. */
  readonly decoded = new Map<string, unknown>()
  latest: WeakRef<UndoLog> | undefined
  readonly #decode: Decode

  constructor(stored: Map<string, unknown>, decode: Decode) {
    this.stored = stored
    this.#decode = decode
  }

  /** Returns the value, or `undefined` if the key is missing. Throws if the value cannot be decoded. */
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

  /** Takes over the values that `earlier` has decoded, if their entries are unchanged. */
  inherit(earlier: Entries): void {
    for (const [key, value] of earlier.decoded) {
      if (this.stored.get(key) === earlier.stored.get(key)) this.decoded.set(key, value)
    }
  }

  /** Returns the current entry, to keep when it changes. */
  remember(key: string): PastEntry | undefined {
    const stored = this.stored.get(key)
    return stored === undefined ? undefined : { stored, value: this.decoded.get(key) }
  }

  /** Frozen states need the old entry the first time that it changes. */
  #note(key: string): void {
    const overwritten = this.latest?.deref()?.overwritten
    if (overwritten && !overwritten.has(key)) overwritten.set(key, this.remember(key))
  }

  /** Returns the value of a remembered entry. */
  recall(key: string, past: PastEntry): unknown {
    if (past.value !== undefined) return past.value
    const { value, shareable } = this.#decode(key, past.stored)
    if (shareable) past.value = value
    return value
  }
}
