import type { Batch, Committed, Effect, Group, Outcome, Version } from '../../contract/backend.js'
import { executeGroup, type Target } from '../../contract/execute-group.js'
import { InvalidValueError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import type { Connection } from './connection.js'
import { isTableMissing, isTooBig, tooBig } from './faults.js'
import { type Head, type NoHead, readHead } from './head.js'
import { append, changesSince, type Log, touchedSince } from './log.js'
import { SQL } from './sql.js'
import { type Raw, type Stored, toColumn } from './text.js'
import { undoable, writing } from './transactions.js'

/** What a batch led to. */
export interface Result {
  readonly committed: Committed<Stored>
  readonly head: Head
}

/** The file does not hold the dictionary (any more): nothing was written. */
export interface NoResult {
  readonly committed?: undefined
  readonly head: NoHead
}

/**
 * Executes a batch in one transaction. A group with a value that is too large is refused alone: only then is each group
 * executed in a savepoint of its own.
 */
export function commitBatch(log: Log, batch: Batch<Stored>, since: Version): Result | NoResult {
  try {
    return writing(log.connection, () => run(log, batch, since, execute))
  } catch (error) {
    if (isTableMissing(error)) return { head: { damage: undefined } }
    if (!(error instanceof InvalidValueError)) throw error
    return writing(log.connection, () => run(log, batch, since, executeOrRefuse))
  }
}

/** Tells of the damage for which the history was founded again before the batch was executed. */
export function withDamage({ head, committed }: Result, damage: string | undefined): Result {
  const { catchUp } = committed
  return catchUp.type === 'tooOld'
    ? { head, committed: { ...committed, catchUp: { ...catchUp, damage } } }
    : { head, committed }
}

type Execute = typeof execute

function run(log: Log, batch: Batch<Stored>, since: Version, executeOne: Execute): Result | NoResult {
  const head = readHead(log.connection, log.dictionary)
  if (head.version === undefined) return { head }
  const effects: Effect<Stored>[] = []
  const target = targetOf(log, head)
  const outcomes = batch.groups.map(group =>
    executeOne(log.connection, group, target, effects.length > 0 ? undefined : head.version, effects),
  )
  const next = effects.length > 0 ? append(log, head, effects, batch.id) : head
  const { bound } = head
  return { head: next, committed: { outcomes, bound, catchUp: catchUp(log, since, head, next, effects, batch.id) } }
}

function execute(
  _connection: Connection,
  group: Group<Stored>,
  target: Target<Stored>,
  version: Version | undefined,
  effects: Effect<Stored>[],
): Outcome {
  return executeGroup(group, target, version, effects)
}

function executeOrRefuse(...[connection, group, target, version, effects]: Parameters<Execute>): Outcome {
  const before = effects.length
  try {
    return undoable(connection, () => executeGroup(group, target, version, effects))
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error
    effects.length = before
    return { status: 'refused', error }
  }
}

/** Mostly the caller is up to date, and what it lacks is at hand. */
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
      try {
        connection.run(SQL.set, dict, escapeText(key), toColumn(stored))
      } catch (error) {
        throw isTooBig(error) ? tooBig(key, dictionary, error) : error
      }
    },
    changedSince(since, key) {
      const isTouched = touched.get(since) ?? touchedSince(log, since, head)
      touched.set(since, isTouched)
      return isTouched(key)
    },
    delete: key => connection.run(SQL.remove, dict, escapeText(key)),
    clear() {
      const any = connection.get(SQL.any, dict) !== undefined
      if (any) connection.run(SQL.clear, dict)
      return any
    },
  }
}
