import type { Columns } from '../managers/manager.js'
import type { Stored } from './stored.js'

/** How what is stored under a key stands in the model's row. */
export interface ColumnMapper {
  /** The columns that are read; `undefined`: whole instances. */
  readonly columns: readonly string[] | undefined
  /** Whether only the row says what is stored, so that it is read anew where a change is followed. */
  readonly rereads: boolean
  /** What is to be written, without the key. @throws DurableDictError where the column cannot hold it. */
  columnsOf(key: string, stored: Stored): Columns
  /** What the row's columns say; a `DamagedValue` if they cannot be read. */
  storedOf(row: object): Stored
  /** Whether what was found is what was written, as far as the column can hold it. */
  isWritten(written: Stored, found: Stored): boolean
}
