import { isUtf8 } from 'node:buffer'
import { DEFAULT_POLICY, type HistoryPolicy } from '../../contract/history.js'
import { UnsupportedError } from '../../errors/errors.js'
import { builtin } from '../../process/builtin.js'
import { parseJson } from './log-record.js'
import { isCount, isEpoch, membersOf } from './members.js'
import { isKey } from './names.js'

/** The format of the znodes of the history. */
export const HISTORY_FORMAT = 1

/** What the head says about the history: enough to write the next commit. */
export interface HistoryMark {
  readonly epoch: string
  /** Of the newest commit. */
  readonly position: number
  /** The folder of the newest commit, by its first position. Absent if there is none yet. */
  readonly folder?: number | undefined
  /** Absent: the default. */
  readonly policy?: HistoryPolicy | undefined
}

/** The contents of the znode above the commits. */
export interface HistoryState {
  readonly epoch: string
  readonly floor: number
  readonly policy?: HistoryPolicy | undefined
  /** Keys of which newer commits than the floor were dropped, with the position of the newest of these. */
  readonly dropped: readonly (readonly [key: string, position: number])[]
}

export function policyOf({ policy }: Pick<HistoryMark, 'policy'>): HistoryPolicy {
  return policy ?? DEFAULT_POLICY
}

export function isSamePolicy(one: HistoryPolicy | undefined, other: HistoryPolicy): boolean {
  if (!one || !other) return one === other
  return one.keep === other.keep && one.days === other.days
}

/** @param floor - 0 if no change was made before. */
export function newState(floor: number): HistoryState {
  return { epoch: builtin.crypto.randomBytes(6).toString('hex'), floor, dropped: [] }
}

export function formatState(state: HistoryState): Buffer {
  return Buffer.from(JSON.stringify({ format: HISTORY_FORMAT, ...state }))
}

/**
 * Returns `undefined` if it is malformed.
 *
 * @throws UnsupportedError if a later version of the library wrote it.
 */
export function parseState(data: Buffer, dictionary: string): HistoryState | undefined {
  const { format, epoch, floor, policy, dropped } = membersOf(isUtf8(data) ? parseJson(data.toString()) : undefined)
  if (isCount(format) && format > HISTORY_FORMAT) throw laterFormat(format, dictionary)
  if (format !== HISTORY_FORMAT || !isEpoch(epoch) || !isCount(floor) || !Array.isArray(dropped)) return undefined
  return { epoch, floor, dropped: dropped.filter(isDropped), ...recorded(policy) }
}

/** Parses what a head says about the history. */
export function parseMark(value: unknown): HistoryMark | undefined {
  const { epoch, position, folder, policy } = membersOf(value)
  if (!isEpoch(epoch) || !isCount(position)) return undefined
  return { epoch, position, ...(isCount(folder) && { folder }), ...recorded(policy) }
}

/** A malformed policy counts as none. */
function recorded(value: unknown): { policy?: HistoryPolicy } {
  if (value === false) return { policy: false }
  const { keep, days } = membersOf(value)
  const isLimit = (one: unknown): one is number => typeof one === 'number' && one > 0 && Number.isFinite(one)
  return isCount(keep) && keep > 0 && isLimit(days) ? { policy: { keep, days } } : {}
}

function isDropped(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === 'string' && isKey(value[0]) && isCount(value[1])
}

function laterFormat(format: number, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `The history of dictionary "${dictionary}" has format ${format}, but this version of durabledict supports only format ` +
      `${HISTORY_FORMAT}. Update durabledict.`,
    { dictionary },
  )
}
