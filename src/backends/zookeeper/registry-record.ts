import { isUtf8 } from 'node:buffer'
import { MAX_BOUND } from '../../contract/answers.js'
import type { Presence } from '../../contract/presence.js'
import { parseJson } from './log-record.js'
import { isCount, membersOf } from './members.js'

/** The format of the znodes of the registry. */
const FORMAT = 1

/** The longest record to parse, in bytes. */
const RECORD_LIMIT = 8_192

/** The longest TTL, in ms. */
const TTL_LIMIT = 86_400_000

const ID = /^[A-Za-z0-9_-]{1,64}$/

/** A replica, and for how long its record counts after a renewal, in ms. */
export interface RegistryRecord {
  readonly presence: Presence
  readonly ttl: number
}

/** The contents of the znode above the records. */
export interface RegistryState {
  /** The largest bound of a record, or more: releases without a registry wait for it. */
  readonly covered: number
  /** The largest bound of replicas that have no record. */
  readonly unregistered: number
  /** Whether a process is about to lower `covered`: a process that registers a bound cancels that. */
  readonly shrinking?: boolean | undefined
}

export function formatRegistryRecord({ presence, ttl }: RegistryRecord): Buffer {
  const { id: _, ...said } = presence
  return Buffer.from(JSON.stringify({ format: FORMAT, ...said, ttl }))
}

/** Returns `undefined` if it is malformed, or of a later format. Members that are not known are ignored. */
export function parseRegistryRecord(id: string, data: Buffer): RegistryRecord | undefined {
  const { format, host, pid, service, library, bound, live, version, ttl } = parsed(data)
  if (!ID.test(id) || format !== FORMAT || typeof host !== 'string' || typeof library !== 'string') return undefined
  if (!Number.isSafeInteger(pid) || typeof live !== 'boolean' || !isWithin(ttl, TTL_LIMIT)) return undefined
  if (!isText(service) || !isText(version) || (bound !== undefined && !isWithin(bound, MAX_BOUND))) return undefined
  const optional = {
    ...(service !== undefined && { service }),
    ...(bound !== undefined && { bound: bound as number }),
    ...(version !== undefined && { version }),
  }
  return { presence: { id, host, pid: pid as number, library, live, ...optional }, ttl }
}

export function formatRegistryState(state: RegistryState): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...state }))
}

/** Whether a later version of the library wrote the data. */
export function isLaterFormat(data: Buffer): boolean {
  const { format } = parsed(data)
  return isCount(format) && format > FORMAT
}

/** Returns `undefined` if it is malformed, or of a later format. */
export function parseRegistryState(data: Buffer): RegistryState | undefined {
  const { format, covered, unregistered, shrinking } = parsed(data)
  if (format !== FORMAT || !isWithin(covered, MAX_BOUND) || !isWithin(unregistered, MAX_BOUND)) return undefined
  return { covered, unregistered, ...(shrinking === true && { shrinking }) }
}

/**
 * The largest bound of replicas that have no record, in ms. A larger recorded bound than both was recorded by a release without a
 * registry.
 *
 * @param bound - that the head records.
 */
export function unregisteredOf(bound: number, state: RegistryState | undefined): number {
  const { covered = 0, unregistered = 0 } = state ?? {}
  return bound > Math.max(covered, unregistered) ? bound : unregistered
}

function parsed(data: Buffer): Readonly<Record<string, unknown>> {
  return membersOf(data.length <= RECORD_LIMIT && isUtf8(data) ? parseJson(data.toString()) : undefined)
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function isWithin(value: unknown, limit: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= limit
}
