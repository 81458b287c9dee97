import {
  type HistoryPage,
  type HistoryQuery,
  isMoment,
  type KeyChange,
  keyChange,
  type StoredCommit,
  type Via,
} from '../../contract/history.js'
import { foreignCommit } from '../../errors/history-faults.js'
import { warn } from '../../warnings/warnings.js'
import { escapeText, unescapeText } from '../sql/escape.js'
import { parseVersion, toVersion } from '../sql/version.js'
import { isTableMissing } from './faults.js'
import type { Head } from './head.js'
import { HISTORY_SQL } from './history-sql.js'
import type { HistoryState } from './history-state.js'
import type { Log } from './log.js'
import type { ColumnReader, Raw, Stored } from './text.js'

type Commit = StoredCommit<Stored>

/** Positions between which commits are looked for, without both. */
interface Span {
  readonly above: number
  readonly below: number
}

/**
 * Returns commits, newest first. Call it in the transaction in which the head was read. The history ends at a damaged row: it has no
 * gaps.
 *
 * @throws HistoryError if `before` names a commit of another history.
 */
export function readPage(log: Log, head: Head, query: HistoryQuery): HistoryPage<Stored> {
  const { history } = head
  const below = query.before === undefined ? history.position + 1 : positionBefore(log, head, query.before)
  if (history.nonce !== head.nonce) return emptyPage(history)
  try {
    return query.id === undefined
      ? pageBetween(log, head, { above: history.floor, below }, query)
      : pageOf(log, head, query.id, below)
  } catch (error) {
    // A table was removed: the next write starts the history again.
    if (isTableMissing(error)) return emptyPage(history)
    throw error
  }
}

/** Says that nothing is known of what happened so far. */
export function emptyPage(history?: HistoryState): HistoryPage<Stored> {
  return { commits: [], floor: Math.max(1, history?.position ?? 1), dropped: [] }
}

function pageOf(log: Log, head: Head, id: string, below: number): HistoryPage<Stored> {
  const position = positionOf(head, id)
  if (position === undefined || position >= below) return { commits: [], floor: head.history.floor, dropped: [] }
  const page = pageBetween(log, head, { above: position - 1, below: position + 1 }, { limit: 1 })
  return { ...page, commits: page.commits.filter(commit => commit.id === id) }
}

function pageBetween(log: Log, head: Head, span: Span, { key, limit }: HistoryQuery): HistoryPage<Stored> {
  const dict = escapeText(log.dictionary)
  const { above, below } = span
  const rows =
    key === undefined
      ? log.connection.arrays(HISTORY_SQL.commits, dict, above, below, limit)
      : log.connection.arrays(HISTORY_SQL.commitsOfKey, dict, above, below, escapeText(key), limit)
  const commits = parseCommits(log, head, rows)
  const isSound = commits.length === rows.length
  const floor = isSound ? head.history.floor : (commits.at(-1)?.position ?? below) - 1
  if (!isSound) warnOfDamage(log.dictionary, floor)
  return { commits, floor, dropped: readDropped(log, key) }
}

/** Returns the commits up to the first damaged one. */
function parseCommits(log: Log, head: Head, rows: readonly unknown[][]): Commit[] {
  const commits: Commit[] = []
  for (const row of rows) {
    const commit = parseCommit(log, head, row)
    if (!commit) break
    commits.push(commit)
  }
  return commits
}

/** The only parser of commits. Returns `undefined` if this library did not write the row. */
function parseCommit(log: Log, head: Head, row: readonly unknown[]): Commit | undefined {
  const { columns } = log.connection
  const [position, number, nonce, at, author, why, how, keys, ...change] = row
  if (typeof position !== 'number' || typeof number !== 'number' || typeof nonce !== 'string') return undefined
  const [by, reason, via] = [nullableText(columns, author), nullableText(columns, why), nullableText(columns, how)]
  const changes = change[0] === null ? readParts(log, position, keys) : onlyChange(columns, keys, change)
  if (!isMoment(at) || by === null || reason === null || typeof via !== 'string' || !changes) return undefined
  const [id, version] = [toVersion(position, head.epoch, nonce), toVersion(number, head.epoch, nonce)]
  return { id, position, version, at, by, reason, via: via as Via, changes }
}

/** Returns `null` if the column contains neither text nor NULL. */
function nullableText(columns: ColumnReader, raw: unknown): string | undefined | null {
  if (raw === null) return undefined
  const text = columns.text(raw as Raw, 'text')
  return text === undefined ? null : unescapeText(text)
}

function onlyChange(columns: ColumnReader, keys: unknown, row: readonly unknown[]): KeyChange<Stored>[] | undefined {
  const change = parseChange(columns, row)
  return change && keys === 1 ? [change] : undefined
}

/** Returns `undefined` if there are more or fewer rows than the commit has keys, or one is damaged. */
function readParts(log: Log, position: number, keys: unknown): KeyChange<Stored>[] | undefined {
  if (typeof keys !== 'number') return undefined
  const { connection, dictionary } = log
  const rows = connection.arrays(HISTORY_SQL.parts, escapeText(dictionary), position, keys + 1)
  const changes = rows.map(row => parseChange(connection.columns, row)).filter(change => change !== undefined)
  return changes.length === keys && rows.length === keys ? changes : undefined
}

/** A side that is neither text, bytes nor NULL is a damaged value, which fails alone. */
function parseChange(columns: ColumnReader, row: readonly unknown[]): KeyChange<Stored> | undefined {
  const [rawKey, before, beforeType, after, afterType] = row
  const key = rawKey === null ? undefined : columns.key(rawKey as Raw, 'text')
  if (key === undefined) return undefined
  return keyChange(key, sideOf(columns, before, beforeType), sideOf(columns, after, afterType))
}

function sideOf(columns: ColumnReader, raw: unknown, type: unknown): Stored | undefined {
  return type === 'null' ? undefined : columns.stored(raw as Raw, type)
}

function readDropped({ connection, dictionary }: Log, only: string | undefined): [string, number][] {
  const dict = escapeText(dictionary)
  const rows =
    only === undefined
      ? connection.all(HISTORY_SQL.dropped, dict)
      : connection.all(HISTORY_SQL.droppedOfKey, dict, escapeText(only))
  return rows.flatMap(({ key: raw, key_type: type, position }): [string, number][] => {
    const key = connection.columns.key(raw as Raw, type)
    return key === undefined || typeof position !== 'number' ? [] : [[key, position]]
  })
}

function positionBefore({ connection, dictionary }: Log, head: Head, id: string): number {
  const position = positionOf(head, id)
  if (position === undefined || position > head.history.position) throw foreignCommit(id, dictionary)
  const stored = nonceAt(connection, dictionary, position)
  // The file was restored, and another commit has the position now.
  if (stored !== undefined && !id.endsWith(`-${stored}`)) throw foreignCommit(id, dictionary)
  return position
}

function nonceAt(connection: Log['connection'], dictionary: string, position: number): unknown {
  try {
    return connection.get(HISTORY_SQL.nonceAt, escapeText(dictionary), position)?.nonce ?? undefined
  } catch (error) {
    if (isTableMissing(error)) return undefined
    throw error
  }
}

/** An id is written like a version, with the position in place of the number. */
function positionOf({ epoch }: Head, id: string): number | undefined {
  const parts = parseVersion(id)
  return parts?.epoch === epoch && Number.isSafeInteger(parts.number) ? parts.number : undefined
}

function warnOfDamage(dictionary: string, position: number): void {
  warn(
    'DURABLEDICT_DAMAGED_RECORD',
    `The history of dictionary "${dictionary}" ends at commit ${position}: its row in durabledict_commits, or one of its rows in ` +
      'durabledict_commit_keys, is damaged. Newer commits are not affected. Find out what else writes to the file.',
    { source: dictionary },
  )
}
