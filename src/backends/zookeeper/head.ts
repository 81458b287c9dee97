import { randomBytes } from 'node:crypto'
import type { Change, Effect, Version } from '../../contract/backend.js'
import { UnsupportedError } from '../../errors/errors.js'
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

/** How long a value may be that is kept in the log, in characters. A longer one is read from its znode. */
const VALUE_LIMIT = 1_024

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

/** What a change makes of the head, and of the log's earlier parts: at most one is put away. */
export interface Moved {
  readonly head: Head
  readonly part?: { readonly place: number; readonly content: Part }
}

/** An effect as the log holds it; `stored` is missing where the value is to be read from its znode. */
export type LoggedEffect = Effect<Stored> | { readonly type: 'set'; readonly key: string; readonly stored?: undefined }

/** A change as the log holds it. */
export interface LoggedChange extends Omit<Change<Stored>, 'effects'> {
  readonly effects: readonly LoggedEffect[]
}

/** What leads from a version to a head. */
export type Past = { readonly changes: readonly LoggedChange[] } | { readonly diverged: boolean }

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
  let line = toLine(id, effects, true)
  if (line.length > CHANGE_LIMIT) line = toLine(id, effects, false)
  // Whoever has not read it yet will have to load everything: what came before serves nobody any more.
  if (line.length > CHANGE_LIMIT) return { head: { ...next, base: id, log: [] } }
  const { epoch, number, base, parts, log } = head
  const length = lengthOf(log)
  if (length === 0 || length + line.length <= LOG_LIMIT) return { head: { ...next, log: [...log, line] } }
  const alone = { ...next, base: head.id, log: [line] }
  if (length > PART_LIMIT) return { head: alone }
  const part = { place: parts % PARTS, content: { epoch, number, base, log } }
  return { head: { ...alone, parts: parts + 1 }, part }
}

export function formatHead({ log, ...head }: Head): Buffer {
  return toLines({ format: FORMAT, ...head }, log)
}

export function formatPart({ log, ...part }: Part): Buffer {
  return toLines(part, log)
}

/**
 * Reads a head; nothing where the data is none.
 *
 * @throws UnsupportedError where a later version of the library has laid it out.
 */
export function parseHead(data: Buffer, dictionary: string): Head | undefined {
  const [first = '', ...log] = data.toString().split('\n')
  try {
    const { format, ...head } = (JSON.parse(first) ?? {}) as Head & { format: unknown }
    if (typeof format === 'number' && format > FORMAT) throw laterFormat(format, dictionary)
    if (format !== FORMAT || !isComplete(head)) return undefined
    return { ...head, log }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Reads an earlier part of the log; nothing where the data is none. */
export function parsePart(data: Buffer): Part | undefined {
  const [first = '', ...log] = data.toString().split('\n')
  try {
    const { epoch, number, base } = (JSON.parse(first) ?? {}) as Part
    return log.length > 0 ? { epoch, number, base, log } : undefined
  } catch {
    return undefined
  }
}

/** A head whose log is longer: with those parts that lead up to it, without a gap. */
export function withParts(head: Head, parts: readonly Part[]): Head {
  let { base, log } = head
  for (;;) {
    const number = head.number - log.length
    const part = parts.find(one => one.epoch === head.epoch && one.number === number && lastOf(one) === base)
    if (!part) return { ...head, base, log }
    log = [...part.log, ...log]
    base = part.base
  }
}

/** What happened since a version, as far as the log tells. */
export function pastSince(head: Head, since: Version): Past {
  const [, number, epoch, id] = VERSION.exec(String(since)) ?? []
  if (epoch !== head.epoch || Number(number) >= head.number) return { diverged: true }
  const start = head.log.length - (head.number - Number(number))
  if (start < 0) return { diverged: false }
  const before = start === 0 ? head.base : idOf(head.log[start - 1] as string)
  if (before !== id) return { diverged: true }
  const changes = changesOf(head.log.slice(start), Number(number), head.epoch, String(since))
  return changes?.at(-1)?.version === versionOf(head) ? { changes } : { diverged: true }
}

/** The changes of lines, from a version on; nothing where one of them is damaged. */
function changesOf(lines: readonly string[], number: number, epoch: string, since: string): LoggedChange[] | undefined {
  let previous = since
  try {
    return lines.map((line, index) => {
      const { id, effects } = parseLine(line)
      const version = versionOf({ number: number + index + 1, epoch, id })
      const change = { previous, version, effects, id: batchOf(id) }
      previous = version
      return change
    })
  } catch {
    return undefined
  }
}

/** The id of one part of a batch. */
export function partId(batch: string, part: number): string {
  return `${batch}.${part}`
}

function batchOf(id: string): string {
  return id.slice(0, id.lastIndexOf('.'))
}

function toLine(id: string, effects: readonly Effect<Stored>[], withValues: boolean): string {
  const flat: string[] = [id]
  for (const effect of effects) {
    if (effect.type === 'clear') flat.push('c')
    else if (effect.type === 'delete') flat.push('d', effect.key)
    else if (withValues && typeof effect.stored === 'string' && effect.stored.length <= VALUE_LIMIT)
      flat.push('s', effect.key, effect.stored)
    else flat.push('r', effect.key)
  }
  return JSON.stringify(flat)
}

function idOf(line: string): string {
  return /^\["([^"]*)"/.exec(line)?.[1] ?? ''
}

function parseLine(line: string): { id: string; effects: LoggedEffect[] } {
  const [id = '', ...flat] = JSON.parse(line) as string[]
  const effects: LoggedEffect[] = []
  for (let at = 0; at < flat.length; ) {
    const kind = flat[at]
    const key = flat[at + 1] as string
    if (kind === 's') effects.push({ type: 'set', key, stored: flat[at + 2] as string })
    else if (kind === 'r') effects.push({ type: 'set', key })
    else effects.push(kind === 'd' ? { type: 'delete', key } : { type: 'clear' })
    at += kind === 's' ? 3 : kind === 'c' ? 1 : 2
  }
  return { id, effects }
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

function isComplete({ epoch, number, id, base, parts, bound, cversion }: Partial<Head>): boolean {
  const texts = [epoch, id, base].every(one => typeof one === 'string')
  return texts && [number, parts, cversion].every(Number.isSafeInteger) && Number.isFinite(bound)
}

function laterFormat(format: number, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `The znodes of dictionary "${dictionary}" are of format ${format}, and this version of durabledict knows only ` +
      `format ${FORMAT}. Update durabledict.`,
    { dictionary },
  )
}
