import type { CatchUp, Change, Effect, Group, Version } from '../../../contract/backend.js'
import type { CommitNote, HistoryPage, HistoryPolicy, HistoryQuery } from '../../../contract/history.js'
import type { GroupCommit } from '../history/commit-rows.js'
import type { HistoryRecord } from '../history/record.js'
import type { ModelSession } from '../managers/manager.js'
import type { Stored } from '../table/stored.js'
import type { Head } from './head.js'

/** What a change is about, besides its effects. */
export interface Told {
  /** What each group did, for the history. */
  readonly commits: readonly GroupCommit<Stored>[]
  /** Whose effects these are, by group. */
  readonly notes: readonly CommitNote[] | undefined
  /** Whether replicas are to acknowledge the change. */
  readonly acknowledge?: boolean | undefined
}

/** What a transaction leaves in the database, by which its commit can be found, and the next one begin. */
export interface KnownHead {
  readonly head: Head
  /** The record of the history. Missing if there is none, or it is of a later format. */
  readonly record?: HistoryRecord | undefined
  /** The record as it is stored. */
  readonly text?: string | null | undefined
}

/** A transaction that writes, as far as versions are concerned. It excludes every other one until it ends. */
export interface Writing {
  /** The state before. */
  readonly version: Version
  /** The largest bound that some replica relies on, in ms, or 0 if none is recorded. */
  readonly bound: number
  /** The maximum size of a statement, in bytes. */
  readonly largest: number
  /** By which another connection can end the transaction's statements, in databases that have to be asked to. */
  readonly connection?: number | undefined
  /** Returns whether a change since that version has touched the key, or `true` if that is unknown. */
  touchedSince(since: Version, key: string): boolean
  /** Called before rows are written: the triggers of the table then leave their changes to `advance`. */
  readonly mark?: (() => Promise<void>) | undefined
  /** Whether commits are recorded, so that `advance` needs what each group did. */
  readonly keepsHistory: boolean
  /** What `advance` has moved to. */
  readonly next?: KnownHead | undefined
  /** Moves to the next state. `undefined` for effects: everything may have changed. */
  advance(effects: readonly Effect<Stored>[] | undefined, id: string, told?: Told): Promise<Version>
  /** What leads from a version to the state after `change`, or to the present one if nothing changed. */
  catchUp(since: Version, change: Change<Stored> | undefined): Promise<CatchUp<Stored>>
}

/** The commits of the past. */
export interface PastCommits {
  page(query: HistoryQuery): Promise<HistoryPage<Stored>>
  setPolicy(policy: HistoryPolicy): Promise<void>
  forgetAuthor(by: string): Promise<number>
}

/** Where a dictionary's version is kept: one strategy for each place. */
export interface Versions {
  /** Whether it can record a bound. */
  readonly recordsBounds: boolean
  /** From now on nothing is written, and no history is created. */
  restrictToReads(): void
  /** Returns the present version. Creates the history if it is missing. */
  current(): Promise<Version>
  /** Returns what has changed since. Missing if that is unknown, so that only versions are compared. */
  changesSince?(since: Version): Promise<CatchUp<Stored>>
  /** Called first in a transaction that loads. Later reads see that version or a later one, which the next check reports. */
  loading(session: ModelSession): Promise<Version>
  /** How a transaction that loads must be isolated. */
  readonly loadIsolation: { readonly isolation?: 'snapshot' }
  /** Called first in a transaction that writes. */
  writing(session: ModelSession, groups: readonly Group<unknown>[]): Promise<Writing>
  /** The history. Missing if none can be kept. */
  readonly history?: PastCommits | undefined
  /** Records a bound, unless a larger one is. */
  registerMaxStaleness(ms: number): Promise<void>
  /**
   * Returns whether a COMMIT without an answer took effect, or `undefined` if that is unknown. Missing if it can never be known.
   *
   * @param next - what it moved to.
   */
  outcome?(next: KnownHead): Promise<boolean | undefined>
}
