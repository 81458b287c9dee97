import { randomBytes } from 'node:crypto'
import type { Change, Effect, Version } from '../../contract/backend.js'
import { UnsupportedError } from '../../errors/errors.js'
import type { Stored } from './stored.js'

/** How the znodes are laid out. */
const FORMAT = 1

/**
 * How long the log may be, in characters. It is written with every change, and read at every one by every process: a longer
 * one would serve those that check seldom, at the cost of all others.
 */
const LOG_LIMIT = 8_192

/** How long the latest change of it may be nevertheless, in characters, with values or, where these are longer, without. */
const CHANGE_LIMIT = 16_384

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
  /** For how long some replica relies on memory after a check, in ms. */
  readonly bound: number
  /** How many znodes were created and deleted below the path, so that others that do so are noticed. */
  readonly cversion: number
  readonly log: readonly string[]
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
  return { epoch: randomBytes(6).toString('hex'), number: 0, id, base: id, bound, cversion, log: [] }
}

/** The head after one more change. What the log has no room for is removed from its other end. */
export function nextHead(head: Head, id: string, effects: readonly Effect<Stored>[], cversion: number): Head {
  const next = { ...head, number: head.number + 1, id, cversion }
  let line = toLine(id, effects, true)
  if (line.length > CHANGE_LIMIT) line = toLine(id, effects, false)
  if (line.length > CHANGE_LIMIT) return { ...next, base: id, log: [] }
  const log = [...head.log, line]
  let { base } = head
  for (let length = lengthOf(log); length > LOG_LIMIT && log.length > 1; ) {
    const dropped = log.shift() as string
    length -= dropped.length
    base = idOf(dropped)
  }
  return { ...next, base, log }
}

export function formatHead({ log, ...head }: Head): Buffer {
  return Buffer.from([JSON.stringify({ format: FORMAT, ...head }), ...log].join('\n'))
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

function lengthOf(log: readonly string[]): number {
  return log.reduce((sum, line) => sum + line.length, 0)
}

function isComplete({ epoch, number, id, base, bound, cversion }: Partial<Head>): boolean {
  const texts = [epoch, id, base].every(one => typeof one === 'string')
  return texts && Number.isSafeInteger(number) && Number.isSafeInteger(cversion) && Number.isFinite(bound)
}

function laterFormat(format: number, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `The znodes of dictionary "${dictionary}" are of format ${format}, and this version of durabledict knows only ` +
      `format ${FORMAT}. Update durabledict.`,
    { dictionary },
  )
}
