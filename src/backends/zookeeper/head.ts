import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { Change, Effect, Version } from '../../contract/backend.js'
import { UnsupportedError } from '../../errors/errors.js'
import { formatRecord, idOf, isChangeId, type LoggedEffect, parseJson, parseRecord } from './log-record.js'
import type { Stored } from './stored.js'

/** How the znodes are laid out. */
const FORMAT = 1

/**
 * How long the log of the head may be, in characters. It is written with every change, and read at every one by every
 * process: a longer one would serve those that check seldom, at the cost of all others. Those find more in its earlier parts.
 */
const LOG_LIMIT = 2_048

/** How many earlier parts of the log are kept, each in a znode of its own. */
export const PARTS = 4

/** How long the latest change of it may be nevertheless, in characters, with values or, where these are longer, without. */
const CHANGE_LIMIT = 16_384

/** How long a part may be that is put away, in characters: with the latest change it must leave a transaction its room. */
const PART_LIMIT = 4_096

/** The largest recorded bound, in ms: no timer of Node.js runs longer. */
const BOUND_LIMIT = 2 ** 31 - 1

/** Counters stay below it, so that they can still be counted up. */
const COUNT_LIMIT = 2 ** 52

/**
 * Where a dictionary's history stands: the contents of the znode that carries the version. Its first line says which
 * version it is; each further one is a change, the latest one last.
 */
export interface Head {
  /** Which history it is: another one after each cut. */
  readonly epoch: string
  /** How many changes there were in it. */
  readonly number: number
  /** Which change led here: the id of a batch, and which part of it. */
  readonly id: string
  /** Which change came before the first of the log. */
  readonly base: string
  /** How many parts of the log were put away so far, each in the place of the one {@link PARTS} before it. */
  readonly parts: number
  /** For how long some replica relies on memory after a check, in ms. */
  readonly bound: number
  /** How many znodes were created and deleted below the path, so that others that do so are noticed. */
  readonly cversion: number
  readonly log: readonly string[]
}

/** An earlier part of the log, as it was put away: at least one change. */
export interface Part {
  readonly epoch: string
  /** The number of its last change. */
  readonly number: number
  /** Which change came before its first. */
  readonly base: string
  readonly log: readonly string[]
}

/** The earlier parts of the log, as they were read. */
export interface Parts {
  readonly read: readonly Part[]
  /** Describes a znode whose contents cannot be read as a part, if there is one. */
  readonly damage?: string | undefined
}

/** What a change makes of the head, and of the log's earlier parts: at most one is put away. */
export interface Moved {
  readonly head: Head
  readonly part?: { readonly place: number; readonly content: Part }
}

/** A change as the log holds it. */
export interface LoggedChange extends Omit<Change<Stored>, 'effects'> {
  readonly effects: readonly LoggedEffect[]
}

/** What leads from a version to a head; else why that is not known, see `Gap` of the contract. */
export type Past =
  | { readonly changes: readonly LoggedChange[] }
  | { readonly diverged: boolean; readonly damage?: string | undefined }

const VERSION = /^(\d+)-([0-9a-f]+)-(.*)$/s

export function versionOf({ number, epoch, id }: Pick<Head, 'number' | 'epoch' | 'id'>): string {
  return `${number}-${epoch}-${id}`
}

/** The first head of a new history. */
export function newHead(bound: number, cversion: number): Head {
  const id = `${randomBytes(9).toString('hex')}.0`
  return { epoch: randomBytes(6).toString('hex'), number: 0, id, base: id, parts: 0, bound, cversion, log: [] }
}

/** One more change. Where the log has no room for it, what is there is put away, and the change begins a new one. */
export function moveOn(head: Head, id: string, effects: readonly Effect<Stored>[], cversion: number): Moved {
  const next = { ...head, number: head.number + 1, id, cversion }
  let line = formatRecord(id, effects, true)
  if (line.length > CHANGE_LIMIT) line = formatRecord(id, effects, false)
  // Whoever has not read it yet will have to load everything: what came before serves nobody any more.
  if (line.length > CHANGE_LIMIT) return { head: { ...next, base: id, log: [] } }
  const { epoch, number, base, parts, log } = head
  const length = lengthOf(log)
  const isShort = length === 0 || length + line.length <= LOG_LIMIT
  if (isShort && leadsTo(head)) return { head: { ...next, log: [...log, line] } }
  const alone = { ...next, base: head.id, log: [line] }
  if (length > PART_LIMIT || !leadsTo(head)) return { head: alone }
  const part = { place: parts % PARTS, content: { epoch, number, base, log } }
  return { head: { ...alone, parts: parts + 1 }, part }
}

/** Whether the log's latest change is the head's: else some other program wrote the log, and nothing is added to it. */
function leadsTo({ id, base, log }: Head): boolean {
  const last = log.at(-1)
  return (last === undefined ? base : idOf(last)) === id
}

export function formatHead({ log, ...head }: Head): Buffer {
  return toLines({ format: FORMAT, ...head }, log)
}

export function formatPart({ log, ...part }: Part): Buffer {
  return toLines(part, log)
}

/**
 * Reads a head. Returns nothing unless each member is one that this library writes: a history that begins again is better
 * than one that nobody can continue.
 *
 * @throws UnsupportedError if a later version of the library has written it.
 */
export function parseHead(data: Buffer, dictionary: string): Head | undefined {
  const { first, log } = linesOf(data)
  const { format, epoch, number, id, base, parts, bound, cversion } = first
  if (isCount(format) && format > FORMAT) throw laterFormat(format, dictionary)
  if (format !== FORMAT || !isEpoch(epoch) || !isChangeId(id) || !isChangeId(base)) return undefined
  if (!isCount(number) || !isCount(parts) || !isBound(bound) || !Number.isSafeInteger(cversion)) return undefined
  return log.length <= number ? { epoch, number, id, base, parts, bound, cversion: cversion as number, log } : undefined
}

/** The bound of a head, even if nothing else of it can be read: others rely on it. */
export function salvageBound(data: Buffer): number {
  const { bound } = linesOf(data).first
  return isBound(bound) ? bound : 0
}

/** Reads an earlier part of the log. Returns nothing unless it is one. */
export function parsePart(data: Buffer): Part | undefined {
  const { first, log } = linesOf(data)
  const { epoch, number, base } = first
  if (!isEpoch(epoch) || !isCount(number) || !isChangeId(base)) return undefined
  const last = log.at(-1)
  if (last === undefined || log.length > number || !parseRecord(last)) return undefined
  return { epoch, number, base, log }
}

/** A head whose log is longer: with those parts that lead up to it, without a gap. */
export function withParts(head: Head, parts: readonly Part[]): Head {
  let { base, log } = head
  for (;;) {
    const number = head.number - log.length
    // Each part leads further back, so that none is found twice.
    const part = parts.find(one => one.epoch === head.epoch && one.number === number && lastOf(one) === base)
    if (!part) return { ...head, base, log }
    log = [...part.log, ...log]
    base = part.base
  }
}

/** What happened since a version, as far as the log with its earlier parts tells. */
export function pastWithParts(head: Head, { read, damage }: Parts, since: Version): Past {
  const past = pastSince(withParts(head, read), since)
  return 'changes' in past || past.diverged || damage === undefined ? past : { diverged: true, damage }
}

/** What happened since a version, as far as the log tells. */
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

/** The changes of a head's log from a place in it on. */
function changesOf(head: Head, start: number, since: string): Past {
  const changes: LoggedChange[] = []
  let previous = since
  for (let at = start; at < head.log.length; at += 1) {
    const number = head.number - head.log.length + at + 1
    const record = parseRecord(head.log[at] as string)
    if (!record) return damaged(number)
    const version = versionOf({ number, epoch: head.epoch, id: record.id })
    changes.push({ previous, version, effects: record.effects, id: batchOf(record.id) })
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

/** The members of the first line, and the other lines. Nothing of what is not UTF-8: it would be read as other text. */
function linesOf(data: Buffer): { first: Readonly<Record<string, unknown>>; log: string[] } {
  if (!isUtf8(data)) return { first: {}, log: [] }
  const [text = '', ...log] = data.toString().split('\n')
  const first = parseJson(text)
  return { first: typeof first === 'object' && first !== null ? (first as Record<string, unknown>) : {}, log }
}

/** It becomes part of a path. */
function isEpoch(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{1,32}$/.test(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < COUNT_LIMIT
}

function isBound(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= BOUND_LIMIT
}

function laterFormat(format: number, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `The znodes of dictionary "${dictionary}" are of format ${format}, and this version of durabledict knows only ` +
      `format ${FORMAT}. Update durabledict.`,
    { dictionary },
  )
}
