import { isUtf8 } from 'node:buffer'
import type { State } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import { unexpected } from './shape.js'

/** What clients put in place of bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD'

/**
 * Entries as they come from the server. Two keys whose bytes are no UTF-8 may read as one, and a value as another: so where text
 * may not be what is stored, everything is asked for again as bytes.
 */
export class LoadedEntries {
  readonly #entries = new Map<string, string>()
  /** Fields of the hash that no key of a dictionary can name, by their bytes. */
  readonly #unreadable = new Set<string>()
  #doubtful = false

  /** Whether any text may not be what is stored. */
  get doubtful(): boolean {
    return this.#doubtful
  }

  /** How many fields of the hash this is. */
  get size(): number {
    return this.#entries.size + this.#unreadable.size
  }

  get unreadable(): number {
    return this.#unreadable.size
  }

  /** @throws StoreUnavailableError unless it is a list of pairs of strings or bytes. */
  addAll(flat: readonly unknown[], from = 0): void {
    if ((flat.length - from) % 2 !== 0) throw unexpected(flat, 'a list of pairs')
    for (let at = from; at < flat.length; at += 2) this.#add(flat[at], flat[at + 1])
  }

  set(key: string, stored: string): void {
    this.#entries.set(key, stored)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#unreadable.clear()
  }

  toState(version: string): State {
    return { version, entries: this.#entries }
  }

  #add(key: unknown, value: unknown): void {
    if (typeof key === 'string' && typeof value === 'string') {
      this.#doubtful ||= key.includes(REPLACEMENT) || value.includes(REPLACEMENT)
      this.#entries.set(key, value)
    } else if (key instanceof Uint8Array && value instanceof Uint8Array) {
      this.#addBytes(key, value)
    } else throw unexpected([key, value], 'a pair of strings')
  }

  #addBytes(key: Uint8Array, value: Uint8Array): void {
    if (!isUtf8(key)) this.#unreadable.add(Buffer.from(key).toString('latin1'))
    // A stored form of its own, which the dictionary refuses to decode.
    else
      this.#entries.set(
        Buffer.from(key).toString(),
        isUtf8(value) ? Buffer.from(value).toString() : (broken(value) as never),
      )
  }
}

function broken(bytes: Uint8Array): DamagedValue {
  return new DamagedValue('Its bytes are no text (UTF-8).', bytes)
}
