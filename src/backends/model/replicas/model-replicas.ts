import type { Version } from '../../../contract/backend.js'
import { pollAcknowledgements } from '../../../contract/poll-acknowledgements.js'
import type { Presence, Registration, Registry } from '../../../contract/presence.js'
import { type Dialect, run, type Statement } from '../../sql/dialect.js'
import { Expiry } from '../../sql/replicas/expiry.js'
import { holding } from '../../sql/replicas/holding.js'
import {
  ABOUT,
  type Bounds,
  boundsText,
  NO_BOUNDS,
  REPLICAS_FORMAT,
  readBounds,
  readRows,
  recordText,
} from '../../sql/replicas/record.js'
import { Renewals, type Renewed } from '../../sql/replicas/renewals.js'
import type { SqlParameter, SqlRow, SqlSession } from '../../sql/sql-session.js'
import { toCount } from '../../sql/stored-tokens.js'
import { newNonce, toVersion } from '../../sql/version.js'
import type { ModelManager, ModelSession } from '../managers/manager.js'
import type { Head } from '../versions/head.js'
import { REPLICAS } from '../versions/table-names.js'
import { fromTables } from '../versions/tables.js'
import { renewing } from './renewing.js'
import { REPLICAS_SQL } from './tables.js'

/** Runs work in a transaction that holds the lock of the head, which every commit takes. */
type Locking = <V>(work: (session: ModelSession, head: Head) => Promise<V>) => Promise<V>

export interface ModelReplicasOptions {
  readonly manager: ModelManager
  readonly dialect: Dialect
  /** Identifies the dictionary in the tables. */
  readonly key: string
  readonly locking: Locking
}

/**
 * The registry of the replicas of one dictionary. A row is created under the lock of the head: so a commit either finds it, or the
 * replica's first check after it finds the commit. A renewal needs no lock, since the row is there before and after.
 */
export class ModelReplicas {
  readonly #options: ModelReplicasOptions
  readonly #renewals: Renewals
  readonly #expiry = new Expiry()
  /** What the rows of this process say. */
  readonly #known = new Map<string, string>()

  constructor(options: ModelReplicasOptions) {
    this.#options = options
    this.#renewals = Renewals.of(options.manager.database ?? options.manager)
  }

  async register(presence: Presence, ttl: number): Promise<Registration> {
    const said = `${ttl} ${recordText(presence)}`
    const renewed = this.#known.get(presence.id) === said ? await this.#renew(presence) : undefined
    if (renewed) return renewed
    const registration = await this.#options.locking((session, head) => this.#create(session, head, presence, ttl))
    this.#known.set(presence.id, said)
    return registration
  }

  async leave(id: string): Promise<void> {
    this.#known.delete(id)
    await this.#run(this.#options.manager, REPLICAS_SQL.remove, this.#options.key, id)
  }

  /** Records the bound of a replica that never has a row. */
  registerMaxStaleness(ms: number): Promise<void> {
    return this.#options.locking(async (session, head) => {
      const bounds = await this.#bounds(session)
      const unregistered = Math.max(bounds.unregistered, ms)
      await this.#setBounds(session, head, Math.max(head.bound, ms), bounds, { ...bounds, unregistered })
    })
  }

  /** @param session - a transaction that holds the lock of the head, or any connection. */
  async read(session: SqlSession = this.#options.manager): Promise<Registry> {
    const { dialect, key } = this.#options
    return readRows(await this.#run(session, REPLICAS_SQL.all(dialect), key), REPLICAS)
  }

  async acknowledge(id: string, version: Version): Promise<void> {
    await this.#run(this.#options.manager, REPLICAS_SQL.acknowledge, String(version), this.#options.key, id)
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return pollAcknowledgements(ids, some => this.#acknowledged(version, some), acknowledged, signal)
  }

  /** Which of these replicas hold the version or a later one, or have left. */
  async #acknowledged(version: Version, ids: readonly string[]): Promise<string[]> {
    const { manager, dialect, key } = this.#options
    const rows = await this.#run(manager, REPLICAS_SQL.some(dialect, ids.length), key, ...ids)
    return holding(version, ids, rows, numbers =>
      this.#run(manager, REPLICAS_SQL.nonces(dialect, numbers.length), key, ...numbers, key),
    )
  }

  /** Returns nothing if the row is gone. */
  async #renew({ id, version }: Presence): Promise<Registration | undefined> {
    const { manager, dialect, key: dict } = this.#options
    const { head, stale } = await this.#renewals.renew(renewing(manager, dialect), {
      dict,
      id,
      version,
      expiry: this.#expiry,
    })
    if (stale) await this.#drop(stale).catch(() => {})
    if (!head) return undefined
    const current = toVersion(toCount(head.number) ?? 0, String(head.epoch), String(head.nonce))
    return { renewed: true, version: current, bound: Number(head.bound) }
  }

  async #create(session: ModelSession, head: Head, presence: Presence, ttl: number): Promise<Registration> {
    const { dialect, key } = this.#options
    const { id, version = null, bound = 0 } = presence
    const rows = await this.#run(session, REPLICAS_SQL.some(dialect, 2), key, id, ABOUT)
    const bounds = readBounds(rows.find(row => row.id === ABOUT)?.record) ?? NO_BOUNDS
    const held = version === null ? null : String(version)
    await this.#put(session, id, recordText(presence), held, bound, ttl)
    const recorded = Math.max(head.bound, bound)
    // A larger bound that nothing covers was recorded by an earlier release, or by a replica without a row.
    const isCovered = bound > 0 && (head.bound < bound || head.bound <= bounds.covered)
    const covered = isCovered ? Math.max(bounds.covered, bound) : bounds.covered
    await this.#setBounds(session, head, recorded, bounds, { ...bounds, covered })
    return { renewed: rows.some(row => row.id === id), version: head.version, bound: recorded }
  }

  async #drop(stale: NonNullable<Renewed['stale']>): Promise<void> {
    const { manager, key, locking } = this.#options
    const { expired, isTooMuchCovered } = this.#expiry.look(stale)
    for (const { id, renewal } of expired) await this.#run(manager, REPLICAS_SQL.drop, key, id, renewal)
    if (isTooMuchCovered) await locking((session, head) => this.#shrink(session, head))
  }

  /** Records what the rows need, and no more. */
  async #shrink(session: ModelSession, head: Head): Promise<void> {
    const { key } = this.#options
    const bounds = await this.#bounds(session)
    const [row] = await this.#run(session, REPLICAS_SQL.largest, key)
    const covered = Math.min(bounds.covered, Number(row?.bound ?? 0))
    const recorded = head.bound <= bounds.covered ? Math.max(covered, bounds.unregistered) : head.bound
    await this.#setBounds(session, head, recorded, bounds, { ...bounds, covered })
  }

  async #bounds(session: SqlSession): Promise<Bounds> {
    const { dialect, key } = this.#options
    const [row] = await this.#run(session, REPLICAS_SQL.some(dialect, 1), key, ABOUT)
    return readBounds(row?.record) ?? NO_BOUNDS
  }

  async #setBounds(session: SqlSession, head: Head, recorded: number, before: Bounds, after: Bounds): Promise<void> {
    const { key } = this.#options
    if (recorded !== head.bound) await this.#run(session, REPLICAS_SQL.setBound, recorded, key)
    const isSame = before.covered === after.covered && before.unregistered === after.unregistered
    if (!isSame) await this.#put(session, ABOUT, boundsText(after), null, 0, 0)
  }

  async #put(session: SqlSession, id: string, record: string, version: string | null, bound: number, ttl: number) {
    const { dialect, key } = this.#options
    const values = [key, id, REPLICAS_FORMAT, record, version, bound, Math.ceil(ttl)]
    await this.#run(session, REPLICAS_SQL.put(dialect), ...values, newNonce())
  }

  async #run(session: SqlSession, sql: string, ...parameters: SqlParameter[]): Promise<readonly SqlRow[]> {
    const { dialect } = this.#options
    const statement: Statement = { sql, parameters }
    return fromTables(dialect, await run(session, dialect, statement))
  }
}
