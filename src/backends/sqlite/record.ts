import { DamagedValue } from '../../contract/damaged-value.js'
import type { CommitNote, KeyChange } from '../../contract/history.js'
import { escapeText } from '../sql/escape.js'
import type { Connection } from './connection.js'
import type { Head } from './head.js'
import { HISTORY_SQL } from './history-sql.js'
import type { HistoryState } from './history-state.js'
import type { Log } from './log.js'
import { dropUpTo, sweep, trim } from './retain.js'
import { type Column, type Stored, toColumn } from './text.js'
import { checkCommit } from './triggers.js'

/** What one group of a batch did. */
export interface CommitRecord {
  readonly note: CommitNote
  readonly changes: readonly KeyChange<Stored>[]
  /** How many keys {@link Cleared} has recorded. */
  readonly cleared: number
}

/** What a batch did, one record for each of its groups. */
export interface Recording {
  readonly records: readonly CommitRecord[]
  /** Whether to check what was written, because triggers may alter it. */
  readonly check: boolean
}

/** What the columns `before` and `after` contain for a damaged value: a type that no value has. */
const DAMAGED = 0

/**
 * Adds the commits of a batch to the history, and removes old ones. Returns the new state of the history. Call it in the
 * transaction of the batch, before the head is moved.
 *
 * @param next - the state after the batch.
 */
export function record(log: Log, head: Head, next: Head, { records, check }: Recording): HistoryState {
  const { history } = head
  if (history.policy === false) return history
  const start = history.nonce === head.nonce ? history : beginAgain(log, history)
  const at = Date.now()
  let { position } = start
  for (const commit of records) {
    position += 1
    insert(log, next, position, at, commit)
    if (check) checkCommit(log, position, next.nonce, commit.changes)
  }
  const added = { ...start, position, commits: start.commits + records.length, nonce: next.nonce }
  const trimmed = trim(log, added, records.length, at)
  sweep(
    log,
    trimmed,
    records.reduce((sum, { changes, cleared }) => sum + changes.length + cleared, 0),
  )
  return trimmed
}

/** Commits are missing after the newest one: nothing older is kept, so that the history has no gaps. */
function beginAgain(log: Log, history: HistoryState): HistoryState {
  const position = Math.max(1, history.position)
  for (const sql of HISTORY_SQL.dropLater) log.connection.run(sql, escapeText(log.dictionary), position)
  return { ...dropUpTo(log, { ...history, position }, position), commits: 0 }
}

function insert(log: Log, next: Head, position: number, at: number, commit: CommitRecord): void {
  const { connection, dictionary } = log
  const { note, changes, cleared } = commit
  const dict = escapeText(dictionary)
  const added = cleared > 0 ? changes.filter(change => !addToCleared(connection, dict, position, change)) : changes
  const keys = cleared + added.length
  const [first] = added
  const key = first && keys === 1 ? escapeText(first.key) : null
  const names = [optional(note.by), optional(note.reason), note.via ?? 'library']
  connection.run(HISTORY_SQL.addCommit, dict, position, next.number, next.nonce, at, ...names, keys, key)
  for (const [index, change] of added.entries()) {
    insertKey(connection, dict, position, key === null ? cleared + index : null, change)
  }
}

/** Returns whether the key was cleared before: its row then says what it was, and now also what it became. */
function addToCleared(
  connection: Connection,
  dict: string,
  position: number,
  { key, after }: KeyChange<Stored>,
): boolean {
  const place = [dict, escapeText(key), position]
  const isCleared = connection.get(HISTORY_SQL.hasKey, ...place) !== undefined
  if (isCleared) connection.run(HISTORY_SQL.setAfter, sideOf(after), ...place)
  return isCleared
}

function insertKey(
  connection: Connection,
  dict: string,
  position: number,
  part: number | null,
  { key, before, after }: KeyChange<Stored>,
): void {
  connection.run(HISTORY_SQL.addKey, dict, escapeText(key), position, part, sideOf(before), sideOf(after))
}

function sideOf(stored: Stored | undefined): Column | number | null {
  if (stored === undefined) return null
  return stored instanceof DamagedValue ? DAMAGED : toColumn(stored)
}

function optional(text: string | undefined): string | null {
  return text === undefined ? null : escapeText(text)
}
