import type { Presence, Registered, Registry } from '../../../contract/presence.js'
import type { SqlRow } from '../sql-session.js'
import { toCount } from '../stored-tokens.js'

/** The layout of a record that this release writes. */
export const REPLICAS_FORMAT = 1

/** The longest record, in characters. */
export const LONGEST_RECORD = 4_096

/** The id of the row about the dictionary. */
export const ABOUT = ''

/** The bounds of a dictionary's replicas. The recorded bound itself is in the head, where every release finds it. */
export interface Bounds {
  /** The largest bound of replicas with a row, which is a part of the recorded one. */
  readonly covered: number
  /** The largest bound of replicas that never have a row. */
  readonly unregistered: number
}

export const NO_BOUNDS: Bounds = { covered: 0, unregistered: 0 }

/** What a replica says of itself, without what changes with every renewal. */
export function recordText({ host, pid, service, library, bound, live }: Presence): string {
  return JSON.stringify({ host, pid, service, library, bound, live })
}

/** Reads a row; `undefined` if the library has not written it, or a later release has. Ignores members that it does not know. */
function readReplica(row: SqlRow): Registered | undefined {
  const { id, version } = row
  const format = toCount(row.format)
  const { host, pid, service, library, bound, live } = parsed(row.record)
  if (typeof id !== 'string' || format === undefined || format < 1 || format > REPLICAS_FORMAT) return undefined
  if (typeof host !== 'string' || typeof library !== 'string' || typeof live !== 'boolean') return undefined
  if (!Number.isSafeInteger(pid) || !isOptionalText(service) || !(bound === undefined || isBound(bound)))
    return undefined
  return {
    ...{ id, host, pid: pid as number, library, live },
    ...(service !== undefined && { service: service as string }),
    ...(bound !== undefined && { bound: bound as number }),
    ...(typeof version === 'string' && { version }),
    seenAgo: Math.max(0, Number(row.at) - Number(row.renewed)) || 0,
  }
}

export function boundsText(bounds: Bounds): string {
  return JSON.stringify(bounds)
}

/** Reads the record about a dictionary; `undefined` for anything that the library has not written. */
export function readBounds(text: unknown): Bounds | undefined {
  const { covered, unregistered } = parsed(text)
  return isBound(covered) && isBound(unregistered) ? { covered, unregistered } : undefined
}

/**
 * Reads the registry of a dictionary.
 *
 * @param rows - with the recorded bound in each; one row without an id if there is none.
 * @param table - the name of their table, for reports of damage.
 */
export function readRows(rows: readonly SqlRow[], table: string): Registry {
  const about = rows.find(({ id }) => id === ABOUT)
  const bounds = about ? readBounds(about.record) : NO_BOUNDS
  const found = rows.filter(({ id }) => id !== ABOUT && id !== null).map(readReplica)
  const replicas = found.filter((one): one is Registered => one !== undefined)
  const isDamaged = !bounds || replicas.length < found.length
  const unregistered = unregisteredOf(Number(rows[0]?.recorded ?? 0), bounds ?? NO_BOUNDS)
  return { replicas, unregistered, ...(isDamaged && { damage: `a record in the table ${table}` }) }
}

/** For how long replicas may rely on memory that have no row. A bound that no row covers was recorded by an earlier release. */
function unregisteredOf(recorded: number, { covered, unregistered }: Bounds): number {
  return Math.max(unregistered, recorded > covered ? recorded : 0)
}

function parsed(text: unknown): Readonly<Record<string, unknown>> {
  if (typeof text !== 'string') return {}
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function isBound(bound: unknown): bound is number {
  return typeof bound === 'number' && bound >= 0 && bound < 2 ** 31
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
