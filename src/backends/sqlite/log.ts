import type { CatchUp, Change, Effect, Version } from '../../contract/backend.js'
import { touches } from '../../contract/execute-group.js'
import { escapeText, unescapeText } from '../sql/escape.js'
import { newNonce, parseVersion, toVersion } from '../sql/version.js'
import type { Connection, Row } from './connection.js'
import type { Head } from './head.js'
import { SQL } from './sql.js'
import { bytesOf, fromColumn, type Stored, toColumn } from './text.js'

/** How much history is kept for each dictionary, at most: entries changed, and bytes of their keys and values. */
export const LOG_ROWS = 10_000
export const LOG_BYTES = 8 * 1024 * 1024

/** Where a dictionary's history is kept. */
export interface Log {
  readonly connection: Connection
  readonly dictionary: string
}

/** One row of the log to be. */
interface Entry {
  readonly type: string
  readonly key: string | null
  readonly value: Stored | null
  readonly bytes: number
}

/**
 * Adds one change to the history, and moves the head. What no longer fits is removed from the other end, as much as came:
 * a commit costs the same whether the log is full or not. A change too large for the log cuts the history instead.
 */
export function append(log: Log, head: Head, effects: readonly Effect<Stored>[], batch: string): Head {
  const { connection, dictionary } = log
  const entries = effects.map(toEntry)
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  const next = { epoch: head.epoch, number: head.number + 1, nonce: newNonce() }
  const fits = entries.length <= LOG_ROWS && bytes <= LOG_BYTES
  if (fits) insert(log, head.nonce, next, entries, batch)
  const size = fits ? trim(log, { logRows: head.logRows + entries.length, logBytes: head.logBytes + bytes }) : cut(log)
  connection.run(SQL.moveHead, next.number, next.nonce, size.logRows, size.logBytes, escapeText(dictionary))
  return { ...head, ...next, ...size, version: toVersion(next.number, next.epoch, next.nonce) }
}

/**
 * What happened since `base`. It must be found in the history, by its nonce: else what happened since is not known, or
 * the file was restored. One statement, hence of one state, which is `head` or a later one.
 */
export function changesSince(log: Log, base: Version, head: Head): CatchUp<Stored> {
  if (base === head.version) return { type: 'changes', version: head.version, changes: [] }
  const from = parseVersion(base)
  if (!from || from.epoch !== head.epoch || from.number >= head.number) return { type: 'tooOld', diverged: true }
  const rows = log.connection.all(SQL.changesAfter, escapeText(log.dictionary), from.number)
  if (rows[0]?.number !== from.number + 1) return { type: 'tooOld', diverged: false }
  if (rows[0].previous !== from.nonce) return { type: 'tooOld', diverged: true }
  const changes = toChanges(rows, head.epoch)
  return { type: 'changes', version: (changes.at(-1) as Change).version, changes }
}

/** Whether a change since `base` has touched the key; also where that is not known any more. */
export function touchedSince(log: Log, base: Version, head: Head, key: string): boolean {
  const past = changesSince(log, base, head)
  return past.type !== 'changes' || past.changes.some(({ effects }) => effects.some(effect => touches(effect, key)))
}

function toEntry(effect: Effect<Stored>): Entry {
  if (effect.type === 'clear') return { type: 'clear', key: null, value: null, bytes: 0 }
  const key = escapeText(effect.key)
  const value = effect.type === 'set' ? toColumn(effect.stored) : null
  return { type: effect.type, key, value, bytes: bytesOf(key) + (value === null ? 0 : bytesOf(value)) }
}

function insert(
  { connection, dictionary }: Log,
  previous: string,
  { number, nonce }: Pick<Head, 'number' | 'nonce'>,
  entries: readonly Entry[],
  batch: string,
): void {
  const dict = escapeText(dictionary)
  for (const [position, { type, key, value, bytes }] of entries.entries()) {
    connection.run(SQL.log, dict, number, position, nonce, previous, batch, type, key, value, bytes)
  }
}

type Size = Pick<Head, 'logRows' | 'logBytes'>

function trim({ connection, dictionary }: Log, size: Size): Size {
  const dict = escapeText(dictionary)
  let { logRows, logBytes } = size
  while (logRows > LOG_ROWS || logBytes > LOG_BYTES) {
    const oldest = connection.get(SQL.oldest, dict) as { number: number; log_rows: number; log_bytes: number }
    connection.run(SQL.trim, dict, oldest.number)
    logRows -= oldest.log_rows
    logBytes -= oldest.log_bytes
  }
  return { logRows, logBytes }
}

function cut({ connection, dictionary }: Log): Size {
  connection.run(SQL.cut, escapeText(dictionary))
  return { logRows: 0, logBytes: 0 }
}

function toChanges(rows: readonly Row[], epoch: string): Change<Stored>[] {
  const changes: (Change<Stored> & { readonly effects: Effect<Stored>[] })[] = []
  let number: unknown
  for (const row of rows) {
    if (row.number !== number) changes.push(toChange(row, epoch))
    number = row.number
    changes.at(-1)?.effects.push(toEffect(row))
  }
  return changes
}

function toChange(row: Row, epoch: string) {
  const { number, nonce, previous, batch } = row as { number: number; nonce: string; previous: string; batch: string }
  return {
    previous: toVersion(number - 1, epoch, previous),
    version: toVersion(number, epoch, nonce),
    effects: [],
    id: batch,
  }
}

function toEffect({ type, key, value }: Row): Effect<Stored> {
  if (type === 'clear') return { type }
  if (type === 'delete') return { type, key: unescapeText(key as string) }
  return { type: 'set', key: unescapeText(key as string), stored: fromColumn(value) }
}
