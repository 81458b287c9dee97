import type { Version } from './backend.js'

/**
 * How a change was made: by a program with this library, its command line, its console, a statement of SQL that the library's
 * triggers recorded, or behind the library's back (found by comparison).
 */
export type Via = 'library' | 'cli' | 'console' | 'sql' | 'outside'

/** Who made a change, why, and how. */
export interface Attribution {
  /** At most 256 bytes of UTF-8. */
  readonly by?: string | undefined
  /** At most 1,024 bytes of UTF-8. */
  readonly reason?: string | undefined
  /** Default `'library'`. */
  readonly via?: Via | undefined
}

/** Says which effects of a change came from one group, and whose group it was. */
export interface CommitNote extends Attribution {
  /** How many effects belong to it. They follow those of the note before it. */
  readonly effects: number
}

/** What one commit did to one key. A side is absent if the key was absent. */
export interface KeyChange<S = string> {
  readonly key: string
  readonly before?: S | undefined
  readonly after?: S | undefined
}

/** One entry of the history: an executed group that had an effect. */
export interface StoredCommit<S = string> extends Attribution {
  /** Never used twice, by any history of this store: name the history in it, besides the position. */
  readonly id: string
  /** Counts the commits of this history. The order is that of the chain of changes. */
  readonly position: number
  /** The state after the batch that the commit belongs to. */
  readonly version: Version
  /** By the store's clock, in milliseconds since 1970. For people only: it may jump. */
  readonly at: number
  /** One for each key that it touched. */
  readonly changes: readonly KeyChange<S>[]
}

/** Which commits to return. */
export interface HistoryQuery {
  /** Only commits that touched this key. */
  readonly key?: string | undefined
  /** Only commits older than the one with this id. */
  readonly before?: string | undefined
  /** Only the commit with this id. */
  readonly id?: string | undefined
  /** The most commits to return; at least 1. */
  readonly limit: number
}

/** Commits, newest first, and what is no longer known. */
export interface HistoryPage<S = string> {
  readonly commits: readonly StoredCommit<S>[]
  /** Commits up to this position were dropped, or were never recorded. 0: none. */
  readonly floor: number
  /** Keys of which newer commits than the floor were dropped, with the position of the newest of these. */
  readonly dropped: Iterable<readonly [key: string, position: number]>
}

/** The farthest moment from 1970 that a `Date` can hold, in ms. */
const MAX_MOMENT = 8.64e15

/** Whether it is a time that a `Date` can hold: a stored one may be damaged. */
export function isMoment(at: unknown): at is number {
  return typeof at === 'number' && Math.abs(at) <= MAX_MOMENT
}

/** How much history a dictionary keeps; `false`: none. */
export type HistoryPolicy = HistoryLimits | false

export interface HistoryLimits {
  /** The most commits, give or take an eighth; on Redis, up to half as many more. */
  readonly keep: number
  /** The greatest age, in days. */
  readonly days: number
}

export const DEFAULT_POLICY: HistoryLimits = { keep: 1_000, days: 90 }

/** The commits of a group: what it did to each key, from the first state to the last. */
export class Journal<S> {
  readonly #changes = new Map<string, KeyChange<S>>()

  note(key: string, before: S | undefined, after: S | undefined): void {
    const earlier = this.#changes.get(key)
    this.#changes.set(key, keyChange(key, earlier ? earlier.before : before, after))
  }

  get changes(): readonly KeyChange<S>[] {
    return [...this.#changes.values()]
  }
}

export function keyChange<S>(key: string, before: S | undefined, after: S | undefined): KeyChange<S> {
  if (before === undefined) return after === undefined ? { key } : { key, after }
  return after === undefined ? { key, before } : { key, before, after }
}

/** The note of a group, if it says more than the default does. */
export function noteOf(attribution: Attribution | undefined, effects: number): CommitNote {
  const { by, reason, via } = attribution ?? {}
  return {
    effects,
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...(via !== undefined && via !== 'library' && { via }),
  }
}

/** The notes of a change, if any of them says who, why or how. */
export function notesWorthKeeping(notes: readonly CommitNote[]): readonly CommitNote[] | undefined {
  const says = ({ by, reason, via }: CommitNote) => by !== undefined || reason !== undefined || via !== undefined
  return notes.some(says) ? notes : undefined
}
