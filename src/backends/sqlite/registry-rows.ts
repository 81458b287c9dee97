import { readBound } from '../../contract/answers.js'
import type { Presence, Registered } from '../../contract/presence.js'
import type { Sighting } from '../../contract/sightings.js'
import type { Row } from './connection.js'
import type { ColumnReader, Raw } from './text.js'

/** How long a row counts whose TTL cannot be read, in ms. */
const DAMAGED_TTL = 30_000

const ID = /^[\w-]{1,64}$/

/** A row of the registry. */
export interface RegistryRow {
  readonly sighting: Sighting
  readonly place: number
  /** `undefined` if this library did not write the row. */
  readonly record: Registered | undefined
}

/** The only parser of rows of the registry. Fields that it does not know are ignored. */
export function parseRow(row: Row, columns: ColumnReader): RegistryRow {
  const { place, renewal, ttl } = row
  const record = parseRecord(row, columns)
  const sighting = { id: String(place), renewal, ttl: record && isPositive(ttl) ? ttl : DAMAGED_TTL }
  return { sighting, place: Number(place), record }
}

function parseRecord(row: Row, columns: ColumnReader): Registered | undefined {
  const id = columns.text(row.id as Raw, row.id_type)
  const said = parseSaid(columns.text(row.said as Raw, row.said_type))
  const { renewal, ttl, seen_at: seenAt, bound, bound_type: boundType } = row
  if (id === undefined || !ID.test(id) || !said || typeof renewal !== 'number') return undefined
  if (!isPositive(ttl) || typeof seenAt !== 'number') return undefined
  const relies = boundType !== 'null'
  if (relies && readBound(bound) === undefined) return undefined
  const version = columns.text(row.held as Raw, row.held_type)
  return {
    id,
    ...said,
    ...(relies && { bound: bound as number }),
    ...(version !== undefined && { version }),
    seenAgo: Date.now() - seenAt,
  }
}

type Said = Pick<Presence, 'host' | 'pid' | 'service' | 'library' | 'live'>

/** The column `said`. */
export function formatSaid({ host, pid, service, library, live }: Presence): string {
  return JSON.stringify({ host, pid, service, library, live })
}

function parseSaid(text: string | undefined): Said | undefined {
  if (text === undefined) return undefined
  try {
    const { host, pid, service, library, live } = Object(JSON.parse(text)) as Record<keyof Said, unknown>
    if (typeof host !== 'string' || typeof library !== 'string' || typeof live !== 'boolean') return undefined
    if (!Number.isSafeInteger(pid) || (service !== undefined && typeof service !== 'string')) return undefined
    return { host, pid: pid as number, library, live, ...(service !== undefined && { service }) }
  } catch {
    return undefined
  }
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && value > 0
}
