import type { Version } from '../../../contract/backend.js'
import { setImmediate } from '../../../time/clock.js'
import type { SqlRow } from '../sql-session.js'
import type { Expiry } from './expiry.js'

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

/**
 * Renews rows. Returns the heads of their dictionaries, with `dict` and `id`, and for the dictionaries that are due the rows that may
 * have expired and those about the dictionaries, whose `number` is null.
 */
export type RenewRows = (some: readonly Renewal[], due: readonly string[]) => Promise<readonly SqlRow[]>

interface Waiting extends Renewal {
  resolve(renewed: Renewed): void
  reject(error: unknown): void
}

/** By the database client, and by the place of the tables. */
const queues = new WeakMap<object, Map<string, Renewals>>()

/**
 * Renews the rows of all dictionaries that share a database client together: their calls come in the same turn of the event
 * loop. One statement on PostgreSQL, two elsewhere.
 */
export class Renewals {
  #waiting: Waiting[] = []

  private constructor() {}

  /** @param place - tells sets of tables in one database apart. */
  static of(database: object, place = ''): Renewals {
    const places = queues.get(database) ?? new Map<string, Renewals>()
    queues.set(database, places)
    const queue = places.get(place) ?? new Renewals()
    places.set(place, queue)
    return queue
  }

  renew(renewRows: RenewRows, renewal: Renewal): Promise<Renewed> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...renewal, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => void this.#send(renewRows))
    })
  }

  async #send(renewRows: RenewRows): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    for (let start = 0; start < waiting.length; start += ROWS) {
      const some = waiting.slice(start, start + ROWS)
      try {
        await renewAll(renewRows, some)
      } catch (error) {
        for (const one of some) one.reject(error)
      }
    }
  }
}

async function renewAll(renewRows: RenewRows, some: readonly Waiting[]): Promise<void> {
  const due = new Set(some.filter(({ expiry }) => expiry.isDue()).map(({ dict }) => dict))
  const heads = new Map<string, SqlRow>()
  const stale = new Map<unknown, SqlRow[]>([...due].map(dict => [dict, []]))
  for (const row of await renewRows(some, [...due])) {
    if (row.number === null) stale.get(row.dict)?.push(row)
    else heads.set(`${row.dict} ${row.id}`, row)
  }
  for (const one of some) one.resolve({ head: heads.get(`${one.dict} ${one.id}`), stale: stale.get(one.dict) })
}
