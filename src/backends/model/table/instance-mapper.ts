import { DamagedValue } from '../../../contract/damaged-value.js'
import type { Encoding } from '../../../encodings/encoding.js'
import type { Recorded } from '../history/commit-rows.js'
import type { Columns, ModelManager } from '../managers/manager.js'
import type { ColumnMapper } from './column-mapper.js'
import { type Stored, StoredRow } from './stored.js'
import type { ValueMapper } from './value-mapper.js'
import type { WritableColumns } from './writable-columns.js'

/** Stores whole rows. Only the database knows the content of all their columns. */
export class InstanceMapper implements ColumnMapper {
  readonly columns = undefined
  readonly rereads = true
  readonly #manager: ModelManager
  readonly #keyCol: string

  readonly #value: ValueMapper

  /** @param value - of the value column, which the history keeps. */
  constructor(manager: ModelManager, keyCol: string, value: ValueMapper) {
    this.#manager = manager
    this.#keyCol = keyCol
    this.#value = value
  }

  columnsOf(_key: string, stored: Stored): Columns {
    const { [this.#keyCol]: _, ...columns } = (stored as StoredRow).columns
    return columns
  }

  storedOf(row: object): Stored {
    return new StoredRow(columnsOf(this.#manager, row))
  }

  toRecorded(stored: Stored): Recorded {
    return stored instanceof StoredRow ? this.#value.toRecorded(this.#value.storedOf(stored.columns)) : stored
  }

  fromColumn(column: Recorded): Recorded {
    return this.#value.fromColumn(column)
  }

  /** A row with its key and its value: the history keeps no other columns, and a write leaves them as they are. */
  fromRecorded(key: string, recorded: Recorded): Stored {
    if (recorded instanceof DamagedValue) return recorded
    try {
      return new StoredRow({ [this.#keyCol]: key, ...this.#value.columnsOf(key, recorded) })
    } catch {
      return new DamagedValue('The value column does not hold what the encoding makes.')
    }
  }

  /** Hooks, defaults and types alter columns, which the instance has then. None is cut off. */
  isWritten(written: Stored, found: Stored): boolean {
    if (!(written instanceof StoredRow && found instanceof StoredRow)) return false
    return Object.entries(written.columns).every(([name, value]) => !isCutOff(value, found.columns[name]))
  }
}

function isCutOff(written: unknown, found: unknown): boolean {
  return (
    typeof written === 'string' &&
    typeof found === 'string' &&
    found.length < written.length &&
    written.startsWith(found)
  )
}

/** What the dictionary takes for an encoding where values are instances: an instance is written as it is, any other value encoded. */
export class InstanceEncoding implements Encoding<StoredRow> {
  readonly name: string
  readonly #manager: ModelManager
  readonly #keyCol: string
  readonly #encoding: Encoding<unknown>
  readonly #mapper: ValueMapper
  readonly #writable: WritableColumns

  /**
   * @param encoding - encodes values other than instances.
   * @param form - maps these values to the value column.
   */
  constructor(
    manager: ModelManager,
    keyCol: string,
    encoding: Encoding<unknown>,
    mapper: ValueMapper,
    writable: WritableColumns,
  ) {
    this.name = `instances of ${manager.model}`
    this.#manager = manager
    this.#keyCol = keyCol
    this.#encoding = encoding
    this.#mapper = mapper
    this.#writable = writable
  }

  encode(value: unknown): StoredRow {
    if (typeof value === 'object' && value !== null && this.#isInstance(value)) {
      return new StoredRow(this.#writable.of(copied(columnsOf(this.#manager, value)), value), value)
    }
    return new StoredRow(this.#writable.of(this.#mapper.columnsOf('', this.#encoding.encode(value) as string)), value)
  }

  /** A new one for each reader: who alters it alters it alone. */
  decode({ columns }: StoredRow): unknown {
    const own = copied(columns)
    const instance = this.#manager.instance?.(own) ?? own
    this.#writable.note(instance, columns)
    return instance
  }

  #isInstance(value: object): boolean {
    return this.#manager.isInstance?.(value, this.#keyCol) ?? Object.hasOwn(value, this.#keyCol)
  }
}

function columnsOf(manager: ModelManager, instance: object): Columns {
  return manager.columnsOf?.(instance) ?? { ...instance }
}

/** Columns whose values may be altered: dates, bytes and what JSON makes are copied. */
function copied(columns: Columns): Columns {
  return Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, copyOf(value)]))
}

function copyOf(value: unknown): unknown {
  if (value instanceof Date) return new Date(value)
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (value instanceof Uint8Array) return value.slice()
  return Array.isArray(value) || isPlain(value) ? structuredClone(value) : value
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
