import type { Version } from '../../contract/backend.js'
import type { HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import { HistoryError } from '../../errors/errors.js'
import type { Decode } from '../../replica/entries.js'
import type { FrozenState } from '../../replica/frozen-state.js'
import { Memory } from '../../replica/memory.js'
import { unknownCommit, type Walked, walkBack } from './walk.js'

/** How often the present state and the history are read again when writers come in between. */
const ATTEMPTS = 10

/** The past of this key is not known any more. */
export const UNKNOWN = Symbol('unknown')

/** What past states are computed from. */
export interface PastContext {
  readonly dictionary: string
  readonly decode: Decode
  /** The present state, after a check. */
  state(): Promise<FrozenState>
  page(query: HistoryQuery): Promise<HistoryPage<unknown>>
}

/** Returns the state after the commit with this id, or after the newest commit that is not younger than the date. */
export async function pastState(context: PastContext, when: string | Date): Promise<FrozenState> {
  const isTarget =
    typeof when === 'string'
      ? ({ id }: StoredCommit<unknown>) => id === when
      : ({ at }: StoredCommit<unknown>) => at <= when.getTime()
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const state = await context.state()
    const walked = await walkBack(context.page, isTarget)
    const target = targetOf(walked, when, context.dictionary)
    const newer = since(state.version, walked) ?? ((await isPresent(state, context)) ? walked.newer : undefined)
    if (newer) return undone(state, newer, target, walked, context)
  }
  throw new HistoryError(
    `The history of dictionary "${context.dictionary}" changed while it was read, in ${ATTEMPTS} attempts. Try again later.`,
    { dictionary: context.dictionary },
  )
}

/** @throws HistoryError if the history does not reach back to it. */
function targetOf({ target, floor }: Walked, when: string | Date, dictionary: string): Target {
  if (target) return target
  if (typeof when === 'string') throw unknownCommit(when, dictionary, ' For a point in time, pass a Date.')
  if (floor === 0) return { position: 0, version: '' }
  throw new HistoryError(
    `The history of dictionary "${dictionary}" does not reach back to ${when.toISOString()}: older commits were dropped, or were never ` +
      'recorded.',
    { dictionary },
  )
}

interface Target {
  readonly position: number
  readonly version: Version
}

/** The commits between the target and the state, newest first; `undefined` if the history does not know the state. */
function since(version: Version, { newer, target }: Walked): readonly StoredCommit<unknown>[] | undefined {
  if (target && Object.is(target.version, version) && !newer.some(one => Object.is(one.version, version))) return []
  const start = newer.findIndex(commit => Object.is(commit.version, version))
  if (start >= 0) return newer.slice(start)
  return newer.length === 0 && !target ? [] : undefined
}

/**
 * Whether the state is still the present one, so that the history that was read meanwhile is the history of this state. No commit has its
 * version if the latest change had no effect: a write `{ everywhere: true }` that changed nothing, or a second attempt.
 */
async function isPresent(state: FrozenState, context: PastContext): Promise<boolean> {
  return Object.is((await context.state()).version, state.version)
}

/** The state without what the commits did. Keys of which a commit in between was dropped are unknown. */
function undone(
  state: FrozenState,
  newer: readonly StoredCommit<unknown>[],
  target: Target,
  { dropped }: Walked,
  { dictionary, decode }: PastContext,
): FrozenState {
  const entries = new Map<string, unknown>()
  for (const key of state.keys()) entries.set(key, state.stored(key))
  for (const { changes } of newer) {
    for (const { key, before } of changes) {
      if (before === undefined) entries.delete(key)
      else entries.set(key, before)
    }
  }
  for (const [key, position] of dropped) if (position > target.position) entries.set(key, UNKNOWN)
  const memory = new Memory({ version: target.version, entries }, (key, stored) => {
    if (stored === UNKNOWN) throw forgotten(key, dictionary)
    return decode(key, stored)
  })
  return memory.freeze()
}

function forgotten(key: string, dictionary: string): HistoryError {
  return new HistoryError(
    `The value of this key at that time is no longer known: older commits of the key were dropped. Dictionary "${dictionary}" keeps ` +
      'fewer commits of keys that change often; see the option "history".',
    { dictionary, key },
  )
}
