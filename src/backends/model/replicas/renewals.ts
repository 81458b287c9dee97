import type { Version } from '../../../contract/backend.js'
import { setImmediate } from '../../../time/clock.js'
import { type Dialect, run, type Statement } from '../../sql/dialect.js'
import type { SqlRow, SqlSession } from '../../sql/sql-session.js'
import { newNonce } from '../../sql/version.js'
import { REPLICAS } from '../versions/table-names.js'
import { fromTables } from '../versions/tables.js'
import type { Expiry } from './expiry.js'
import { REPLICAS_SQL } from './tables.js'

/** The most rows that are renewed by one statement. */
const ROWS = 500

/** A row to be renewed. */
export interface Renewal {
  readonly dict: string
  readonly id: string
  readonly version: Version | undefined
  readonly expiry: Expiry
}

/** What a renewal has found. */
export interface Renewed {
  /** The head of the dictionary. Missing if the row is gone. */
  readonly head: SqlRow | undefined
  /** For `Expiry.look`. Missing if it was not this process's turn. */
  readonly stale: readonly SqlRow[] | undefined
}

interface Waiting extends Renewal {
  resolve(renewed: Renewed): void
  reject(error: unknown): void
}

/** By the database client. */
const queues = new WeakMap<object, Renewals>()

/**
 * Renews the rows of all dictionaries that share a database client together: their calls come in the same turn of the event
 * loop. One statement on PostgreSQL, two elsewhere.
 */
export class Renewals {
  readonly #dialect: Dialect
  #waiting: Waiting[] = []

  private constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  static of(database: object, dialect: Dialect): Renewals {
    const queue = queues.get(database) ?? new Renewals(dialect)
    queues.set(database, queue)
    return queue
  }

  renew(session: SqlSession, renewal: Renewal): Promise<Renewed> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...renewal, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => void this.#send(session))
    })
  }

  async #send(session: SqlSession): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    for (let start = 0; start < waiting.length; start += ROWS) {
      const some = waiting.slice(start, start + ROWS)
      try {
        await this.#renewAll(session, some)
      } catch (error) {
        for (const one of some) one.reject(error)
      }
    }
  }

  async #renewAll(session: SqlSession, some: readonly Waiting[]): Promise<void> {
    const due = new Set(some.filter(({ expiry }) => expiry.isDue()).map(({ dict }) => dict))
    let rows: readonly SqlRow[] = []
    for (const statement of this.#statements(some, [...due])) rows = await run(session, this.#dialect, statement)
    const heads = new Map<string, SqlRow>()
    const stale = new Map<unknown, SqlRow[]>([...due].map(dict => [dict, []]))
    for (const row of fromTables(this.#dialect, rows)) {
      if (row.number === null) stale.get(row.dict)?.push(row)
      else heads.set(`${row.dict} ${row.id}`, row)
    }
    for (const one of some) one.resolve({ head: heads.get(`${one.dict} ${one.id}`), stale: stale.get(one.dict) })
  }

  #statements(some: readonly Renewal[], due: readonly string[]): Statement[] {
    const dialect = this.#dialect
    const dicts = [...new Set(some.map(({ dict }) => dict))]
    const token = newNonce()
    const ids = some.map(({ id }) => id)
    const versions = some.flatMap(({ id, version }) => [id, typeof version === 'string' ? version : null])
    const renew = REPLICAS_SQL.renew(dialect, dicts.length, ids.length)
    const found = REPLICAS_SQL.renewed(dialect, dicts.length, dialect.joined ? 'w0' : REPLICAS)
    const stale = due.length === 0 ? '' : ` ${REPLICAS_SQL.stale(dialect, due.length)}`
    const statements = [
      {
        sql: dialect.joined ? `${renew} RETURNING dict, id, renewal` : renew,
        parameters: [token, ...versions, ...dicts, ...ids],
      },
      { sql: `${found}${stale}`, parameters: [...dicts, token, ...due] },
    ]
    return dialect.joined ? [dialect.joined(statements)] : statements
  }
}
