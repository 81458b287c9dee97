import { DamagedValue } from '../../contract/damaged-value.js'
import { keyFault, MAX_KEY_BYTES } from '../../contract/key-fault.js'
import { ESCAPE, escapeText, unescapeText } from '../sql/escape.js'

/** What a column of text or bytes is bound to. */
export type Column = string | Uint8Array

/** A stored form: what an encoding makes; what other programs wrote may be damaged. */
export type Stored = Column | DamagedValue

/** What a column holds, as `anyOf` selects it: libsql's bytes are a Buffer in one row, and an ArrayBuffer in a list of rows. */
export type Raw = string | Uint8Array | ArrayBuffer | null

/** What engines put in place of bytes that are not text. */
const REPLACEMENT = '\ufffd'

/** A stored form as it is bound to a statement. */
export function toColumn(stored: Stored): Column {
  if (stored instanceof DamagedValue) throw new TypeError('A damaged value cannot be written.')
  return typeof stored === 'string' ? escapeText(stored) : stored
}

/** Reads what any program may have written, in a database of that encoding. */
export class ColumnReader {
  readonly #decoder: InstanceType<typeof TextDecoder>

  /** @param encoding - as `PRAGMA encoding` gives it: `UTF-8`, `UTF-16le` or `UTF-16be`. */
  constructor(encoding: string) {
    this.#decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  }

  /** Text and bytes; all else is damaged. */
  stored(raw: Raw, type: unknown): Stored {
    if (type === 'blob') return toBytes(raw as Uint8Array | ArrayBuffer)
    if (type !== 'text')
      return new DamagedValue(`SQLite holds ${String(type)} there, not text or a blob.`, bytesIn(raw))
    const text = this.text(raw, type)
    return text === undefined ? new DamagedValue('It is not well-formed text.', bytesIn(raw)) : unescapeText(text)
  }

  /** A key; `undefined` if it cannot be one, or is not written as this library writes it. */
  key(raw: Raw, type: unknown): string | undefined {
    if (isPlainKey(raw) && type === 'text') return raw
    const text = this.text(raw, type)
    if (text === undefined) return undefined
    const key = unescapeText(text)
    return keyFault(key) === undefined && escapeText(key) === text ? key : undefined
  }

  /** The text as it is in the file; `undefined` if it is none. */
  text(raw: Raw, type: unknown): string | undefined {
    if (type !== 'text') return undefined
    if (typeof raw === 'string') return raw.includes(REPLACEMENT) ? undefined : raw
    try {
      return this.#decoder.decode(raw as Uint8Array | ArrayBuffer)
    } catch {
      return undefined
    }
  }
}

/** Most keys are ASCII: a string that was selected as one, with nothing escaped. */
function isPlainKey(raw: Raw): raw is string {
  if (typeof raw !== 'string' || raw.length === 0 || raw.length > MAX_KEY_BYTES) return false
  return !raw.includes(ESCAPE) && !raw.includes(REPLACEMENT)
}

/** How many bytes a column takes in the file. */
export function bytesOf(column: Column): number {
  return typeof column === 'string' ? Buffer.byteLength(column) : column.byteLength
}

function bytesIn(raw: Raw): Uint8Array {
  if (raw === null) return new Uint8Array()
  return typeof raw === 'string' ? Buffer.from(raw) : toBytes(raw)
}

function toBytes(raw: Uint8Array | ArrayBuffer | string | null): Uint8Array {
  if (raw instanceof ArrayBuffer) return new Uint8Array(raw)
  const { buffer, byteOffset, byteLength } = raw as Uint8Array
  return new Uint8Array(buffer, byteOffset, byteLength)
}
