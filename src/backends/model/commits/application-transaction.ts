import type { Group, Outcome } from '../../../contract/backend.js'
import type { Attribution } from '../../../contract/history.js'
import { DurableDictError, UnsupportedError } from '../../../errors/errors.js'
import { askSession } from '../../sql/connection-settings.js'
import { run, type Statement } from '../../sql/dialect.js'
import { isConflict, isOfStore } from '../../sql/error-kinds.js'
import { escapeText } from '../../sql/escape.js'
import { toCount } from '../../sql/stored-tokens.js'
import type { TriggeredTable } from '../../sql/triggers/triggered-table.js'
import { notWritten, refused } from '../faults.js'
import { COMMITS } from '../history/tables.js'
import type { ModelSession } from '../managers/manager.js'
import type { Stored } from '../table/stored.js'
import { triggerState } from '../triggers/model-triggers.js'
import { VERSIONS } from '../versions/table-names.js'
import { executeAll } from './commit.js'
import type { CommitsOptions } from './commits.js'
import { textsOf } from './values-in-messages.js'
import { keysOf } from './working-set.js'

/** What a write in a transaction of the application is made with. */
export interface ApplicationTransactionOptions extends CommitsOptions {
  readonly session: ModelSession
  /** `undefined` if the versions are in a cache. */
  readonly triggered: TriggeredTable | undefined
}

/** Attributes the change that the deferred trigger of PostgreSQL will make when the transaction commits. */
const ATTRIBUTE = `SELECT set_config('durabledict.by', ?, true) AS a, set_config('durabledict.reason', ?, true) AS b`

/** Reads and writes rows inside a transaction of the application. The table's triggers do the rest. */
export class ApplicationTransaction {
  readonly #options: ApplicationTransactionOptions

  constructor(options: ApplicationTransactionOptions) {
    this.#options = options
  }

  async find(key: string): Promise<Stored | undefined> {
    const { rows, session } = this.#options
    return (await rows.find(session, [key])).get(key)
  }

  /** Rejects with the library's own error, and leaves it to the application to roll back. */
  async execute(group: Group<Stored>): Promise<Outcome> {
    const { session, dialect, manager, name: dictionary } = this.#options
    await this.#checkTriggers()
    const { largest } = await askSession(manager.library, session, dialect, dictionary)
    const conditions = { touchedSince: () => false, largest, keepsHistory: false }
    const context = { ...this.#options, callers: this.#options.callers, dictionary }
    const write = () => executeAll(context, [group], conditions, undefined)
    try {
      const { outcomes } = await this.#attributed(group.attribution, write)
      return outcomes[0] as Outcome
    } catch (error) {
      // The application's own retries look for these codes.
      if (isConflict(error) || error instanceof DurableDictError) throw error
      throw isOfStore(error)
        ? notWritten(error, dictionary)
        : refused(error, dictionary, keysOf([group]), textsOf(group))
    }
  }

  async #attributed<V>(attribution: Attribution | undefined, write: () => Promise<V>): Promise<V> {
    const { by, reason } = attribution ?? {}
    if (by === undefined && reason === undefined) return write()
    if (this.#options.manager.dialect === 'postgresql') {
      await this.#run({ sql: ATTRIBUTE, parameters: [by ?? '', reason ?? ''] })
      return write()
    }
    const before = await this.#number()
    const result = await write()
    const unsafe = this.#options.dialect.unsafeInKeys
    const [author, why] = [by, reason].map(text => (text === undefined ? null : escapeText(text, unsafe)))
    const sql = `UPDATE ${COMMITS} SET author = ?, reason = ? WHERE dict = ? AND number > ?`
    await this.#run({ sql, parameters: [author ?? null, why ?? null, this.#dict, before] })
    return result
  }

  /** Of the head, which the triggers move at once. */
  async #number(): Promise<number> {
    const [row] = await this.#run({ sql: `SELECT number FROM ${VERSIONS} WHERE dict = ?`, parameters: [this.#dict] })
    return toCount(row?.number) ?? 0
  }

  get #dict(): string {
    return this.#options.triggered?.dictionary ?? ''
  }

  /** @throws UnsupportedError if memory would not follow. */
  async #checkTriggers(): Promise<void> {
    const { session, dialect, manager, triggered, name: dictionary } = this.#options
    const state = triggered && (await triggerState(session, manager, dialect, triggered))
    if (state === 'current') return
    const why = state
      ? `the triggers of its table, which are ${state === 'none' ? 'missing' : state}: run createTables(model, { triggers: true })`
      : 'triggers, which are not available with "cache"'
    throw new UnsupportedError(
      `in() of dictionary "${dictionary}" wrote nothing: processes follow a write in a transaction of the application only by ${why}.`,
      { dictionary },
    )
  }

  #run(statement: Statement) {
    return run(this.#options.session, this.#options.dialect, statement)
  }
}
