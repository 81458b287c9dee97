import type { Batch, Change, Committed, Effect, Group, Outcome, Version } from '../../../contract/backend.js'
import { executeGroup } from '../../../contract/execute-group.js'
import { Journal, type KeyChange, keyChange, noteOf, notesWorthKeeping } from '../../../contract/history.js'
import { makesChange } from '../../../contract/makes-change.js'
import { sameStored } from '../../../contract/same-stored.js'
import { type Dialect, runAll } from '../../sql/dialect.js'
import { isConflict, isDuplicate, isLockTimeout, isOfStore } from '../../sql/error-kinds.js'
import { type Callers, here } from '../callers.js'
import { refused, rowsLocked, tooLargeToWrite } from '../faults.js'
import type { GroupCommit } from '../history/commit-rows.js'
import type { ModelSession } from '../managers/manager.js'
import type { ModelReplicas } from '../replicas/model-replicas.js'
import type { RowChanges, Rows } from '../table/rows.js'
import type { Stored } from '../table/stored.js'
import type { KnownHead, Versions, Writing } from '../versions/versions.js'
import { untilCommitted } from './rows-in-use.js'
import type { Interruptible } from './transactions.js'
import { textsOf } from './values-in-messages.js'
import { clears, keysOf, touchedKeys, WorkingSet } from './working-set.js'

/** How often a group is retried after others inserted the same row, before it counts as refused. */
export const DUPLICATES = 3

/** The result of a batch, if its transaction is committed. */
export interface Executed {
  readonly committed: Committed<Stored>
  /** What it leaves in the database. Missing if nothing was written, or the database does not say so. */
  readonly next: KnownHead | undefined
}

/** What a batch is executed with. */
export interface CommitContext {
  readonly session: ModelSession
  readonly versions: Versions
  readonly rows: Rows
  readonly dialect: Dialect
  readonly dictionary: string
  readonly callers: Callers | undefined
  /** Missing if there is no registry. */
  readonly replicas: ModelReplicas | undefined
  /** The most that the commit may take, in ms. */
  readonly timeout: number
  /** How long to wait for rows that others have locked, before the head is locked, in ms. Default: not at all. */
  readonly awaitRows?: number | undefined
  /** Whether a group is refused if its rows are locked. Otherwise the batch fails. */
  readonly refusesLocked: boolean
  /** Says how the transaction's statements can be ended from outside. */
  readonly interruptible: Interruptible
}

/** What of it the groups alone need. */
type ExecutionContext = Pick<CommitContext, 'session' | 'rows' | 'dialect' | 'dictionary' | 'callers' | 'timeout'>

/** A group's outcome, with what it did. */
interface Done {
  readonly outcomes: readonly Outcome[]
  readonly effects: readonly Effect<Stored>[]
  /** What each group with an effect did, with how many effects. */
  readonly commits: readonly DoneGroup[]
}

interface DoneGroup extends GroupCommit<Stored> {
  readonly effects: number
}

type Execute = (context: CommitContext, batch: Batch<Stored>, writing: Writing) => Promise<Done>

/** Executes a batch inside a transaction. If the model refuses one group, all groups fail. */
export function commitTogether(context: CommitContext, batch: Batch<Stored>, since: Version): Promise<Executed> {
  return commit(context, batch, since, (_, { groups }, writing) =>
    executeAll(context, groups, writing, writing.version),
  )
}

/** The same with a savepoint for each group, so that only a refused group fails. */
export function commitApart(context: CommitContext, batch: Batch<Stored>, since: Version): Promise<Executed> {
  return commit(context, batch, since, executeApart)
}

async function commit(
  context: CommitContext,
  batch: Batch<Stored>,
  since: Version,
  execute: Execute,
): Promise<Executed> {
  const { session, dialect, rows, awaitRows } = context
  if (awaitRows !== undefined) await runAll(session, dialect, rows.await(keysOf(batch.groups), awaitRows))
  const writing = await context.versions.writing(session, batch.groups)
  context.interruptible.connection = writing.connection
  const { outcomes, ...done } = await execute(context, batch, writing)
  const change = makesChange(batch, done.effects) ? await advance(writing, done, batch) : undefined
  const catchUp = await writing.catchUp(since, change)
  const registry = batch.acknowledge ? await context.replicas?.read(context.session) : undefined
  return { next: writing.next, committed: { outcomes, bound: writing.bound, catchUp, ...(registry && { registry }) } }
}

async function advance(
  writing: Writing,
  { effects, commits }: Omit<Done, 'outcomes'>,
  { id, acknowledge }: Batch<Stored>,
): Promise<Change<Stored>> {
  const notes = notesWorthKeeping(commits.map(({ attribution, effects }) => noteOf(attribution, effects)))
  const version = await writing.advance(effects, id, { commits, notes, acknowledge })
  return {
    previous: writing.version,
    version,
    effects,
    id,
    ...(notes && { notes }),
    ...(acknowledge && { acknowledge }),
  }
}

/** What of a transaction its groups are executed with. */
type Conditions = Pick<Writing, 'touchedSince' | 'largest' | 'keepsHistory' | 'mark'>

/** Executes groups inside a transaction, and writes the rows. */
export async function executeAll(
  { session, rows, dialect, dictionary, callers, timeout }: ExecutionContext,
  groups: readonly Group<Stored>[],
  writing: Conditions,
  version: Version | undefined,
): Promise<Done> {
  const effects: Effect<Stored>[] = []
  const commits: DoneGroup[] = []
  const touched = touchedKeys(groups)
  if (touched.length > 0) await untilCommitted({ session, rows, dialect, dictionary, timeout }, touched)
  const set = await workingSet(session, rows, groups, writing)
  const writers = new Map<string, Group<Stored>>()
  const outcomes = groups.map((group): Outcome => {
    const refusal = tooLarge(group, rows, writing.largest, dictionary)
    if (refusal) return refusal
    const before = effects.length
    const journal = writing.keepsHistory ? new Journal<Stored>() : undefined
    const outcome = executeGroup(group, set, before > 0 ? undefined : version, effects, journal)
    // Only groups that write the key: a late default or a conflict writes nothing.
    for (const effect of effects.slice(before)) if (effect.type === 'set') writers.set(effect.key, group)
    const { attribution } = group
    const count = effects.length - before
    if (count > 0) commits.push({ attribution, effects: count, changes: journal?.changes ?? [] })
    return outcome
  })
  if (effects.length === 0) return { outcomes, effects, commits }
  const changes = set.changes()
  await writing.mark?.()
  const found = await rows.write(session, changes, writing.largest, key => callers?.of(writers.get(key)) ?? here)
  return {
    outcomes,
    effects: effects.map(effect => asStored(effect, changes, found)),
    commits: commits.map(commit => ({ ...commit, changes: commit.changes.map(one => asKept(one, changes, found)) })),
  }
}

/** The entries that the groups need: all of them if one is cleared and the history keeps what was removed. */
async function workingSet(
  session: ModelSession,
  rows: Rows,
  groups: readonly Group<Stored>[],
  writing: Conditions,
): Promise<WorkingSet> {
  const clearing = clears(groups)
  const any = clearing && (await rows.any(session))
  const isWhole = any && writing.keepsHistory
  const before = isWhole ? await rows.all(session, () => {}) : await rows.find(session, keysOf(groups))
  return new WorkingSet(before, any, (since, key) => writing.touchedSince(since, key))
}

/** Returns the effect with the value as the database stored it, for example with JSON members in another order. */
function asStored(effect: Effect<Stored>, changes: RowChanges, found: ReadonlyMap<string, Stored>): Effect<Stored> {
  if (effect.type !== 'set') return effect
  const stored = latest(effect.key, effect.stored, changes, found)
  return stored === effect.stored ? effect : { ...effect, stored }
}

/** Returns the change with the value as the database stored it. */
function asKept(
  { key, before, after }: KeyChange<Stored>,
  changes: RowChanges,
  found: ReadonlyMap<string, Stored>,
): KeyChange<Stored> {
  return keyChange(key, before, after === undefined ? undefined : latest(key, after, changes, found))
}

function latest(
  key: string,
  stored: Stored,
  { create, update }: RowChanges,
  found: ReadonlyMap<string, Stored>,
): Stored {
  const now = found.get(key)
  const isLatest = (create.get(key) ?? update.get(key)) === stored
  return !isLatest || now === undefined || sameStored(now, stored) ? stored : now
}

/** Refuses a value that is too large for the database, which would close the connection and fail other writes. */
function tooLarge({ operations }: Group<Stored>, rows: Rows, largest: number, dictionary: string): Outcome | undefined {
  if (largest === Number.POSITIVE_INFINITY) return undefined
  for (const operation of operations) {
    if (operation.type !== 'set' && operation.type !== 'setDefault') continue
    const size = rows.sizeOf(operation.key, operation.stored)
    if (size > largest) return { status: 'refused', error: tooLargeToWrite(operation.key, size, largest, dictionary) }
  }
  return undefined
}

async function executeApart(context: CommitContext, { groups }: Batch<Stored>, writing: Writing): Promise<Done> {
  const outcomes: Outcome[] = []
  const effects: Effect<Stored>[] = []
  const commits: DoneGroup[] = []
  for (const group of groups) {
    const done = await executeOne(context, group, writing, effects)
    outcomes.push(...done.outcomes)
    effects.push(...done.effects)
    commits.push(...done.commits)
  }
  return { outcomes, effects, commits }
}

async function executeOne(
  context: CommitContext,
  group: Group<Stored>,
  writing: Writing,
  earlier: readonly Effect<Stored>[],
): Promise<Done> {
  const { session, dialect, dictionary } = context
  const { largest, keepsHistory, mark } = writing
  const touchedSince = (since: Version, key: string) =>
    earlier.some(effect => effect.type === 'clear' || effect.key === key) || writing.touchedSince(since, key)
  const version = earlier.length > 0 ? undefined : writing.version
  for (let duplicates = 0; ; duplicates += 1) {
    await session.query('SAVEPOINT durabledict_group', [])
    try {
      const done = await executeAll(context, [group], { touchedSince, largest, keepsHistory, mark }, version)
      await runAll(session, dialect, dialect.checkConstraints)
      await session.query('RELEASE SAVEPOINT durabledict_group', [])
      return done
    } catch (error) {
      const isLocked = context.refusesLocked && isLockTimeout(error)
      if (isConflict(error) || (isOfStore(error) && !isLocked)) throw error
      // If the connection or the transaction is lost, this fails too. Then the group was not the cause.
      await session.query('ROLLBACK TO SAVEPOINT durabledict_group', [])
      if (isDuplicate(error) && duplicates < DUPLICATES) continue
      const keys = keysOf([group])
      const fault = isLocked ? rowsLocked(error, dictionary, keys) : refused(error, dictionary, keys, textsOf(group))
      return {
        outcomes: [{ status: 'refused', error: fault }],
        effects: [],
        commits: [],
      }
    }
  }
}
