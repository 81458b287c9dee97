import { RichEncoding, tagJson } from '../../encodings/rich-encoding.js'

/** The text of values that JSON cannot hold begins with it. A string that begins with it is written the same way. */
const RICH = 'rich:'

/** Stored forms of other encodings, of values that `RichEncoding` does not know either. */
const STORED = 'stored:'
const BYTES = 'bytes:'

/** Values as text and in JSON documents: without loss, whatever the encoding holds. */
export class ValueTexts {
  readonly #rich: RichEncoding

  /** @param encoding - of the dictionary: it may know classes of the application. */
  constructor(encoding: unknown) {
    this.#rich = encoding instanceof RichEncoding ? encoding : new RichEncoding()
  }

  /** JSON, or text that begins with `rich:`. */
  textOf(value: unknown): string {
    const text = this.#rich.encode(value)
    return typeof value === 'string' && (value.startsWith(STORED) || value.startsWith(BYTES)) ? tagJson(text) : text
  }

  /** The text of a value, or its stored form if it has none. */
  lossless(value: unknown, stored: unknown): string {
    try {
      return this.textOf(value)
    } catch (error) {
      if (typeof stored === 'string') return STORED + stored
      if (stored instanceof Uint8Array) return BYTES + Buffer.from(stored).toString('base64')
      throw error
    }
  }

  /** @throws an error that does not quote the text. */
  parse(text: string): unknown {
    return this.#rich.decode(text)
  }

  /**
   * Reads a member of a JSON document that {@link inJson} wrote, after the document was parsed.
   *
   * @throws an error that does not quote the text.
   */
  fromMember(member: unknown): ReadValue {
    if (typeof member !== 'string') return { value: member }
    if (member.startsWith(RICH)) return { value: this.parse(member) }
    if (member.startsWith(STORED)) return { stored: member.slice(STORED.length) }
    if (member.startsWith(BYTES)) return { stored: new Uint8Array(Buffer.from(member.slice(BYTES.length), 'base64')) }
    return { value: member }
  }
}

/** A value, or its stored form. */
export type ReadValue =
  | { readonly value: unknown; readonly stored?: undefined }
  | { readonly stored: string | Uint8Array }

/** Returns the JSON for a lossless text: itself, or a JSON string of it. */
export function inJson(text: string): string {
  return isTagged(text) ? JSON.stringify(text) : text
}

/** Whether it is not JSON. */
export function isTagged(text: string): boolean {
  return text.startsWith(RICH) || text.startsWith(STORED) || text.startsWith(BYTES)
}
