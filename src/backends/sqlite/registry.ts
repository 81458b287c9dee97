import { MAX_BOUND, readBound } from '../../contract/answers.js'
import type { Version } from '../../contract/backend.js'
import type { Presence, Registration, Registry } from '../../contract/presence.js'
import { Sightings } from '../../contract/sightings.js'
import { StoreUnavailableError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import { parseVersion } from '../sql/version.js'
import { isTableMissing } from './faults.js'
import { type Head, readHead } from './head.js'
import type { Log } from './log.js'
import { formatSaid, parseRow, type RegistryRow } from './registry-rows.js'
import { REGISTRY_FORMAT, REGISTRY_SQL } from './registry-sql.js'

/** The recorded bound is not a number of milliseconds. It stays as it is, so that no write resolves too early. */
const DAMAGED = undefined

/** The bounds that a head records, in ms. */
interface Bounds {
  readonly bound: number
  /** The largest one of the registry, or more. */
  readonly covered: number
  readonly unregistered: number
}

/**
 * The registry of a dictionary. Each method runs inside a transaction, which writes unless it says otherwise. Rows expire by what this
 * process has seen on its own clock: the clock of the machine may jump.
 */
export class SqliteRegistry {
  readonly #sightings = new Sightings()

  register(log: Log, presence: Presence, ttl: number): Registration {
    const { connection, dictionary } = log
    const { id, bound, version } = presence
    const place = [escapeText(dictionary), id]
    const before = connection.get(REGISTRY_SQL.renewal, ...place)?.renewal
    const held = version === undefined ? null : String(version)
    const said = formatSaid(presence)
    const columns = [firstRenewal(), Date.now(), ttl, bound ?? null, held, said]
    connection.run(REGISTRY_SQL.register, ...place, REGISTRY_FORMAT, ...columns)
    const after = connection.get(REGISTRY_SQL.renewal, ...place)?.renewal
    if (after === undefined || after === before) throw notRegistered(dictionary)
    const recorded = this.#settle(log)
    if (recorded !== undefined && recorded < (bound ?? 0)) throw notRegistered(dictionary)
    const head = readHead(connection, dictionary)
    return { renewed: before !== undefined, bound: recorded, version: head.version }
  }

  leave(log: Log, id: string): void {
    log.connection.run(REGISTRY_SQL.leave, escapeText(log.dictionary), id)
    this.#settle(log)
  }

  acknowledge({ connection, dictionary }: Log, id: string, version: Version): void {
    connection.run(REGISTRY_SQL.acknowledge, String(version), escapeText(dictionary), id)
  }

  /** Records the bound of a replica that is not in the registry. */
  raiseUnregistered(log: Log, ms: number): void {
    const before = readBounds(log)
    if (before === DAMAGED) return
    const { bound, covered, unregistered } = explained(before)
    record(log, { bound: Math.max(bound, ms), covered, unregistered: Math.max(unregistered, ms) })
    const after = readBounds(log)
    if (after !== DAMAGED && after.bound < ms) throw notRecorded(log.dictionary)
  }

  /** Whether a bound outside the registry is recorded already. Only reads. */
  isUnregistered(log: Log, ms: number): boolean {
    const bounds = readBounds(log)
    return bounds === DAMAGED || bounds.unregistered >= ms
  }

  /** Only reads. In a file without a registry, nobody is in it. */
  read(log: Log): Registry {
    try {
      const rows = this.#present(log)
      const bounds = readBounds(log)
      const replicas = rows.flatMap(({ record }) => record ?? [])
      if (bounds === DAMAGED) return { replicas, unregistered: 0, damage: 'the bound in durabledict_heads' }
      const damage = replicas.length < rows.length ? { damage: 'a row of durabledict_replicas' } : {}
      return { replicas, unregistered: explained(bounds).unregistered, ...damage }
    } catch (error) {
      if (!isRegistryMissing(error)) throw error
      return { replicas: [], unregistered: readHeadBound(log) }
    }
  }

  /** Returns those of the replicas that hold the version or a later one, or have no row. Only reads. */
  holding(log: Log, version: Version, ids: readonly string[]): string[] {
    const head = readHead(log.connection, log.dictionary)
    if (head.version === undefined || head.epoch !== parseVersion(version)?.epoch) return []
    const rows = this.#present(log)
    // A row that cannot be read may be that of any replica.
    const isComplete = rows.every(({ record }) => record !== undefined)
    const held = new Map(rows.flatMap(({ record }) => (record ? [[record.id, record.version]] : [])))
    return ids.filter(id => {
      if (!held.has(id)) return isComplete
      const own = held.get(id)
      return own !== undefined && includes(log, head, own, version)
    })
  }

  #present({ connection, dictionary }: Log): RegistryRow[] {
    const rows = connection.all(REGISTRY_SQL.rows, escapeText(dictionary)).map(row => parseRow(row, connection.columns))
    const expired = this.#sightings.expired(rows.map(({ sighting }) => sighting))
    return rows.filter(({ sighting }) => !expired.has(sighting.id))
  }

  /** Drops what has expired, and lowers the recorded bounds to what the rest needs. Returns the largest bound. */
  #settle(log: Log): number | undefined {
    const present = this.#present(log)
    const kept = new Set(present.map(({ place }) => place))
    for (const { place } of log.connection.all(REGISTRY_SQL.rows, escapeText(log.dictionary))) {
      if (!kept.has(Number(place))) log.connection.run(REGISTRY_SQL.drop, place)
    }
    const before = readBounds(log)
    if (before === DAMAGED) return undefined
    const { unregistered } = explained(before)
    const isComplete = present.every(({ record }) => record !== undefined)
    const largest = Math.max(0, ...present.map(({ record }) => record?.bound ?? 0))
    const covered = isComplete ? largest : Math.max(largest, before.covered)
    const after = { bound: Math.max(covered, unregistered), covered, unregistered }
    if (!isSame(before, after)) record(log, after)
    const recorded = readBounds(log)
    return recorded === DAMAGED ? undefined : recorded.bound
  }
}

function isSame(one: Bounds, other: Bounds): boolean {
  return one.bound === other.bound && one.covered === other.covered && one.unregistered === other.unregistered
}

/** Whether the file has no registry, because a release without one created it. */
export function isRegistryMissing(error: unknown): boolean {
  return (
    isTableMissing(error) || (error instanceof Error && /no such column: (covered|unregistered)/.test(error.message))
  )
}

/** Random, so that a row that was dropped and written again does not look like one that was never renewed. */
function firstRenewal(): number {
  return Math.floor(Math.random() * 2 ** 48)
}

/** A bound that the registry does not explain is that of a release without one. It counts for good. */
function explained({ bound, covered, unregistered }: Bounds): Bounds {
  const isExplained = bound <= Math.max(covered, unregistered)
  return { bound, covered, unregistered: isExplained ? unregistered : bound }
}

function readBounds({ connection, dictionary }: Log): Bounds | typeof DAMAGED {
  const { bound, covered, unregistered } = connection.get(REGISTRY_SQL.bounds, escapeText(dictionary)) ?? { bound: 0 }
  const valid = readBound(bound)
  if (valid === undefined) return DAMAGED
  return { bound: valid, covered: readBound(covered) ?? 0, unregistered: readBound(unregistered) ?? 0 }
}

function record({ connection, dictionary }: Log, { bound, covered, unregistered }: Bounds): void {
  connection.run(REGISTRY_SQL.setBounds, bound, covered, unregistered, escapeText(dictionary))
}

function readHeadBound({ connection, dictionary }: Log): number {
  const head = readHead(connection, dictionary)
  return head.version === undefined ? 0 : Math.min(head.bound, MAX_BOUND)
}

/**
 * Whether a version is on the present branch of the history, and not before another one. After a restored backup, numbers recur with
 * other nonces.
 */
function includes({ connection, dictionary }: Log, head: Head, held: Version, version: Version): boolean {
  if (held === version || held === head.version) return true
  const [one, other] = [parseVersion(held), parseVersion(version)]
  if (!one || !other || one.epoch !== head.epoch || one.number < other.number) return false
  return connection.get(REGISTRY_SQL.nonceAt, escapeText(dictionary), one.number)?.nonce === one.nonce
}

function notRegistered(dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" was not registered: a trigger altered or skipped a row of durabledict_replicas or durabledict_heads. ` +
      'Remove the trigger.',
    { dictionary },
  )
}

function notRecorded(dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `The staleness bound of dictionary "${dictionary}" was not recorded: a trigger altered or skipped a row of durabledict_heads. ` +
      'Remove the trigger.',
    { dictionary },
  )
}
