import type { HistoryLimits } from '../../contract/history.js'
import { type IndexedCommit, isTrimDue, retain } from '../../contract/retention.js'
import { escapeText } from '../sql/escape.js'
import type { Row } from './connection.js'
import { HISTORY_SQL } from './history-sql.js'
import type { HistoryState } from './history-state.js'
import type { Log } from './log.js'
import type { ColumnReader, Raw } from './text.js'

const DAY = 86_400_000

/** How many rows of dropped commits one write removes at least, and every how many commits. */
const SWEEP_ROWS = 512
const SWEEP_EVERY = 8

/**
 * Drops commits that the policy does not keep, if it is time to. Reads the whole index only if there are too many commits.
 *
 * @param added - how many commits the caller has added.
 */
export function trim(log: Log, history: HistoryState, added: number, now: number): HistoryState {
  const { policy, position, commits } = history
  if (policy === false) return history
  // No position is a multiple here: this asks for the number alone.
  if (isTrimDue(policy, commits, 1)) return trimNow(log, history, policy, now)
  const isAgeDue = Array.from({ length: added }).some((_, index) => isTrimDue(policy, 0, position - index))
  return isAgeDue ? trimOld(log, history, policy, now) : history
}

/** Drops all commits that the policy does not keep. */
export function trimNow(log: Log, history: HistoryState, limits: HistoryLimits, now: number): HistoryState {
  const index = readIndex(log, HISTORY_SQL.index)
  return drop(log, { ...history, commits: index.length }, index, limits, now)
}

/** Drops the commits that are too old. */
function trimOld(log: Log, history: HistoryState, limits: HistoryLimits, now: number): HistoryState {
  const cutoff = Math.floor(now - limits.days * DAY)
  const oldest = log.connection.get(HISTORY_SQL.isOld, escapeText(log.dictionary), cutoff)
  if (oldest?.old !== 1) return history
  return drop(log, history, readIndex(log, HISTORY_SQL.oldIndex, cutoff), limits, now)
}

function drop(log: Log, history: HistoryState, index: Index, limits: HistoryLimits, now: number): HistoryState {
  const { connection } = log
  const dict = escapeText(log.dictionary)
  const { positions, floor, dropped } = retain(index, limits, now, history.floor)
  const keys = new Map(index.map(({ position, key }) => [position, key]))
  for (const position of positions) {
    const key = keys.get(position)
    connection.run(HISTORY_SQL.dropCommit, dict, position)
    if (key !== undefined) connection.run(HISTORY_SQL.dropKey, dict, key, position)
  }
  for (const [key, position] of dropped) connection.run(HISTORY_SQL.noteDropped, dict, key, position)
  if (floor > history.floor) connection.run(HISTORY_SQL.forgetDropped, dict, floor)
  return { ...history, floor, commits: Math.max(0, history.commits - positions.length) }
}

/** Their keys are as stored. */
type Index = readonly IndexedCommit[]

function readIndex({ connection, dictionary }: Log, sql: string, ...parameters: unknown[]): Index {
  const rows = connection.all(sql, escapeText(dictionary), ...parameters)
  return rows.map(row => toIndexed(row, connection.columns)).filter(commit => commit !== undefined)
}

function toIndexed({ position, at, key, key_type: type }: Row, columns: ColumnReader): IndexedCommit | undefined {
  if (typeof position !== 'number') return undefined
  return { position, at: typeof at === 'number' ? at : 0, key: columns.text(key as Raw, type) }
}

/**
 * Removes rows of dropped commits that changed many keys, a few with each write: more than the write adds, so that they never pile
 * up, and not all at once, because that could take seconds.
 *
 * @param added - the rows that the caller has added.
 */
export function sweep({ connection, dictionary }: Log, { floor, position }: HistoryState, added: number): void {
  if (floor === 0 || (added < SWEEP_EVERY && position % SWEEP_EVERY !== 0)) return
  connection.run(HISTORY_SQL.sweep, escapeText(dictionary), floor, Math.max(SWEEP_ROWS, 2 * added))
}
