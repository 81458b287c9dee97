import { announcements } from '../../contract/announcements.js'
import type { Operation } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import type { HistoryMark } from './history-state.js'
import type { Mirror } from './mirror.js'
import type { Stored } from './stored.js'

/** What external writers did, and the version that the commit of it follows. */
export interface Outside {
  readonly version: string
  /** Where the history of commits continues. */
  readonly mark: HistoryMark
  readonly operations: readonly Operation<Stored>[]
}

/** A state of which the history has all commits. */
export type Recorded = Pick<Mirror, 'entries' | 'version'>

/** External writers changed something, by which this version was found. */
export interface Found {
  readonly version: string
  /** What they did, if this process knows the state before. */
  readonly outside?: Outside | undefined
  /** The keys whose values they replaced, if nothing else is to be looked at. */
  readonly edited?: readonly string[] | undefined
}

/**
 * Returns what external writers did to the entries that were loaded, if anything.
 *
 * @param before - the last state that this process had before they did it.
 * @param zxids - the transactions that last changed the entries, if this process had no state before. What external writers do while a
 * dictionary is open is found by comparison.
 */
export function findOutside(
  before: Recorded | undefined,
  { entries, version, position }: Mirror,
  zxids: ReadonlyMap<string, bigint> = new Map(),
): Found | undefined {
  const { interruption, history } = position.head
  if (interruption && before?.version === interruption.version) {
    const operations = changesOutside(before.entries, entries)
    return { version, outside: { version, mark: interruption.mark, operations } }
  }
  if (interruption) return { version }
  if (!history) return undefined
  const edited = [...zxids].filter(([key, zxid]) => zxid > position.zxid && entries.has(key)).map(([key]) => key)
  return edited.length > 0 ? { version, edited } : undefined
}

/** The operations that announce the difference. A value that is not known remains unknown. */
export function changesOutside(
  before: ReadonlyMap<string, Stored>,
  after: ReadonlyMap<string, Stored>,
): readonly Operation<Stored>[] {
  return announcements(before, after).map(operation => {
    const known = before.get(operation.key)
    return known instanceof DamagedValue ? { ...operation, before: known } : operation
  })
}
