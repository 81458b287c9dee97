import type { HistoryLimits } from '../../contract/history.js'
import { isTrimDue } from '../../contract/retention.js'
import { escapeText } from '../sql/escape.js'
import { HISTORY_SQL } from './history-sql.js'
import type { HistoryState } from './history-state.js'
import type { Log } from './log.js'

const DAY = 86_400_000

/** How many rows of dropped commits one write removes at least, and every how many commits. */
const SWEEP_ROWS = 512
const SWEEP_EVERY = 8

/**
 * Drops commits that the policy does not keep, if it is time to.
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

/**
 * Drops all commits that the policy does not keep: the same as `retain` of the contract, in SQL, because reading the index of all
 * commits into the process would cost more than the rest of a write.
 */
export function trimNow(log: Log, history: HistoryState, limits: HistoryLimits, now: number): HistoryState {
  const young = trimOld(log, history, limits, now)
  const surplus = countCommits(log) - limits.keep
  return recount(log, surplus > 0 ? trimSurplus(log, young, surplus) : young)
}

function trimOld(log: Log, history: HistoryState, { days }: HistoryLimits, now: number): HistoryState {
  const cutoff = Math.floor(now - days * DAY)
  const dict = escapeText(log.dictionary)
  if (log.connection.get(HISTORY_SQL.isOld, dict, cutoff)?.old !== 1) return history
  const young = log.connection.get(HISTORY_SQL.firstYoung, dict, cutoff)?.position
  return recount(log, dropUpTo(log, history, young === undefined ? history.position : Number(young) - 1))
}

/** First the key with the most commits of its own loses its oldest one. When no key has more than one, the oldest commits go. */
function trimSurplus(log: Log, history: HistoryState, surplus: number): HistoryState {
  const { connection } = log
  const dict = escapeText(log.dictionary)
  const repeated = connection.all(HISTORY_SQL.repeated, dict, surplus).map(({ position }) => position)
  const list = JSON.stringify(repeated)
  for (const sql of HISTORY_SQL.drop) connection.run(sql, dict, list)
  const rest = surplus - repeated.length
  const kept = connection.get(HISTORY_SQL.oldest, dict, rest)?.position
  return dropUpTo(log, history, kept === undefined ? history.position : Number(kept) - 1)
}

/** Drops all commits up to a position. What those with several keys did is left to {@link sweep}. */
export function dropUpTo({ connection, dictionary }: Log, history: HistoryState, position: number): HistoryState {
  const dict = escapeText(dictionary)
  const floor = Math.max(history.floor, Math.min(position, history.position))
  for (const sql of HISTORY_SQL.dropUpTo) connection.run(sql, dict, floor)
  return { ...history, floor }
}

function recount(log: Log, history: HistoryState): HistoryState {
  return { ...history, commits: countCommits(log) }
}

function countCommits({ connection, dictionary }: Log): number {
  return Number(connection.get(HISTORY_SQL.count, escapeText(dictionary))?.commits)
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
