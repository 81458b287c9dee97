import type { Batch, Committed, Effect, Group, Outcome, Version } from '../../contract/backend.js'
import { executeGroup, type Target } from '../../contract/execute-group.js'
import { Journal, noteOf, notesWorthKeeping } from '../../contract/history.js'
import { makesChange } from '../../contract/makes-change.js'
import type { Registry } from '../../contract/presence.js'
import { InvalidValueError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import { Cleared } from './cleared.js'
import { OwnWrite } from './edits/own-write.js'
import { Entries } from './entries.js'
import { isLayoutOld, isRefused, isTableMissing, isTooBig, refused, tooBig } from './faults.js'
import { type Head, moveHead, type NoHead, readHead } from './head.js'
import { NO_HISTORY } from './history-state.js'
import { append, changesSince, type Log, touchedSince, type Work } from './log.js'
import { type CommitRecord, type Recording, record } from './record.js'
import { SQL } from './sql.js'
import { type Raw, type Stored, toColumn } from './text.js'
import { undoable, writing } from './transactions.js'
import { checkEntries, checkHistory, fileTriggers } from './triggers.js'

/** The result of a batch. */
export interface Result {
  readonly committed: Committed<Stored>
  readonly head: Head
}

/** The file does not contain the dictionary (any more), or lacks tables or columns: nothing was written. */
export interface NoResult {
  readonly committed?: undefined
  readonly head: NoHead
}

/**
 * Executes a batch in one transaction. If SQLite, a constraint or a trigger rejects a group, only that group is
 * refused: the batch is then executed again, with a savepoint for each group.
 */
export function commitBatch(
  log: Log,
  batch: Batch<Stored>,
  since: Version,
  registry: (log: Log) => Registry,
): Result | NoResult {
  const run = (isolate: Isolate) => withRegistry(execute(log, batch, since, isolate), batch, () => registry(log))
  try {
    return writing(log.connection, () => run(together))
  } catch (error) {
    if (isTableMissing(error) || isLayoutOld(error)) return { head: INCOMPLETE }
    if (!(error instanceof InvalidValueError)) throw error
    return writing(log.connection, () => run(oneByOne))
  }
}

/** Adds the damage that made a new history necessary before the batch was executed. */
export function withDamage({ head, committed }: Result, damage: string | undefined): Result {
  const { catchUp } = committed
  return catchUp.type === 'tooOld'
    ? { head, committed: { ...committed, catchUp: { ...catchUp, damage } } }
    : { head, committed }
}

const INCOMPLETE: NoHead = { damage: undefined }

type Isolate = (log: Log, effects: Effect<Stored>[], own: OwnWrite, execute: () => Outcome) => Outcome

/** Reads the registry after the write, in the same transaction. */
function withRegistry(result: Result | NoResult, batch: Batch<Stored>, read: () => Registry): Result | NoResult {
  if (!result.committed || !batch.acknowledge) return result
  return { ...result, committed: { ...result.committed, registry: read() } }
}

function execute(log: Log, batch: Batch<Stored>, since: Version, isolate: Isolate): Result | NoResult {
  const head = readHead(log.connection, log.dictionary)
  if (head.version === undefined) return { head }
  const { any: check, edits } = fileTriggers(log.connection)
  if (head.history === NO_HISTORY || !edits) return { head: INCOMPLETE }
  const effects: Effect<Stored>[] = []
  const records: CommitRecord[] = []
  const own = new OwnWrite(log)
  const target = targetOf(log, head, own)
  const one = (group: Group<Stored>) => {
    const from = effects.length
    const journal = head.history.policy === false ? undefined : new Journal<Stored>()
    const cleared = new Cleared(log, head.history.position + records.length + 1)
    const canCopy = journal && !check && head.history.nonce === head.nonce
    const within = canCopy ? cleared.in(target, journal) : target
    const outcome = executeGroup(group, within, from > 0 ? undefined : head.version, effects, journal)
    if (check) checkEntries(log, effects.slice(from))
    const note = noteOf(group.attribution, effects.length - from)
    if (note.effects > 0) records.push({ note, changes: journal?.changes ?? [], cleared: cleared.keys })
    return outcome
  }
  const outcomes = batch.groups.map(group => isolate(log, effects, own, () => one(group)))
  const work = {
    effects: loggedEffects(batch, effects),
    batch: batch.id,
    notes: notesWorthKeeping(records.map(({ note }) => note)),
    acknowledge: batch.acknowledge,
  }
  const next = work.effects.length > 0 ? write(log, head, work, { records, check }) : head
  if (next === head) own.cancel()
  if (check) checkHistory(log, head, next, effects)
  const { bound } = head
  return { head: next, committed: { outcomes, bound, catchUp: catchUp(log, since, head, next, work) } }
}

/** The log has one row for each effect: a change without any deletes a key that does not exist. */
function loggedEffects(batch: Batch<Stored>, effects: readonly Effect<Stored>[]): readonly Effect<Stored>[] {
  if (effects.length > 0 || !makesChange(batch, effects)) return effects
  return [{ type: 'delete', key: batch.id }]
}

/** Writes the change to the log and to the history, and moves the head. */
function write(log: Log, head: Head, work: Work, recording: Recording): Head {
  const changed = append(log, head, work)
  const next = { ...changed, history: record(log, head, changed, recording) }
  moveHead(log.connection, log.dictionary, next)
  return next
}

function together(_log: Log, _effects: Effect<Stored>[], _own: OwnWrite, execute: () => Outcome): Outcome {
  return execute()
}

function oneByOne({ connection }: Log, effects: Effect<Stored>[], own: OwnWrite, execute: () => Outcome): Outcome {
  const before = effects.length
  // Outside the savepoint, which undoes it otherwise.
  own.begin()
  try {
    return undoable(connection, execute)
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error
    effects.length = before
    return { status: 'refused', error }
  }
}

/** Usually the caller is up to date, and misses only the effects of this batch. */
function catchUp(log: Log, since: Version, head: Head, next: Head, work: Work): Committed<Stored>['catchUp'] {
  const { version: previous } = head
  const { effects, batch: id, notes, acknowledge } = work
  if (since !== previous || effects.length === 0) return changesSince(log, since, next)
  const change = {
    previous,
    version: next.version,
    effects,
    id,
    ...(notes && { notes }),
    ...(acknowledge && { acknowledge }),
  }
  return { type: 'changes', version: next.version, changes: [change] }
}

function targetOf(log: Log, head: Head, own: OwnWrite): Target<Stored> {
  const { connection, dictionary } = log
  const dict = escapeText(dictionary)
  const touched = new Map<Version, (key: string) => boolean>()
  return {
    get(key) {
      const row = connection.get(SQL.entry, dict, escapeText(key))
      return row && connection.columns.stored(row.value as Raw, row.value_type)
    },
    set(key, stored) {
      own.begin()
      refusable(log, key, () => connection.run(SQL.set, dict, escapeText(key), toColumn(stored)))
    },
    changedSince(since, key) {
      const isTouched = touched.get(since) ?? touchedSince(log, since, head)
      touched.set(since, isTouched)
      return isTouched(key)
    },
    entries: () => new Entries(dictionary).read(connection) ?? [],
    delete(key) {
      own.begin()
      refusable(log, key, () => connection.run(SQL.remove, dict, escapeText(key)))
    },
    clear() {
      const any = connection.get(SQL.any, dict) !== undefined
      own.begin()
      if (any) refusable(log, undefined, () => connection.run(SQL.clear, dict))
      return any
    },
  }
}

/** Runs a statement that may fail because of what one group writes. */
function refusable({ dictionary }: Log, key: string | undefined, statement: () => void): void {
  try {
    statement()
  } catch (error) {
    if (key !== undefined && isTooBig(error)) throw tooBig(key, dictionary, error)
    throw isRefused(error) ? refused(dictionary, key, error) : error
  }
}
