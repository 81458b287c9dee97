import { builtin } from '../../../process/builtin.js'
import { now } from '../../../time/clock.js'
import { sqlCodes } from '../../sql/sql-codes.js'

/** A statement that is repeated within this time is prepared, in ms. */
const SOON = 1_000

/** The most statements that are prepared on a connection: each takes memory of the server. */
const MOST = 32

/** The connection does not know the statement, or knows another: a pooler such as PgBouncer is in between. */
const FOREIGN: ReadonlySet<string> = new Set(['26000', '42P05'])

/** The columns of a table were altered after the statement was prepared. */
const OUTDATED = '0A000'

/** By the database client. */
const namesOf = new WeakMap<object, PreparedNames>()

/**
 * The names under which PostgreSQL keeps statements parsed and planned: that takes longer than their execution. Only
 * statements that are repeated soon have one. A text has the same name in every process.
 */
export class PreparedNames {
  readonly #names = new Map<string, string>()
  readonly #latest = new Map<string, number>()
  #generation = 0
  #isOff = false
  #probing: Promise<void> | undefined

  /** The names of a database client. */
  static of(database: object): PreparedNames {
    const names = namesOf.get(database) ?? new PreparedNames()
    namesOf.set(database, names)
    return names
  }

  /** Prepares nothing unless the driver takes names: asked once for each client, outside transactions. */
  async unlessRefused(takesNames: () => Promise<boolean>): Promise<PreparedNames> {
    this.#probing ??= takesNames().then(does => {
      this.#isOff ||= !does
    })
    await this.#probing
    return this
  }

  /** Sends a statement, with its name if it has one. */
  async send<V>(sql: string, send: (name: string | undefined) => Promise<V>): Promise<V> {
    try {
      return await send(this.#nameOf(sql))
    } catch (error) {
      this.#noteFailure(error)
      throw error
    }
  }

  #nameOf(sql: string): string | undefined {
    if (this.#isOff) return undefined
    return this.#names.get(sql) ?? this.#newName(sql)
  }

  /** The statement may be sent again, in another transaction. */
  #noteFailure(error: unknown): void {
    const codes = sqlCodes(error)
    if (codes.some(code => FOREIGN.has(code))) this.#isOff = true
    if (!codes.includes(OUTDATED)) return
    this.#generation += 1
    this.#names.clear()
  }

  #newName(sql: string): string | undefined {
    const time = now()
    const isHot = time - (this.#latest.get(sql) ?? Number.NEGATIVE_INFINITY) < SOON
    if (this.#latest.size >= MOST) this.#latest.clear()
    this.#latest.set(sql, time)
    if (!isHot || this.#names.size >= MOST) return undefined
    const digest = builtin.crypto.createHash('sha256').update(sql).digest('hex').slice(0, 32)
    const name = `durabledict_${this.#generation}_${digest}`
    this.#names.set(sql, name)
    return name
  }
}
