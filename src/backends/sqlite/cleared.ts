import type { Target } from '../../contract/execute-group.js'
import type { Journal } from '../../contract/history.js'
import { escapeText } from '../sql/escape.js'
import { HISTORY_SQL } from './history-sql.js'
import type { Log } from './log.js'
import type { Raw, Stored } from './text.js'

/**
 * Records in the history what a `clear` removes, with one statement: one for each key would block the process for a second, if
 * there are 100,000.
 */
export class Cleared {
  readonly #log: Log
  readonly #position: number
  #keys = 0

  /** @param position - of the commit to record it in. */
  constructor(log: Log, position: number) {
    this.#log = log
    this.#position = position
  }

  /** How many keys were recorded. The journal does not contain them, only what was done to them afterwards. */
  get keys(): number {
    return this.#keys
  }

  /** Returns a target whose first `clear` records everything, unless the journal has to combine it with earlier changes. */
  in(target: Target<Stored>, journal: Journal<Stored>): Target<Stored> {
    const entries = () => {
      if (this.#keys === 0 && journal.changes.length === 0 && this.#record()) return []
      return target.entries?.() ?? []
    }
    return { ...target, entries }
  }

  /** Records nothing and returns false if there are keys that are not keys of a dictionary, or fewer than two. */
  #record(): boolean {
    const { connection, dictionary } = this.#log
    const dict = escapeText(dictionary)
    const keys = Number(connection.get(HISTORY_SQL.countEntries, dict)?.keys)
    if (keys < 2 || !this.#areKeys(dict)) return false
    connection.run(HISTORY_SQL.addEntries, dict, this.#position)
    this.#keys = keys
    return true
  }

  #areKeys(dict: string): boolean {
    const { connection } = this.#log
    const unusual = connection.arrays(HISTORY_SQL.unusualKeys, dict)
    return unusual.every(([raw, type]) => connection.columns.key(raw as Raw, type) !== undefined)
  }
}
