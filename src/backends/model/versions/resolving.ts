import type { CatchUp, Change, Effect, Version } from '../../../contract/backend.js'
import type { LoggedChange, LoggedEffect, Past } from '../../sql/log/change-log.js'
import type { Stored } from '../table/stored.js'

/** Rows that must be read before a change of the log can be followed. */
export interface Resolved {
  readonly keys: readonly string[]
  /** The one step that leads to the state in which the rows were found. */
  resolve(since: Version, version: Version, found: ReadonlyMap<string, Stored>): CatchUp<Stored>
}

/**
 * What must be read to follow the past; `undefined` where the log alone says it.
 *
 * @param always - what is stored is known by the rows alone.
 */
export function needsRows(past: Past, always: boolean): Resolved | undefined {
  if (past.type !== 'changes' || past.changes.some(({ effects }) => effects === undefined)) return undefined
  const effects = past.changes.flatMap(change => change.effects as readonly LoggedEffect[])
  if (!effects.some(({ type }) => type === 'row' || (always && type === 'set'))) return undefined
  const keys = [...new Set(effects.flatMap(effect => (effect.type === 'clear' ? [] : [effect.key])))]
  const cleared = effects.some(({ type }) => type === 'clear')
  const only = past.changes.length === 1 ? past.changes[0] : undefined
  const asks = past.changes.some(({ acknowledge }) => acknowledge)
  return {
    keys,
    resolve: (since, version, found) => oneStep(since, version, effectsOf(keys, cleared, found), asks, only),
  }
}

/** The past as the log says it. */
export function replay(past: Past): CatchUp<Stored> {
  if (past.type !== 'changes') return past
  if (past.changes.some(({ effects }) => effects === undefined)) return { type: 'tooOld', diverged: false }
  const changes = past.changes as readonly (LoggedChange & Change<Stored>)[]
  return { type: 'changes', version: (changes.at(-1) as Change<Stored>).version, changes }
}

function effectsOf(keys: readonly string[], cleared: boolean, found: ReadonlyMap<string, Stored>): Effect<Stored>[] {
  const effects: Effect<Stored>[] = cleared ? [{ type: 'clear' }] : []
  for (const key of keys) {
    const stored = found.get(key)
    if (stored !== undefined) effects.push({ type: 'set', key, stored })
    else if (!cleared) effects.push({ type: 'delete', key })
  }
  return effects
}

function oneStep(
  previous: Version,
  version: Version,
  effects: readonly Effect<Stored>[],
  acknowledge: boolean,
  only: LoggedChange | undefined,
): CatchUp<Stored> {
  const asked = acknowledge ? { acknowledge } : {}
  return {
    type: 'changes',
    version,
    changes: [{ previous, version, effects, id: only?.id, ...notesOf(only, effects), ...asked }],
  }
}

/** The notes of a change whose effects were read again, if they are those of one group. */
function notesOf(only: LoggedChange | undefined, { length }: readonly unknown[]): Pick<Change<Stored>, 'notes'> {
  const [note, ...others] = only?.notes ?? []
  return note && others.length === 0 ? { notes: [{ ...note, effects: length }] } : {}
}
