/**
 * A stored form that cannot be read: what a backend returns in place of a value whose bytes are damaged, so that one bad entry
 * breaks its own key alone. Reading the key rejects with `DecodingError`; deleting and overwriting it work as always.
 */
export class DamagedValue {
  readonly isStoredForm = true
  /** What is wrong, as a sentence, never with stored text. */
  readonly reason: string
  readonly #bytes: Uint8Array

  constructor(reason: string, bytes: Uint8Array = new Uint8Array()) {
    this.reason = reason
    this.#bytes = bytes
  }

  /** Whether the other is damaged in the same way. */
  equals(other: unknown): boolean {
    return other instanceof DamagedValue && Buffer.compare(this.#bytes, other.#bytes) === 0
  }
}
