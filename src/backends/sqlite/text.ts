import { DamagedValue } from '../../contract/damaged-value.js'
import { keyFault, MAX_KEY_BYTES } from '../../contract/key-fault.js'
import { ESCAPE, escapeText, unescapeText } from '../sql/escape.js'

/** A value that is bound to a column of text or bytes. */
export type Column = string | Uint8Array

/** A stored value: the result of an encoding, or a damaged value that another program wrote. */
export type Stored = Column | DamagedValue

/**
 * The content of a column as `anyOf` selects it. For bytes, libsql returns a Buffer in a single row and an
 * ArrayBuffer in a list of rows.
 */
export type Raw = string | Uint8Array | ArrayBuffer | null

/** The character with which engines replace bytes that are not text. */
const REPLACEMENT = '\ufffd'

/** Converts a stored value to bind it to a statement. */
export function toColumn(stored: Stored): Column {
  if (stored instanceof DamagedValue) throw new TypeError('A damaged value cannot be written.')
  return typeof stored === 'string' ? escapeText(stored) : stored
}

/** Reads columns that any program may have written, in the encoding of the database. */
export class ColumnReader {
  readonly #decoder: InstanceType<typeof TextDecoder>

  /** @param encoding - the result of `PRAGMA encoding`: `UTF-8`, `UTF-16le` or `UTF-16be`. */
  constructor(encoding: string) {
    this.#decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  }

  /** Reads text or bytes; every other value is damaged. */
  stored(raw: Raw, type: unknown): Stored {
    if (type === 'blob') return toBytes(raw as Uint8Array | ArrayBuffer)
    if (type !== 'text')
      return new DamagedValue(`It is stored as ${String(type)}, not as text or a blob.`, bytesIn(raw))
    const text = this.text(raw, type)
    return text === undefined ? new DamagedValue('It is not well-formed text.', bytesIn(raw)) : unescapeText(text)
  }

  /** Reads a key. Returns `undefined` if it is not a valid key, or not in the form in which this library writes it. */
  key(raw: Raw, type: unknown): string | undefined {
    if (isPlainKey(raw) && type === 'text') return raw
    const text = this.text(raw, type)
    if (text === undefined) return undefined
    const key = unescapeText(text)
    return keyFault(key) === undefined && escapeText(key) === text ? key : undefined
  }

  /** Returns the text as stored in the file, or `undefined` if it is not text. */
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

/** Most keys are ASCII: strings with nothing escaped. */
function isPlainKey(raw: Raw): raw is string {
  if (typeof raw !== 'string' || raw.length === 0 || raw.length > MAX_KEY_BYTES) return false
  return !raw.includes(ESCAPE) && !raw.includes(REPLACEMENT)
}

/** Returns how many bytes a value takes in the file. */
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
