import type { Recorded } from '../history/commit-rows.js'
import type { Columns } from '../managers/manager.js'
import type { Stored } from './stored.js'

/** Maps a stored value to columns of the model's row, and back. */
export interface ColumnMapper {
  /** The columns to read, or `undefined` for whole instances. */
  readonly columns: readonly string[] | undefined
  /** Whether only the row has the stored value, so that it is read again to follow a change. */
  readonly rereads: boolean
  /** Returns the columns to write, without the key. @throws DurableDictError if the column cannot store the value. */
  columnsOf(key: string, stored: Stored): Columns
  /** Returns the stored value of a row, or a `DamagedValue` if it cannot be read. */
  storedOf(row: object): Stored
  /** Returns whether the value read back is the one that was written, as far as the column can store it. */
  isWritten(written: Stored, found: Stored): boolean
  /** What the value column holds of it, for the history. */
  toRecorded(stored: Stored): Recorded
  /** The same of what a trigger found in the value column: text as the database prints it, or bytes. */
  fromColumn(column: Recorded): Recorded
  /** What is stored if the value column holds this. */
  fromRecorded(key: string, recorded: Recorded): Stored
}
