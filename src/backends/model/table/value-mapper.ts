import { isDeepStrictEqual } from 'node:util'
import { DamagedValue } from '../../../contract/damaged-value.js'
import { sameStored } from '../../../contract/same-stored.js'
import { EncodingError } from '../../../errors/errors.js'
import type { ColumnKind, Dialect } from '../../sql/dialect.js'
import { escapeText, unescapeText } from '../../sql/escape.js'
import { bytesAsText, shapeOf, unexpected } from '../../sql/replies.js'
import type { Recorded } from '../history/commit-rows.js'
import type { Columns } from '../managers/manager.js'
import type { ColumnMapper } from './column-mapper.js'
import type { EncodedKind } from './encoded-kind.js'
import { canonical, ordered } from './json-column.js'
import type { Stored } from './stored.js'

/** How a value column is written and read. */
interface Conversion {
  write(stored: string | Uint8Array): unknown
  read(column: unknown): string | Uint8Array
}

/** What a value column is like, and what the encoding makes. */
export interface ValueColumn {
  readonly dictionary: string
  readonly library: string
  readonly keyCol: string
  readonly valueCol: string
  readonly kind: ColumnKind
  readonly jsonAsValues: boolean
  readonly encodedKind: EncodedKind
  /** For columns of JSON: how tagged text begins, if the encoding makes any. */
  readonly tag?: string | undefined
  /** For columns of JSON: whether it orders the members of objects. */
  readonly reorders?: boolean
}

/**
 * Keeps what the encoding makes in one column: as text, as JSON (a JSON string, where the encoding makes other text), or as bytes.
 * SQL's NULL, which no encoding makes, is damage, and in columns of JSON `null`.
 */
export class ValueMapper implements ColumnMapper {
  readonly columns: readonly string[]
  readonly rereads = false
  readonly #column: ValueColumn
  readonly #conversion: Conversion

  constructor(column: ValueColumn, dialect: Dialect) {
    this.columns = [column.keyCol, column.valueCol]
    this.#column = column
    this.#conversion = conversionOf(column, dialect)
  }

  columnsOf(key: string, stored: Stored): Columns {
    const { valueCol, dictionary } = this.#column
    try {
      return { [valueCol]: this.#conversion.write(stored as string | Uint8Array) }
    } catch (cause) {
      throw new EncodingError(
        `The value of key "${key}" of dictionary "${dictionary}" was not written: column "${valueCol}" holds JSON, which the ` +
          'encoding did not make.',
        { dictionary, key, cause },
      )
    }
  }

  /** @throws StoreUnavailableError if the library left the column out. */
  storedOf(row: object): Stored {
    const { valueCol, library, kind } = this.#column
    if (!(valueCol in row)) throw unexpected(library, `rows with column "${valueCol}"`, row)
    const found = (row as Columns)[valueCol]
    const column = kind !== 'bytes' && found instanceof Uint8Array ? bytesAsText(found) : found
    try {
      return this.#conversion.read(column)
    } catch {
      return new DamagedValue(
        `Column "${valueCol}" holds ${column === null ? 'NULL' : shapeOf(column)} that no encoding has made.`,
      )
    }
  }

  toRecorded(stored: Stored): Recorded {
    return stored as Recorded
  }

  fromColumn(column: Recorded): Recorded {
    if (column instanceof DamagedValue) return column
    const { valueCol, kind, jsonAsValues } = this.#column
    const isText = kind === 'json' && jsonAsValues && typeof column === 'string'
    try {
      return this.storedOf({ [valueCol]: isText ? JSON.parse(column) : column }) as Recorded
    } catch {
      return new DamagedValue(`Column "${valueCol}" holds text that is not JSON.`)
    }
  }

  fromRecorded(_key: string, recorded: Recorded): Stored {
    return recorded
  }

  /** Databases write JSON in another order, and with other blanks. */
  isWritten(written: Stored, found: Stored): boolean {
    if (sameStored(written, found)) return true
    return this.#column.kind === 'json' && isSameJson(written, found)
  }
}

function isSameJson(written: Stored, found: Stored): boolean {
  if (typeof written !== 'string' || typeof found !== 'string') return false
  try {
    return isDeepStrictEqual(withoutSigns(JSON.parse(written)), withoutSigns(JSON.parse(found)))
  } catch {
    return false
  }
}

/** Some databases know no negative zero. */
function withoutSigns(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function conversionOf(column: ValueColumn, { unsafeInText }: Dialect): Conversion {
  const { kind, jsonAsValues, encodedKind } = column
  if (kind === 'json') return encodedKind === 'json' ? json(column) : jsonString(jsonAsValues)
  if (kind === 'bytes') return encodedKind === 'bytes' ? BYTES : TEXT_IN_BYTES
  return {
    write: stored => escapeText(stored as string, unsafeInText),
    read: column => unescapeText(text(column)),
  }
}

/** The JSON that the encoding makes, as other programs read it; its tagged text as a JSON string. */
function json({ jsonAsValues, tag, reorders = false }: ValueColumn): Conversion {
  const isTagged = (value: unknown): value is string =>
    tag !== undefined && typeof value === 'string' && value.startsWith(tag)
  const tagged = new RegExp(`^\\s*"${tag ?? '(?!)'}`)
  const write = (stored: string) => (isTagged(stored) ? JSON.stringify(stored) : checked(stored))
  return {
    write: stored => (jsonAsValues ? JSON.parse(write(stored as string)) : write(stored as string)),
    read(column) {
      if (jsonAsValues || typeof column !== 'string')
        return isTagged(column) ? column : ordered(column ?? null, reorders)
      return readable(() => (tagged.test(column) ? JSON.parse(column) : canonical(column, { reorders })), column)
    },
  }
}

/** What is read; text that is not JSON as it is, so that only the reading of its own key fails. */
function readable(read: () => string, text: string): string {
  try {
    return read()
  } catch {
    return text
  }
}

/** Any other text, as a string of JSON. */
function jsonString(asValues: boolean): Conversion {
  return {
    write: stored => (asValues ? stored : JSON.stringify(stored)),
    read: column =>
      asValues || typeof column !== 'string' ? textOf(column) : readable(() => textOf(JSON.parse(column)), column),
  }
}

function checked(text: string): string {
  JSON.parse(text)
  return text
}

/** External writers may have stored other JSON than a string. It is returned as JSON, which the encoding then rejects. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}

const BYTES: Conversion = {
  write: stored => toBuffer(stored),
  read: column => toBuffer(column),
}

const UTF8 = new TextDecoder('utf8', { fatal: true, ignoreBOM: true })

const TEXT_IN_BYTES: Conversion = {
  write: stored => Buffer.from(stored as string, 'utf8'),
  read: column => (typeof column === 'string' ? column : UTF8.decode(toBuffer(column))),
}

/** @throws TypeError for anything else. */
function text(column: unknown): string {
  if (typeof column === 'string') return column
  throw new TypeError('It is not text.')
}

/** The same bytes, as all drivers take them. SQLite holds text in a column of bytes. @throws TypeError for anything else. */
function toBuffer(bytes: unknown): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'utf8')
  if (bytes instanceof ArrayBuffer) return Buffer.from(bytes)
  if (bytes instanceof Uint8Array) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  throw new TypeError('It is not bytes.')
}
