import type { CatchUp, Change, Effect, Group, Version } from '../../../contract/backend.js'
import type { ModelSession } from '../managers/manager.js'
import type { Stored } from '../table/stored.js'

/** A transaction that writes, as far as versions are concerned. It excludes every other one until it ends. */
export interface Writing {
  /** The state before. */
  readonly version: Version
  /** The largest bound that some replica relies on, in ms; 0 where none is recorded. */
  readonly bound: number
  /** The most that a statement can take, in bytes. */
  readonly largest: number
  /** By which another connection can end the transaction's statements, in databases that have to be asked to. */
  readonly connection?: number | undefined
  /** Whether a change since that version has touched the key; also where that cannot be told. */
  touchedSince(since: Version, key: string): boolean
  /** Moves to the next state. `undefined` for effects: everything may have changed. */
  advance(effects: readonly Effect<Stored>[] | undefined, id: string): Promise<Version>
  /** What leads from a version to the state after `change`, or to the present one where nothing changed. */
  catchUp(since: Version, change: Change<Stored> | undefined): Promise<CatchUp<Stored>>
}

/** Where a dictionary's version is kept: one strategy for each place. */
export interface Versions {
  /** Whether it can record a bound. */
  readonly recordsBounds: boolean
  /** From now on nothing is written: not even a history is founded. */
  restrictToReads(): void
  /** The present version; founds the history where there is none. */
  current(): Promise<Version>
  /** What happened since. Left out where it is not known: the versions alone are compared then. */
  changesSince?(since: Version): Promise<CatchUp<Stored>>
  /** Called first in a transaction that loads. What is read after it is of that version, or of a later one which is told at the next check. */
  loading(session: ModelSession): Promise<Version>
  /** How a transaction that loads must be isolated. */
  readonly loadIsolation: { readonly isolation?: 'snapshot' }
  /** Called first in a transaction that writes. */
  writing(session: ModelSession, groups: readonly Group<unknown>[]): Promise<Writing>
  /** Records a bound, unless a larger one is. */
  registerMaxStaleness(ms: number): Promise<void>
  /**
   * Called after a COMMIT that had no answer: whether it took effect, or surely did not; `undefined` where that is not known. Left
   * out where it never is.
   */
  outcome?(writing: Writing): Promise<boolean | undefined>
}
