import { announcements } from '../../contract/announcements.js'
import type { Operation } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import { versionOf } from './head.js'
import type { HistoryMark } from './history-state.js'
import type { Mirror, Position } from './mirror.js'
import type { Stored } from './stored.js'
import type { Cut } from './znodes.js'

/** What external writers did, as found by the process that has started a new history because of them. */
export interface Outside {
  /** The version that it started. */
  readonly version: string
  /** Where the history of commits continues. */
  readonly mark: HistoryMark
  readonly operations: readonly Operation<Stored>[]
}

/** A state before a cut. */
export interface Before {
  readonly entries: ReadonlyMap<string, Stored>
  readonly position: Position
}

/**
 * Returns the difference that external writers made, if both states are known exactly: the last one with its commit, and the first
 * one after the cut.
 */
export function outsideOf(before: Before | undefined, cut: Cut | undefined, after: Mirror): Outside | undefined {
  const mark = before?.position.head.history
  if (!cut || !before || !mark || before.position.znode !== cut.replaced) return undefined
  const version = versionOf(cut.head)
  if (after.version !== version || isDamaged(before.entries, after.entries)) return undefined
  return { version, mark, operations: announcements(before.entries, after.entries) }
}

/** A damaged value cannot be announced. */
function isDamaged(before: ReadonlyMap<string, Stored>, after: ReadonlyMap<string, Stored>): boolean {
  for (const [key, stored] of after) if (stored instanceof DamagedValue && !stored.equals(before.get(key))) return true
  return false
}
