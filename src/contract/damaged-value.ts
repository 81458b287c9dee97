/**
 * A stored form that cannot be read. A backend returns it in place of a value whose bytes are damaged, so that one bad entry breaks
 * only its own key. Reading the key rejects with `DecodingError`; deleting and overwriting it still work.
 */
export class DamagedValue {
  readonly isStoredForm = true
  /** What is wrong, as a sentence without stored text. */
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
