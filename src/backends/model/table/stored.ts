import { isDeepStrictEqual } from 'node:util'
import type { DamagedValue } from '../../../contract/damaged-value.js'

/**
 * A row of the model as a replica keeps it where values are instances. It has an identity, so that what is stored can be
 * given out before the database has filled in the row's other columns.
 */
export class StoredRow {
  /** Compared by identity. */
  readonly isStoredForm = true
  /** What is to be written; once it is written, all columns. */
  columns: Readonly<Record<string, unknown>>

  /** The caller's value, until it is written, for columns that are derived from it. */
  given: unknown

  constructor(columns: Readonly<Record<string, unknown>>, given?: unknown) {
    this.columns = columns
    this.given = given
  }

  /** It was written, and read again. */
  complete({ columns }: StoredRow): void {
    this.columns = columns
    this.given = undefined
  }

  /** Whether it is the same row with the same columns. */
  equals(other: unknown): boolean {
    return other instanceof StoredRow && isDeepStrictEqual(this.columns, other.columns)
  }
}

/** What is kept of a row: what the encoding made, the row itself, or that it cannot be read. */
export type Stored = string | Uint8Array | StoredRow | DamagedValue
