import type { LoggedChange, LoggedEffect, Past } from '../../sql/log/change-log.js'
import type { Recorded } from '../history/commit-rows.js'
import type { Stored } from '../table/stored.js'

/**
 * The past with stored forms for the values that triggers found.
 *
 * @param read - returns the stored form of what the value column holds.
 */
export function withFoundValues(past: Past, read: (column: Recorded) => Stored): Past {
  if (past.type !== 'changes' || !past.changes.some(isFound)) return past
  const changes = past.changes.map(change =>
    isFound(change) ? { ...change, effects: change.effects?.map(effect => withFoundValue(effect, read)) } : change,
  )
  return { type: 'changes', changes }
}

/** Whether a trigger has written the change. */
function isFound({ notes }: LoggedChange): boolean {
  return notes?.every(({ via }) => via === 'sql') ?? false
}

/** A value that cannot be read is read again from its row, whose entry then says why. */
function withFoundValue(effect: LoggedEffect, read: (column: Recorded) => Stored): LoggedEffect {
  if (effect.type !== 'set') return effect
  const stored = read(effect.stored)
  const isRead = typeof stored === 'string' || stored instanceof Uint8Array
  return isRead ? { ...effect, stored } : { type: 'row', key: effect.key }
}
