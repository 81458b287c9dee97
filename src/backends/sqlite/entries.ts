import { warn } from '../../warnings/warnings.js'
import { escapeText } from '../sql/escape.js'
import type { Connection } from './connection.js'
import { isTableMissing } from './faults.js'
import { SQL } from './sql.js'
import type { Raw, Stored } from './text.js'

/** Reads the entries of a dictionary. Ignores rows whose key is not valid, with one warning. */
export class Entries {
  readonly #dictionary: string
  #warned = false

  constructor(dictionary: string) {
    this.#dictionary = dictionary
  }

  /** Returns `undefined` if the table is missing. Call it inside a transaction. */
  read(connection: Connection): Map<string, Stored> | undefined {
    try {
      return this.#read(connection)
    } catch (error) {
      if (isTableMissing(error)) return undefined
      throw error
    }
  }

  #read(connection: Connection): Map<string, Stored> {
    const { columns } = connection
    const entries = new Map<string, Stored>()
    let ignored = 0
    for (const [rawKey, keyType, value, valueType] of connection.arrays(SQL.entries, escapeText(this.#dictionary))) {
      const key = columns.key(rawKey as Raw, keyType)
      if (key === undefined) ignored += 1
      else entries.set(key, columns.stored(value as Raw, valueType))
    }
    if (ignored > 0) this.#warn(ignored)
    return entries
  }

  #warn(ignored: number): void {
    if (this.#warned) return
    this.#warned = true
    warn(
      'DURABLEDICT_FOREIGN_KEYS',
      `Dictionary "${this.#dictionary}" ignores rows of durabledict_entries (${ignored}) whose keys are not valid keys of a dictionary, ` +
        'or not in the form in which durabledict writes keys. Another program wrote them; clear() removes them.',
      { source: this.#dictionary },
    )
  }
}
