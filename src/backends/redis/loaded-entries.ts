import { isUtf8 } from 'node:buffer'
import type { State } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import { unexpected } from './shape.js'

/** The character with which clients replace invalid UTF-8. */
const REPLACEMENT = '\uFFFD'

/**
 * Entries from the server's replies. Two keys with invalid UTF-8 may read as the same text, and a value as another
 * one. If any text may differ from what is stored, everything is therefore loaded again as bytes.
 */
export class LoadedEntries {
  readonly #entries = new Map<string, string>()
  /** Fields of the hash that are not valid keys, by their bytes. */
  readonly #unreadable = new Set<string>()
  #doubtful = false

  /** Whether any text may differ from what is stored. */
  get doubtful(): boolean {
    return this.#doubtful
  }

  /** The number of fields of the hash. */
  get size(): number {
    return this.#entries.size + this.#unreadable.size
  }

  get unreadable(): number {
    return this.#unreadable.size
  }

  /** @throws StoreUnavailableError if the reply is not a list of pairs of strings or bytes. */
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
    // The dictionary refuses to decode a DamagedValue.
    else
      this.#entries.set(
        Buffer.from(key).toString(),
        isUtf8(value) ? Buffer.from(value).toString() : (broken(value) as never),
      )
  }
}

function broken(bytes: Uint8Array): DamagedValue {
  return new DamagedValue('Its bytes are not UTF-8 text.', bytes)
}
