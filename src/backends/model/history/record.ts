import type { HistoryPolicy } from '../../../contract/history.js'
import { isToken, toCount } from '../../sql/stored-tokens.js'
import { newEpoch } from '../../sql/version.js'
import { HISTORY_FORMAT } from './tables.js'

/** What the head says of its history. */
export interface HistoryRecord {
  /** Names the history: one that begins again gets another. */
  readonly epoch: string
  /** Of the newest commit. */
  readonly position: number
  /** Commits up to here were dropped, or were never recorded. */
  readonly floor: number
  /** How many positions up to the newest have no commit any more. */
  readonly gone: number
  /** Of the newest change that the history contains: another one in the head was made by a writer without history. */
  readonly nonce: string
  /** What was recorded; `undefined`: nothing. */
  readonly policy: HistoryPolicy | undefined
}

/** The record as it was found. `isNew`: commits that are stored do not belong to it. */
export interface FoundRecord {
  readonly record: HistoryRecord
  /** As it is stored. */
  readonly text: string | null
  readonly isNew: boolean
}

/** The head's own version. */
interface Place {
  readonly number: number
  readonly nonce: string
}

/** Reads the record. `'later'`: a later release has written it in a format that this one does not know. */
export function readRecord(text: unknown, { number, nonce }: Place): FoundRecord | 'later' {
  const fields = parsed(text)
  const format = toCount(fields?.format)
  const its = typeof text === 'string' ? text : null
  if (format !== undefined && format > HISTORY_FORMAT) return 'later'
  const record = fields && toRecord(fields)
  if (record?.nonce === nonce) return { record, text: its, isNew: false }
  const before = record?.position ?? 0
  // Whatever happened so far without a history counts as one commit that was never recorded.
  const position = number === 0 && !record && isNothing(text) ? 0 : Math.max(before, 1)
  const epoch = record?.epoch ?? newEpoch()
  return {
    record: { epoch, position, floor: position, gone: position, nonce, policy: record?.policy },
    text: its,
    isNew: true,
  }
}

/** As JSON. Readers ignore members that they do not know. */
export function recordText({ policy, ...rest }: HistoryRecord): string {
  const limits = policy === undefined ? {} : policy || { keep: 0, days: 0 }
  return JSON.stringify({ format: HISTORY_FORMAT, ...rest, ...limits })
}

function isNothing(text: unknown): boolean {
  return text === null || text === undefined
}

function parsed(text: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof text !== 'string') return undefined
  try {
    return Object(JSON.parse(text))
  } catch {
    return undefined
  }
}

function toRecord({ epoch, nonce, ...rest }: Readonly<Record<string, unknown>>): HistoryRecord | undefined {
  const [position, floor, gone] = [toCount(rest.position), toCount(rest.floor), toCount(rest.gone)]
  if (!isToken(epoch) || !isToken(nonce)) return undefined
  if (position === undefined || floor === undefined || gone === undefined) return undefined
  if (floor > gone || gone > position) return undefined
  return { epoch, position, floor, gone, nonce, policy: policyOf(rest.keep, rest.days) }
}

function policyOf(keep: unknown, days: unknown): HistoryPolicy | undefined {
  if (typeof keep !== 'number' || typeof days !== 'number' || !(keep >= 0 && days >= 0)) return undefined
  return keep === 0 ? false : { keep, days }
}
