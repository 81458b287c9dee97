import { InvalidValueError } from '../../../errors/errors.js'
import type { ColumnMapper } from './column-mapper.js'
import type { Stored } from './stored.js'

/** What a transaction has written, and what it then found. */
export interface Written {
  readonly set: ReadonlyMap<string, Stored>
  readonly remove: readonly string[]
  readonly found: ReadonlyMap<string, Stored>
  /** Whether no row was left where all were removed. */
  readonly isCleared: boolean
  readonly mapper: ColumnMapper
  readonly dictionary: string
}

/** @throws InvalidValueError if the database has something else than what was written: memory must not differ from it. */
export function checkWritten({ set, remove, found, isCleared, mapper, dictionary }: Written): void {
  if (!isCleared) throw differs('rows were not removed', dictionary)
  for (const [key, stored] of set) {
    const now = found.get(key)
    if (now === undefined) throw differs('the row is not there', dictionary, key)
    if (!mapper.isWritten(stored, now)) throw differs('the row holds something else than the value', dictionary, key)
  }
  const kept = remove.find(key => found.has(key))
  if (kept !== undefined) throw differs('the row was not removed', dictionary, kept)
}

function differs(what: string, dictionary: string, key?: string): InvalidValueError {
  const where = key === undefined ? '' : ` of key ${JSON.stringify(key)}`
  return new InvalidValueError(
    `The write${where} to dictionary "${dictionary}" was rolled back: after it, ${what}. Look for a column that is too short, a session ` +
      'without strict mode (sql_mode STRICT_TRANS_TABLES), a character set that cannot hold the text, or a trigger, rule or hook of the ' +
      'model that alters or skips rows.',
    { dictionary, key },
  )
}
