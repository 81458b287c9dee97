import type { Effect } from '../../contract/backend.js'
import { isKey } from './names.js'
import type { Stored } from './stored.js'

/** The longest value that the log contains, in characters. A longer one is read from its znode. */
const VALUE_LIMIT = 1_024

/** An effect in the log. Without `stored`, the value must be read from its znode. */
export type LoggedEffect = Effect<Stored> | { readonly type: 'set'; readonly key: string; readonly stored?: undefined }

/** One line of the change log. */
export interface LogRecord {
  /** The id of the batch that made the change, and which part of it. */
  readonly id: string
  readonly effects: readonly LoggedEffect[]
}

/** The number of strings after the kind of an effect. */
const LENGTHS: Readonly<Record<string, number>> = { c: 0, d: 1, r: 1, s: 2 }

const CHANGE_ID = /^[^"\\\p{Cc}]{1,200}\.\d{1,15}$/u

/** Returns whether the value is a valid id of a change. */
export function isChangeId(id: unknown): id is string {
  return isText(id) && CHANGE_ID.test(id)
}

/** Returns the line of one change, with or without values. */
export function formatRecord(id: string, effects: readonly Effect<Stored>[], withValues: boolean): string {
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

/** Parses one line. Returns `undefined` unless every part is in the form that {@link formatRecord} writes. */
export function parseRecord(line: string): LogRecord | undefined {
  const flat = parseJson(line)
  if (!Array.isArray(flat) || !flat.every(isText) || !isChangeId(flat[0])) return undefined
  const effects: LoggedEffect[] = []
  for (let at = 1; at < flat.length; ) {
    const kind = flat[at] as string
    const length = Object.hasOwn(LENGTHS, kind) ? LENGTHS[kind] : undefined
    const effect = length === undefined ? undefined : toEffect(kind, flat.slice(at + 1, at + 1 + length), length)
    if (effect === undefined) return undefined
    effects.push(effect)
    at += 1 + (length as number)
  }
  return { id: flat[0], effects }
}

/** Returns the id of a line that {@link parseRecord} has accepted. */
export function idOf(line: string): string {
  return /^\["([^"]*)"/.exec(line)?.[1] ?? ''
}

/** Parses JSON. Returns `undefined`, which no JSON text represents, if the text is malformed. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function toEffect(kind: string, texts: readonly string[], length: number): LoggedEffect | undefined {
  const [key = '', stored = ''] = texts
  if (texts.length < length) return undefined
  if (kind === 'c') return { type: 'clear' }
  if (!isKey(key)) return undefined
  if (kind === 'd') return { type: 'delete', key }
  return kind === 's' ? { type: 'set', key, stored } : { type: 'set', key }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}
