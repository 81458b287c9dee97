import type { HistoryPolicy } from '../../contract/history.js'
import { escapeText } from '../sql/escape.js'
import { type Head, readHead } from './head.js'
import { HISTORY_SQL } from './history-sql.js'
import { type HistoryState, policyColumns } from './history-state.js'
import type { Log } from './log.js'
import { formatNote, parseNote } from './log-record.js'
import { trimNow } from './retain.js'
import type { Raw } from './text.js'

/** Records the policy, and drops what it does not keep. Call it inside a transaction that writes. */
export function recordPolicy(log: Log, policy: HistoryPolicy): void {
  const head = readHead(log.connection, log.dictionary)
  if (head.version === undefined || isSamePolicy(head.history.policy, policy)) return
  const { position, floor, commits } = policy ? trimKept(log, head, policy) : dropAll(log, head.history)
  const columns = [...policyColumns(policy), position, floor, commits]
  log.connection.run(HISTORY_SQL.setPolicy, ...columns, escapeText(log.dictionary))
}

export function isSamePolicy(one: HistoryPolicy, other: HistoryPolicy): boolean {
  if (one === false || other === false) return one === other
  return one.keep === other.keep && one.days === other.days
}

/** Commits that are not to be seen, because others are missing after them, are left to the next write. */
function trimKept(log: Log, head: Head, policy: Exclude<HistoryPolicy, false>): HistoryState {
  return head.history.nonce === head.nonce ? trimNow(log, head.history, policy, Date.now()) : head.history
}

/** At once, because someone may have asked for it for the sake of privacy. */
function dropAll({ connection, dictionary }: Log, history: HistoryState): HistoryState {
  const dict = escapeText(dictionary)
  for (const sql of [HISTORY_SQL.dropCommits, HISTORY_SQL.dropKeys, HISTORY_SQL.dropDropped]) connection.run(sql, dict)
  return { ...history, floor: history.position, commits: 0 }
}

/** Removes the author from all commits and from the log. Returns the number of commits. Call it inside a transaction that writes. */
export function forgetAuthor(log: Log, by: string): number {
  const { connection, dictionary } = log
  const columns = [escapeText(by), escapeText(dictionary)]
  const count = connection.get(HISTORY_SQL.countAuthor, ...columns)
  connection.run(HISTORY_SQL.forgetAuthor, ...columns)
  forgetInLog(log, by)
  return Number(count?.commits)
}

function forgetInLog({ connection, dictionary }: Log, author: string): void {
  const dict = escapeText(dictionary)
  for (const { number, position, note: raw, note_type: type } of connection.all(HISTORY_SQL.notes, dict)) {
    const note = parseNote(connection.columns.text(raw as Raw, type))
    if (note?.by !== author) continue
    connection.run(HISTORY_SQL.setNote, formatNote({ ...note, by: undefined }), dict, number, position)
  }
}
