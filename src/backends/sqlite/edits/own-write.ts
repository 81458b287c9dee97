import { escapeText } from '../../sql/escape.js'
import type { Log } from '../log.js'
import { EDITS_SQL } from './edits-sql.js'

/** Marks a transaction of the library, so that triggers do not log its changes again. To move the head ends it. */
export class OwnWrite {
  readonly #log: Log
  #begun = false

  constructor(log: Log) {
    this.#log = log
  }

  /** Call it before the first change of entries. A transaction that changes nothing stays one that writes nothing. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#run(EDITS_SQL.begin)
  }

  /** Call it if the head is not moved. */
  cancel(): void {
    if (this.#begun) this.#run(EDITS_SQL.end)
    this.#begun = false
  }

  #run(sql: string): void {
    const { connection, dictionary } = this.#log
    connection.run(sql, escapeText(dictionary))
  }
}
