import type { Batch, Committed, Effect, Group, Outcome, Version } from '../../contract/backend.js'
import { executeGroup, type Target } from '../../contract/execute-group.js'
import { InvalidValueError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import { isRefused, isTableMissing, isTooBig, refused, tooBig } from './faults.js'
import { type Head, type NoHead, readHead } from './head.js'
import { append, changesSince, type Log, touchedSince } from './log.js'
import { SQL } from './sql.js'
import { type Raw, type Stored, toColumn } from './text.js'
import { undoable, writing } from './transactions.js'
import { checkEntries, checkHistory, hasTriggers } from './triggers.js'

/** The result of a batch. */
export interface Result {
  readonly committed: Committed<Stored>
  readonly head: Head
}

/** The file does not contain the dictionary (any more): nothing was written. */
export interface NoResult {
  readonly committed?: undefined
  readonly head: NoHead
}

/**
 * Executes a batch in one transaction. If SQLite, a constraint or a trigger rejects a group, only that group is
 * refused: the batch is then executed again, with a savepoint for each group.
 */
export function commitBatch(log: Log, batch: Batch<Stored>, since: Version): Result | NoResult {
  try {
    return writing(log.connection, () => run(log, batch, since, together))
  } catch (error) {
    if (isTableMissing(error)) return { head: { damage: undefined } }
    if (!(error instanceof InvalidValueError)) throw error
    return writing(log.connection, () => run(log, batch, since, oneByOne))
  }
}

/** Adds the damage that made a new history necessary before the batch was executed. */
export function withDamage({ head, committed }: Result, damage: string | undefined): Result {
  const { catchUp } = committed
  return catchUp.type === 'tooOld'
    ? { head, committed: { ...committed, catchUp: { ...catchUp, damage } } }
    : { head, committed }
}

type Isolate = (log: Log, effects: Effect<Stored>[], execute: () => Outcome) => Outcome

function run(log: Log, batch: Batch<Stored>, since: Version, isolate: Isolate): Result | NoResult {
  const head = readHead(log.connection, log.dictionary)
  if (head.version === undefined) return { head }
  const effects: Effect<Stored>[] = []
  const check = hasTriggers(log.connection)
  const target = targetOf(log, head)
  const execute = (group: Group<Stored>) => {
    const from = effects.length
    const outcome = executeGroup(group, target, from > 0 ? undefined : head.version, effects)
    if (check) checkEntries(log, effects.slice(from))
    return outcome
  }
  const outcomes = batch.groups.map(group => isolate(log, effects, () => execute(group)))
  const next = effects.length > 0 ? append(log, head, effects, batch.id) : head
  if (check) checkHistory(log, head, next, effects)
  const { bound } = head
  return { head: next, committed: { outcomes, bound, catchUp: catchUp(log, since, head, next, effects, batch.id) } }
}

function together(_log: Log, _effects: Effect<Stored>[], execute: () => Outcome): Outcome {
  return execute()
}

function oneByOne({ connection }: Log, effects: Effect<Stored>[], execute: () => Outcome): Outcome {
  const before = effects.length
  try {
    return undoable(connection, execute)
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error
    effects.length = before
    return { status: 'refused', error }
  }
}

/** Usually the caller is up to date, and misses only the effects of this batch. */
function catchUp(
  log: Log,
  since: Version,
  { version: previous }: Head,
  next: Head,
  effects: readonly Effect<Stored>[],
  id: string,
): Committed<Stored>['catchUp'] {
  if (since !== previous || effects.length === 0) return changesSince(log, since, next)
  return { type: 'changes', version: next.version, changes: [{ previous, version: next.version, effects, id }] }
}

function targetOf(log: Log, head: Head): Target<Stored> {
  const { connection, dictionary } = log
  const dict = escapeText(dictionary)
  const touched = new Map<Version, (key: string) => boolean>()
  return {
    get(key) {
      const row = connection.get(SQL.entry, dict, escapeText(key))
      return row && connection.columns.stored(row.value as Raw, row.value_type)
    },
    set(key, stored) {
      refusable(log, key, () => connection.run(SQL.set, dict, escapeText(key), toColumn(stored)))
    },
    changedSince(since, key) {
      const isTouched = touched.get(since) ?? touchedSince(log, since, head)
      touched.set(since, isTouched)
      return isTouched(key)
    },
    delete: key => refusable(log, key, () => connection.run(SQL.remove, dict, escapeText(key))),
    clear() {
      const any = connection.get(SQL.any, dict) !== undefined
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
