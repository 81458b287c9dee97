import { type HistoryMark, parseMark } from './history-state.js'
import { membersOf } from './members.js'

/**
 * Where the history of commits ends because external writers changed znodes. It continues there, with a commit of what they did: by a
 * process that knows the state before, or that finds it out from the commits.
 */
export interface Interruption {
  /** The last version before. */
  readonly version: string
  /** The transaction that wrote it: what they changed was written later. */
  readonly zxid: bigint
  readonly mark: HistoryMark
}

export function formatInterruption({ version, zxid, mark }: Interruption): object {
  return { version, zxid: `${zxid}`, mark }
}

/** Returns `undefined` if it is malformed. */
export function parseInterruption(value: unknown): Interruption | undefined {
  const { version, zxid, mark: stored } = membersOf(value)
  const mark = parseMark(stored)
  if (!mark || typeof version !== 'string' || typeof zxid !== 'string' || !/^\d{1,19}$/.test(zxid)) return undefined
  return { version, zxid: BigInt(zxid), mark }
}
