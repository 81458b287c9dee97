import { isUtf8 } from 'node:buffer'
import type { Change, Effect, Version } from '../../contract/backend.js'
import type { CommitNote } from '../../contract/history.js'
import { UnsupportedError } from '../../errors/errors.js'
import { builtin } from '../../process/builtin.js'
import { type Asking, asksFor, parseAsks, withAsk } from './asks.js'
import { type HistoryMark, parseMark } from './history-state.js'
import { formatInterruption, type Interruption, parseInterruption } from './interruption.js'
import { formatRecord, idOf, isChangeId, type LoggedEffect, parseJson, parseRecord } from './log-record.js'
import { isCount, isEpoch, membersOf } from './members.js'
import { PARTS } from './names.js'
import { lengthOfNotes, type Noted, notesFor, parseNotes, withNotes } from './notes.js'
import type { Stored } from './stored.js'

/** The format of the znodes. */
const FORMAT = 1

/**
 * The longest log of the head, in characters. Every change writes it and every process reads it at every change. A
 * longer log would help processes that check rarely, at the cost of all others; those processes can read its earlier
 * parts.
 */
const LOG_LIMIT = 2_048

/**
 * The longest latest change, in characters, even if it exceeds LOG_LIMIT. A change that is longer with its values is
 * stored without them.
 */
const CHANGE_LIMIT = 16_384

/**
 * The longest part that is moved to its own znode, in characters. Together with the latest change it must leave room
 * for the data in a transaction.
 */
const PART_LIMIT = 4_096

/** The largest recorded bound, in ms: the longest timer of Node.js. */
const BOUND_LIMIT = 2 ** 31 - 1

/**
 * The current position in the history of a dictionary: the contents of the znode that stores the version. The first
 * line describes the version; each further line is a change, the latest one last.
 */
export interface Head extends Noted, Asking {
  /** The id of the history: each cut starts another one. */
  readonly epoch: string
  /** The number of changes in it. */
  readonly number: number
  /** The change that led here: the id of a batch, and which part of it. */
  readonly id: string
  /** The change before the first one in the log. */
  readonly base: string
  /** How many parts of the log were stored so far. Each one overwrites the part {@link PARTS} before it. */
  readonly parts: number
  /** How long a replica relies on its memory after a check, in ms. */
  readonly bound: number
  /** How many children of the path were created and deleted. It reveals external writers that do so. */
  readonly cversion: number
  /** Absent if a release without a history made the latest change, or a cut. */
  readonly history?: HistoryMark | undefined
  /** Present from a cut until what external writers did is recorded. */
  readonly interruption?: Interruption | undefined
  readonly log: readonly string[]
}

/** An earlier part of the log, as stored in its znode: at least one change. */
export interface Part extends Noted, Asking {
  readonly epoch: string
  /** The number of its last change. */
  readonly number: number
  /** The change before its first one. */
  readonly base: string
  readonly log: readonly string[]
}

/** The earlier parts of the log, as they were read. */
export interface Parts {
  readonly read: readonly Part[]
  /** Describes a znode whose contents are not a valid part, if there is one. */
  readonly damage?: string | undefined
}

/** The head after a change, and the part of the log that the change stores, if any. */
export interface Moved {
  readonly head: Head
  readonly part?: { readonly place: number; readonly content: Part }
}

/** What a change says besides its effects. */
interface Said {
  readonly notes?: readonly CommitNote[] | undefined
  readonly acknowledge?: boolean | undefined
}

/** A change in the log. */
export interface LoggedChange extends Omit<Change<Stored>, 'effects'> {
  readonly effects: readonly LoggedEffect[]
}

/** The changes from a version to a head, or why they are unknown: see `Gap` of the contract. */
export type Past =
  | { readonly changes: readonly LoggedChange[] }
  | { readonly diverged: boolean; readonly damage?: string | undefined }

const VERSION = /^(\d+)-([0-9a-f]+)-(.*)$/s

export function versionOf({ number, epoch, id }: Pick<Head, 'number' | 'epoch' | 'id'>): string {
  return `${number}-${epoch}-${id}`
}

/** Where the history of commits is to continue, as far as the head says it. */
export function historyOf({ history, interruption }: Head): HistoryMark | undefined {
  return history ?? interruption?.mark
}

/** Returns the first head of a new history. */
export function newHead(bound: number, cversion: number): Head {
  const id = `${builtin.crypto.randomBytes(9).toString('hex')}.0`
  return {
    epoch: builtin.crypto.randomBytes(6).toString('hex'),
    number: 0,
    id,
    base: id,
    parts: 0,
    bound,
    cversion,
    log: [],
  }
}

/** Adds a change. If the log has no room for it, the present log is stored as a part, and the change starts a new log. */
export function addChange(
  head: Head,
  id: string,
  effects: readonly Effect<Stored>[],
  cversion: number,
  { notes: noted, acknowledge }: Said = {},
): Moved {
  const { notes, asks, ...rest } = head
  const next = { ...rest, number: head.number + 1, id, cversion }
  const own = { ...withNotes(undefined, next.number, noted), ...withAsk(undefined, next.number, acknowledge) }
  let line = formatRecord(id, effects, true)
  if (line.length > CHANGE_LIMIT) line = formatRecord(id, effects, false)
  // Processes that have not read it must load everything, so the earlier changes are useless.
  if (line.length > CHANGE_LIMIT) return { head: { ...next, base: id, log: [] } }
  const { epoch, number, base, parts, log } = head
  const length = lengthOf(log) + lengthOfNotes(notes)
  const isShort = log.length === 0 || length + line.length + lengthOfNotes(noted) <= LOG_LIMIT
  if (isShort && leadsTo(head)) {
    return {
      head: {
        ...next,
        ...withNotes(log.length > 0 ? notes : undefined, next.number, noted),
        ...withAsk(log.length > 0 ? asks : undefined, next.number, acknowledge),
        log: [...log, line],
      },
    }
  }
  const alone = { ...next, ...own, base: head.id, log: [line] }
  if (length > PART_LIMIT || !leadsTo(head)) return { head: alone }
  const part = {
    place: parts % PARTS,
    content: { epoch, number, base, ...(notes && { notes }), ...(asks && { asks }), log },
  }
  return { head: { ...alone, parts: parts + 1 }, part }
}

/** Adds a change that there is no room for in the log: processes that have not seen it must load everything. */
export function skipChange({ notes: _, asks: __, ...head }: Head, id: string, cversion: number): Moved {
  return { head: { ...head, number: head.number + 1, id, cversion, base: id, log: [] } }
}

/**
 * Returns whether the log's latest change is the head's. Otherwise another program wrote the log, and nothing is
 * added to it.
 */
function leadsTo({ id, base, log }: Head): boolean {
  const last = log.at(-1)
  return (last === undefined ? base : idOf(last)) === id
}

export function formatHead({ log, interruption, ...head }: Head): Buffer {
  return toLines(
    { format: FORMAT, ...head, ...(interruption && { interruption: formatInterruption(interruption) }) },
    log,
  )
}

export function formatPart({ log, ...part }: Part): Buffer {
  return toLines(part, log)
}

/**
 * Parses a head. Returns `undefined` unless every member is valid: starting a new history is better than one that
 * nobody can continue.
 *
 * @throws UnsupportedError if a later version of the library wrote it.
 */
export function parseHead(data: Buffer, dictionary: string): Head | undefined {
  const { first, log } = linesOf(data)
  const { format, epoch, number, id, base, parts, bound, cversion } = first
  if (isCount(format) && format > FORMAT) throw laterFormat(format, dictionary)
  if (format !== FORMAT || !isEpoch(epoch) || !isChangeId(id) || !isChangeId(base)) return undefined
  if (!isCount(number) || !isCount(parts) || !isBound(bound) || !Number.isSafeInteger(cversion)) return undefined
  if (log.length > number) return undefined
  const history = parseMark(first.history)
  const interruption = parseInterruption(first.interruption)
  const optional = {
    ...parseNotes(first.notes),
    ...parseAsks(first.asks, number, log.length),
    ...(history && { history }),
    ...(interruption && { interruption }),
  }
  return { epoch, number, id, base, parts, bound, cversion: cversion as number, ...optional, log }
}

/** Returns the bound of a head, even if the rest is malformed: other processes rely on it. */
export function salvageBound(data: Buffer): number {
  const { bound } = linesOf(data).first
  return isBound(bound) ? bound : 0
}

/** Parses an earlier part of the log. Returns `undefined` if it is malformed. */
export function parsePart(data: Buffer): Part | undefined {
  const { first, log } = linesOf(data)
  const { epoch, number, base } = first
  if (!isEpoch(epoch) || !isCount(number) || !isChangeId(base)) return undefined
  const last = log.at(-1)
  if (last === undefined || log.length > number || !parseRecord(last)) return undefined
  return { epoch, number, base, ...parseNotes(first.notes), ...parseAsks(first.asks, number, log.length), log }
}

/** Returns the head with a longer log: it includes the parts that lead up to the head's log without a gap. */
export function withParts(head: Head, parts: readonly Part[]): Head {
  let { base, log, notes, asks } = head
  for (;;) {
    const number = head.number - log.length
    // Each part leads further back, so that none is used twice.
    const part = parts.find(one => one.epoch === head.epoch && one.number === number && lastOf(one) === base)
    if (!part) return { ...head, base, ...(notes && { notes }), ...(asks && { asks }), log }
    log = [...part.log, ...log]
    if (part.notes) notes = { ...part.notes, ...notes }
    if (part.asks) asks = [...part.asks, ...(asks ?? [])]
    base = part.base
  }
}

/** Returns the changes since a version, from the log and its earlier parts. */
export function pastWithParts(head: Head, { read, damage }: Parts, since: Version): Past {
  const past = pastSince(withParts(head, read), since)
  return 'changes' in past || past.diverged || damage === undefined ? past : { diverged: true, damage }
}

/** Returns the changes since a version, from the log alone. */
export function pastSince(head: Head, since: Version): Past {
  const [, number, epoch, id] = VERSION.exec(String(since)) ?? []
  if (epoch !== head.epoch || Number(number) >= head.number) return { diverged: true }
  const start = head.log.length - (head.number - Number(number))
  if (start < 0) return { diverged: false }
  const before = start === 0 ? head.base : parseRecord(head.log[start - 1] as string)?.id
  if (before === undefined) return damaged(Number(number))
  if (before !== id) return { diverged: true }
  return changesOf(head, start, String(since))
}

/** Returns the changes of a head's log from an index on. */
function changesOf(head: Head, start: number, since: string): Past {
  const changes: LoggedChange[] = []
  let previous = since
  for (let at = start; at < head.log.length; at += 1) {
    const number = head.number - head.log.length + at + 1
    const record = parseRecord(head.log[at] as string)
    if (!record) return damaged(number)
    const version = versionOf({ number, epoch: head.epoch, id: record.id })
    const { effects } = record
    const notes = notesFor(head.notes, number, effects.length)
    changes.push({
      previous,
      version,
      effects,
      id: batchOf(record.id),
      ...(notes && { notes }),
      ...asksFor(head.asks, number),
    })
    previous = version
  }
  return previous === versionOf(head) ? { changes } : damaged(head.number)
}

function damaged(number: number): Past {
  const where = `%version or %log-0 to %log-${PARTS - 1}`
  return { diverged: true, damage: `the record of change ${number} in the change log (znode ${where})` }
}

/** The id of one part of a batch. */
export function partId(batch: string, part: number): string {
  return `${batch}.${part}`
}

function batchOf(id: string): string {
  return id.slice(0, id.lastIndexOf('.'))
}

function toLines(first: object, log: readonly string[]): Buffer {
  return Buffer.from([JSON.stringify(first), ...log].join('\n'))
}

function lastOf({ log }: Part): string {
  return idOf(log.at(-1) ?? '')
}

function lengthOf(log: readonly string[]): number {
  return log.reduce((sum, line) => sum + line.length, 0)
}

/**
 * Returns the members of the first line, and the other lines. Returns neither if the data is not UTF-8, which would
 * be decoded to different text.
 */
function linesOf(data: Buffer): { first: Readonly<Record<string, unknown>>; log: string[] } {
  if (!isUtf8(data)) return { first: {}, log: [] }
  const [text = '', ...log] = data.toString().split('\n')
  return { first: membersOf(parseJson(text)), log }
}

function isBound(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= BOUND_LIMIT
}

function laterFormat(format: number, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `The znodes of dictionary "${dictionary}" have format ${format}, but this version of durabledict supports only ` +
      `format ${FORMAT}. Update durabledict.`,
    { dictionary },
  )
}
