import type { Version } from '../../contract/backend.js'
import type { KeyChange, StoredCommit, Via } from '../../contract/history.js'
import { INSPECT, type InspectArguments } from '../inspection.js'

/**
 * What a commit did to one key. A comparison of `key` narrows the types of the values. As JSON, a value that cannot be decoded is
 * replaced by `{ error }`.
 */
export type CommitChange<T extends object = Record<string, unknown>, K extends keyof T & string = keyof T & string> = {
  readonly [Each in K]: {
    readonly key: Each
    /** Absent if the key was absent. Reading it throws `DecodingError` if it cannot be decoded. */
    readonly before?: Required<T>[Each]
    /** Absent if the key was removed. Reading it throws `DecodingError` if it cannot be decoded. */
    readonly after?: Required<T>[Each]
  }
}[K]

/** One entry of a dictionary's history. */
export interface Commit<T extends object = Record<string, unknown>> {
  /** Names the commit for `revert()`, `at()` and `history({ before })`. Opaque. */
  readonly id: string
  /** The state after it. Commits that reached the store together share it. */
  readonly version: Version
  /** By the store's clock. For people only: the clock may jump, the order of the commits does not depend on it. */
  readonly at: Date
  /** Who made it, if the writer said so. */
  readonly by: string | undefined
  /** Why, if the writer said so. */
  readonly reason: string | undefined
  /** How it was made. */
  readonly via: Via
  /** One for each key that it touched. */
  readonly changes: readonly CommitChange<T>[]
}

/** Decodes a stored value of a key. */
export type DecodeValue = (key: string, stored: unknown) => unknown

/** A stored commit as users see it. Its values are decoded when they are read. */
export function toCommit(stored: StoredCommit<unknown>, decode: DecodeValue): Commit {
  const { id, version, at, by, reason, via = 'library', changes } = stored
  const decoded = changes.map(change => toCommitChange(change, decode))
  return Object.freeze({ id, version, at: new Date(at), by, reason, via, changes: Object.freeze(decoded) })
}

const SIDES = ['before', 'after'] as const

/** Not enumerable: a change equals, and is cloned as, a plain object. */
const SHOWN = { toJSON: { value: readable }, [INSPECT]: { value: inspectChange } }

function toCommitChange(stored: KeyChange<unknown>, decode: DecodeValue): CommitChange {
  const change = { key: stored.key }
  for (const side of SIDES) {
    if (stored[side] === undefined) continue
    Object.defineProperty(change, side, { get: () => decode(stored.key, stored[side]), enumerable: true })
  }
  return Object.freeze(Object.defineProperties(change, SHOWN))
}

/** The change with its values; one that cannot be decoded is replaced by the error, so that it fails alone. */
function readable(this: CommitChange): object {
  const shown: Record<string, unknown> = { key: this.key }
  for (const side of SIDES) {
    if (!(side in this)) continue
    try {
      shown[side] = this[side]
    } catch (error) {
      shown[side] = { error: (error as Error).message }
    }
  }
  return shown
}

/** `console.log` would show getters otherwise. */
function inspectChange(this: CommitChange, ...[depth, options, inspect]: InspectArguments): unknown {
  if (depth < 0) return '[CommitChange]'
  const shown = readable.call(this)
  return inspect ? inspect(shown, options) : shown
}
