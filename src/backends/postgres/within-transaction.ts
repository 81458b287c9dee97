import { nameOf } from '../../clients/name-of.js'
import type { Group, Outcome } from '../../contract/backend.js'
import { UnsupportedError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import type { Cells, PostgresClient } from './clients/client.js'
import { PgDatabase } from './clients/pg.js'
import { PgLiteDatabase } from './clients/pglite.js'
import { PostgresJsDatabase } from './clients/postgres-js.js'
import { isPgClient } from './clients/shapes.js'
import type { Execution } from './execution.js'
import { isAnswer, isRefusal, refused } from './faults.js'
import { GRACE } from './limits.js'
import { attributionOf } from './request.js'
import { type Stored, toColumns, toStored } from './stored-form.js'

/** Entries inside a transaction of the application. What is written there becomes a change by the triggers, when it commits. */
export class WithinTransaction {
  readonly #client: PostgresClient
  readonly #execution: Execution

  /** @throws TypeError if it is not a transaction of a supported client. */
  constructor(transaction: unknown, execution: Execution) {
    this.#client = clientOf(transaction)
    this.#execution = execution
  }

  async find(key: string): Promise<Stored | undefined> {
    const { stored, form } = await this.#execution.target()
    const rows = await this.#run(this.#execution.statements.entry, [stored, escapeText(key, form.unsafe)])
    return rows[0] && toStored(rows[0][0], rows[0][1])
  }

  async execute(group: Group<Stored>): Promise<Outcome> {
    const { stored, form, hasTriggers } = await this.#execution.target()
    const { dictionary } = this.#execution.options
    if (!hasTriggers) throw withoutTriggers(dictionary)
    const { upsert, remove, attribute } = this.#execution.statements
    const { by, reason } = attributionOf(group, form)
    const results: unknown[] = []
    try {
      await this.#run(attribute, [by ?? '', reason ?? ''])
      for (const operation of group.operations) {
        if (operation.type !== 'set' && operation.type !== 'delete') continue
        const place = [stored, escapeText(operation.key, form.unsafe)]
        if (operation.type === 'delete') results.push((await this.#run(remove, place)).length > 0)
        else {
          const { json, encoded } = toColumns(operation.stored as string, form)
          results.push(void (await this.#run(upsert, [...place, json, encoded])))
        }
      }
      return { status: 'done', results }
    } catch (error) {
      if (!isAnswer(error) || !isRefusal(error)) throw error
      const keys = group.operations.flatMap(one => (one.type === 'clear' ? [] : [one.key]))
      return { status: 'refused', error: refused(error, dictionary, keys) }
    }
  }

  #run(text: string, values: readonly (string | null)[]): Promise<readonly Cells[]> {
    return this.#client.run({ text, values }, undefined, this.#execution.options.timeout + GRACE)
  }
}

function clientOf(transaction: unknown): PostgresClient {
  const has = (name: string) => typeof (Object(transaction) as Record<string, unknown>)[name] === 'function'
  if (typeof transaction === 'function' && has('unsafe')) return new PostgresJsDatabase(transaction as never)
  if (has('query') && has('exec')) return new PgLiteDatabase(transaction as never)
  if (isPgClient(transaction)) return new PgDatabase(transaction)
  throw new TypeError(
    'in() of a PostgresDict takes the client of pg that has begun a transaction, or what the transaction callback of postgres.js or ' +
      `PGlite gets; got ${nameOf(transaction)}.`,
  )
}

function withoutTriggers(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `in() of dictionary "${dictionary}" needs the triggers of durabledict_entries, which are missing or disabled: run the statements of ` +
      'migration() from durabledict/postgres, and open the dictionary again.',
    { dictionary },
  )
}
