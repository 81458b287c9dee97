import { isDeepStrictEqual } from 'node:util'
import type { Effect } from '../../contract/backend.js'
import type { KeyChange } from '../../contract/history.js'
import { sameStored } from '../../contract/same-stored.js'
import { InvalidValueError, StoreUnavailableError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import type { Connection } from './connection.js'
import { EDIT_OBJECTS } from './edits/edit-objects.js'
import { hasEdits } from './edits/edit-triggers.js'
import { type Head, readHead } from './head.js'
import { HISTORY_SQL } from './history-sql.js'
import { changesSince, type Log } from './log.js'
import { SQL } from './sql.js'
import type { Raw, Stored } from './text.js'

/** The triggers of a file. */
export interface FileTriggers {
  /** Whether the file, or only this connection, has triggers of others on the library's tables. */
  readonly any: boolean
  /** Whether those of the library are there. */
  readonly edits: boolean
}

/** Valid as long as the schema is unchanged. */
interface TriggerCheck extends FileTriggers {
  readonly schema: unknown
}

const checks = new WeakMap<Connection, TriggerCheck>()

/** Returns the triggers on the library's tables. Call it inside a transaction. */
export function fileTriggers(connection: Connection): FileTriggers {
  const found = inSchema(connection)
  return connection.get(SQL.temporaryTriggers) === undefined ? found : { ...found, any: true }
}

function inSchema(connection: Connection): FileTriggers {
  const schema = connection.pragma('schema_version')
  const last = checks.get(connection)
  if (last !== undefined && last.schema === schema) return last
  const any = connection.get(SQL.triggers, JSON.stringify([...EDIT_OBJECTS.keys()])) !== undefined
  const check = { schema, any, edits: hasEdits(connection) }
  checks.set(connection, check)
  return check
}

/**
 * Compares the rows with the effects of the latest group.
 *
 * @throws InvalidValueError if a trigger altered or skipped one of them: memory must not differ from the rows.
 */
export function checkEntries({ connection, dictionary }: Log, effects: readonly Effect<Stored>[]): void {
  const dict = escapeText(dictionary)
  const written = new Map<string, Stored | undefined>()
  for (const effect of effects) {
    if (effect.type !== 'clear') written.set(effect.key, effect.type === 'set' ? effect.stored : undefined)
    else for (const key of written.keys()) written.set(key, undefined)
  }
  for (const [key, stored] of written) {
    const row = connection.get(SQL.entry, dict, escapeText(key))
    const found = row && connection.columns.stored(row.value as Raw, row.value_type)
    if (!sameStored(found, stored)) throw altered(dictionary, key)
  }
  if (effects.at(-1)?.type === 'clear' && connection.get(SQL.any, dict) !== undefined) throw altered(dictionary)
}

/** @throws StoreUnavailableError if a trigger altered or skipped the commit's rows in the log or its head. */
export function checkHistory(log: Log, before: Head, after: Head, effects: readonly Effect<Stored>[]): void {
  const { connection, dictionary } = log
  const head = readHead(connection, dictionary)
  if (head.version !== after.version || !isDeepStrictEqual(head.history, after.history))
    throw hidden(dictionary, 'heads')
  const isLogged = after.logRows === 0 || isSameChange(changesSince(log, before.version, after), effects)
  if (!isLogged) throw hidden(dictionary, 'changes')
}

/**
 * Checks that a commit is in the history.
 *
 * @throws StoreUnavailableError if a trigger skipped one of its rows, or altered their keys.
 */
export function checkCommit(
  { connection, dictionary }: Log,
  position: number,
  nonce: string,
  changes: readonly KeyChange<Stored>[],
): void {
  const dict = escapeText(dictionary)
  if (connection.get(HISTORY_SQL.nonceAt, dict, position)?.nonce !== nonce) throw hidden(dictionary, 'commits')
  for (const { key } of changes) {
    const row = connection.get(HISTORY_SQL.hasKey, dict, escapeText(key), position)
    if (row === undefined) throw hidden(dictionary, 'commit_keys')
  }
}

function hidden(dictionary: string, table: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Nothing was written to dictionary "${dictionary}": a trigger altered or skipped a row of durabledict_${table}. ` +
      'Remove the trigger.',
    { dictionary },
  )
}

function isSameChange(found: ReturnType<typeof changesSince>, effects: readonly Effect<Stored>[]): boolean {
  if (found.type !== 'changes') return false
  const logged = found.changes.flatMap(change => change.effects)
  return logged.length === effects.length && logged.every((effect, n) => isSameEffect(effect, effects[n]))
}

function isSameEffect(found: Effect<Stored>, written: Effect<Stored> | undefined): boolean {
  if (found.type !== written?.type) return false
  if (found.type === 'clear' || written.type === 'clear') return true
  if (found.key !== written.key) return false
  return found.type !== 'set' || written.type !== 'set' || sameStored(found.stored, written.stored)
}

function altered(dictionary: string, key?: string): InvalidValueError {
  const what = key === undefined ? 'clear()' : `The write of key ${JSON.stringify(key)}`
  return new InvalidValueError(
    `${what} was rolled back in dictionary "${dictionary}": afterwards durabledict_entries did not contain the written value. ` +
      'Look for a trigger on that table that alters or skips rows.',
    { dictionary, key },
  )
}
