import { Sightings } from '../../../contract/sightings.js'
import type { SqlRow } from '../sql-session.js'
import { toCount } from '../stored-tokens.js'
import { ABOUT, readBounds } from './record.js'

/** About how many replicas of a dictionary look for expired rows in the time of one renewal. */
const LOOKERS = 20

/** A row that has expired. */
export interface Expired {
  readonly id: string
  readonly renewal: string
}

/**
 * Finds the rows of a dictionary that have expired. A process trusts only its own monotonic clock: the database's may jump. In a
 * large fleet only some of the processes look, so that what all of them read together grows with the fleet, and not with its
 * square.
 */
export class Expiry {
  readonly #sightings = new Sightings()
  #size = 0

  /** Whether it is this process's turn to look. */
  isDue(): boolean {
    return Math.random() * this.#size < LOOKERS
  }

  /** @param rows - the answer to the statement `stale`, as far as it is about the dictionary. */
  look(rows: readonly SqlRow[]): { readonly expired: readonly Expired[]; readonly isTooMuchCovered: boolean } {
    const [row] = rows
    this.#size = toCount(row?.size) ?? 0
    const records = rows
      .filter(({ id }) => id !== ABOUT)
      .map(({ id, renewal, ttl }) => ({ id: String(id), renewal: String(renewal), ttl: toCount(ttl) ?? 0 }))
    const ids = this.#sightings.expired(records)
    const about = readBounds(rows.find(({ id }) => id === ABOUT)?.record)
    return {
      expired: records.filter(({ id }) => ids.has(id)),
      isTooMuchCovered: about !== undefined && Number(row?.most ?? 0) < about.covered,
    }
  }
}
