import type { CatchUp, Effect, Version } from '../../contract/backend.js'
import type { CommitNote } from '../../contract/history.js'
import { escapeText } from '../sql/escape.js'
import { newNonce, parseVersion, toVersion } from '../sql/version.js'
import type { Connection, Row } from './connection.js'
import { isLayoutOld, isTableMissing } from './faults.js'
import type { Head } from './head.js'
import { formatNote, parseChanges, type StoredNote, toPosition } from './log-record.js'
import { SQL } from './sql.js'
import { bytesOf, type Column, type Stored, toColumn } from './text.js'

/** The most history to keep for each dictionary: changes of entries, and bytes of their keys and values. */
export const LOG_ROWS = 10_000
export const LOG_BYTES = 8 * 1024 * 1024

/** The connection and the dictionary of a history. */
export interface Log {
  readonly connection: Connection
  readonly dictionary: string
}

/** A row to add to the log. */
interface Entry {
  readonly type: string
  readonly key: string | null
  readonly value: Column | null
  readonly bytes: number
  readonly note: string | null
}

/** What a batch did. */
export interface Work {
  readonly effects: readonly Effect<Stored>[]
  readonly batch: string
  readonly notes?: readonly CommitNote[] | undefined
  /** Whether its change asks for acknowledgements. */
  readonly acknowledge?: boolean | undefined
}

/**
 * Adds one change to the log and returns the next head. It removes as much from the other end as no longer fits, so that
 * a commit costs the same whether the log is full or not. A change too large for the log empties it instead.
 */
export function append(log: Log, head: Head, { effects, batch, notes, acknowledge }: Work): Head {
  const entries = toEntries(effects, acknowledge ? asking(effects, notes) : notes)
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  const next = { epoch: head.epoch, number: head.number + 1, nonce: newNonce() }
  const fits = entries.length <= LOG_ROWS && bytes <= LOG_BYTES
  if (fits) insert(log, head.nonce, next, entries, batch)
  const size = fits ? trim(log, { logRows: head.logRows + entries.length, logBytes: head.logBytes + bytes }) : cut(log)
  return { ...head, ...next, ...size, version: toVersion(next.number, next.epoch, next.nonce) }
}

/**
 * Returns the changes since `base`. The history must contain `base` with its nonce: otherwise the changes are
 * unknown, or the file was restored. Runs in the transaction in which `head` was read.
 */
export function changesSince(log: Log, base: Version, head: Head): CatchUp<Stored> {
  try {
    return changesBetween(log, base, head)
  } catch (error) {
    if (!isTableMissing(error)) throw error
    return { type: 'tooOld', diverged: true, damage: 'durabledict_changes, which is missing' }
  }
}

function changesBetween(log: Log, base: Version, head: Head): CatchUp<Stored> {
  if (base === head.version) return { type: 'changes', version: head.version, changes: [] }
  const from = parseVersion(base)
  if (!from || from.epoch !== head.epoch || from.number >= head.number) return { type: 'tooOld', diverged: true }
  const { connection, dictionary } = log
  const rows = readRows(connection, escapeText(dictionary), from.number, head.number, LOG_ROWS + 1)
  const [first] = rows
  if (!first || (first.number !== null && first.number !== from.number + 1)) return cannotReach(log, from.number, head)
  if (first.previous !== null && first.previous !== from.nonce) return { type: 'tooOld', diverged: true }
  // After edits by hand the log can be longer, because they remove old changes less often.
  if (rows.length > LOG_ROWS) return { type: 'tooOld', diverged: false }
  const changes = parseChanges(rows, connection.columns, from, head)
  if (typeof changes === 'string') return { type: 'tooOld', diverged: true, damage: changes }
  return { type: 'changes', version: head.version, changes }
}

function readRows(connection: Connection, ...parameters: unknown[]): Row[] {
  try {
    return connection.all(SQL.changesAfter, ...parameters)
  } catch (error) {
    if (isLayoutOld(error)) return connection.all(SQL.oldChangesAfter, ...parameters)
    throw error
  }
}

/** The log was trimmed if it has nothing earlier and has as many rows as the head records. */
function cannotReach({ connection, dictionary }: Log, number: number, head: Head): CatchUp<Stored> {
  const rows = connection.get(SQL.logRows, number, escapeText(dictionary), head.number)
  if (rows?.log_rows === head.logRows && rows.earlier === 0) return { type: 'tooOld', diverged: false }
  return { type: 'tooOld', diverged: true, damage: `durabledict_changes, which has a gap after change ${number}` }
}

/**
 * Returns a function that returns whether a change since `base` touched a key, and true if that is unknown. Reads the
 * log once.
 */
export function touchedSince(log: Log, base: Version, head: Head): (key: string) => boolean {
  const past = changesSince(log, base, head)
  if (past.type !== 'changes') return () => true
  const effects = past.changes.flatMap(change => change.effects)
  if (effects.some(({ type }) => type === 'clear')) return () => true
  const keys = new Set(effects.map(effect => (effect as { key: string }).key))
  return key => keys.has(key)
}

/** The first note of a change says that it asks for acknowledgements. */
function asking(effects: readonly Effect<Stored>[], notes: readonly CommitNote[] | undefined): readonly StoredNote[] {
  const [first, ...others] = notes ?? [{ effects: effects.length }]
  return [{ ...(first as CommitNote), acknowledge: true }, ...others]
}

function toEntries(effects: readonly Effect<Stored>[], notes: readonly CommitNote[] = []): Entry[] {
  const first = new Map<number, string>()
  let index = 0
  for (const note of notes) {
    first.set(index, formatNote(note))
    index += note.effects
  }
  return effects.map((effect, n) => toEntry(effect, first.get(n) ?? null))
}

function toEntry(effect: Effect<Stored>, note: string | null): Entry {
  const extra = note === null ? 0 : bytesOf(note)
  if (effect.type === 'clear') return { type: 'clear', key: null, value: null, bytes: extra, note }
  const key = escapeText(effect.key)
  const value = effect.type === 'set' ? toColumn(effect.stored) : null
  const bytes = bytesOf(key) + (value === null ? 0 : bytesOf(value)) + extra
  return { type: effect.type, key, value, bytes, note }
}

function insert(
  { connection, dictionary }: Log,
  previous: string,
  { number, nonce }: Pick<Head, 'number' | 'nonce'>,
  entries: readonly Entry[],
  batch: string,
): void {
  const dict = escapeText(dictionary)
  connection.run(SQL.cutFrom, dict, number)
  for (const [index, { type, key, value, bytes, note }] of entries.entries()) {
    const position = toPosition(index, entries.length)
    connection.run(SQL.log, dict, number, position, nonce, previous, batch, type, key, value, bytes, note)
  }
}

type Size = Pick<Head, 'logRows' | 'logBytes'>

/** Clears the whole log if the recorded sizes are impossible because another program has altered them. */
function trim(log: Log, size: Size): Size {
  const dict = escapeText(log.dictionary)
  let { logRows, logBytes } = size
  while (logRows > LOG_ROWS || logBytes > LOG_BYTES) {
    const oldest = log.connection.get(SQL.oldest, dict, dict) as { log_rows: number; log_bytes: number }
    logRows -= oldest.log_rows
    logBytes -= oldest.log_bytes
    if (oldest.log_rows === 0 || !isSize(logRows) || !isSize(logBytes)) return cut(log)
    log.connection.run(SQL.trim, dict, dict)
  }
  return { logRows, logBytes }
}

function isSize(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0
}

function cut({ connection, dictionary }: Log): Size {
  connection.run(SQL.cut, escapeText(dictionary))
  return { logRows: 0, logBytes: 0 }
}
