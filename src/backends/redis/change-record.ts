import type { Change, Effect } from '../../contract/backend.js'
import { type CommitNote, noteOf } from '../../contract/history.js'
import { builtin } from '../../process/builtin.js'
import { batchOf, isVersion } from './nonces.js'

/** How many hexadecimal digits of the seal precede a change. */
const SEAL_LENGTH = 20

/** A change in the log and on the channel; see scripts/prelude.lua. */
export interface ChangeRecord {
  readonly previous: string
  readonly version: string
  /** `undefined` if the effects were too large to keep. */
  readonly effects: readonly Effect[] | undefined
  /** The results of its batch; `undefined` if they were too large to keep. */
  readonly written: Written | undefined
  /** Whose effects these are, if the record says so. */
  readonly notes: readonly CommitNote[] | undefined
  /** Whether replicas are asked to acknowledge it. */
  readonly acknowledge: boolean
}

/** The results of a batch, as the script recorded them. */
export interface Written {
  readonly codes: string
  readonly values: readonly string[]
}

/**
 * Parses a change strictly. Returns `undefined` if it was not sealed with this secret, or is malformed in any way.
 * The time is linear in the length of the text.
 */
export function parseChangeRecord(text: string, secret: string): ChangeRecord | undefined {
  const json = text.slice(SEAL_LENGTH)
  if (text.length <= SEAL_LENGTH || sealOf(json, secret) !== text.slice(0, SEAL_LENGTH)) return undefined
  const record = parseList(json)
  if (!record) return undefined
  const [previous, version, effects, codes, ...rest] = record
  if (!isVersion(previous) || !isVersion(version) || typeof codes !== 'string' || !rest.every(isText)) return undefined
  const parsed = effects === '?' ? undefined : parseEffects(effects)
  if (parsed === null) return undefined
  const count = codes.split('v').length - 1
  const written = codes === '?' ? undefined : { codes, values: rest.slice(0, count) }
  return { previous, version, effects: parsed, written, ...parseExtension(rest[count]) }
}

/** Returns the change of a record, or `undefined` if its effects were not kept. */
export function toChange({ previous, version, effects, notes, acknowledge }: ChangeRecord): Change | undefined {
  if (!effects) return undefined
  return {
    previous,
    version,
    effects,
    id: batchOf(version),
    ...(notes && { notes }),
    ...(acknowledge && { acknowledge }),
  }
}

/** Parses an extension. Ignores what it does not know. */
function parseExtension(extension: string | undefined): Pick<ChangeRecord, 'notes' | 'acknowledge'> {
  const { notes, acknowledge } = ((extension && parseJson(extension)) || {}) as {
    notes?: unknown
    acknowledge?: unknown
  }
  return {
    notes: Array.isArray(notes) && notes.every(isNote) ? notes.map(toNote) : undefined,
    acknowledge: acknowledge === true,
  }
}

function sealOf(json: string, secret: string): string {
  return builtin.crypto
    .createHash('sha1')
    .update(secret)
    .update(json)
    .update(secret)
    .digest('hex')
    .slice(0, SEAL_LENGTH)
}

function isNote(note: unknown): note is CommitNote {
  const { effects, by, reason, via } = (note ?? {}) as Partial<Record<keyof CommitNote, unknown>>
  if (!Number.isSafeInteger(effects) || (effects as number) < 0) return false
  return [by, reason, via].every(text => text === undefined || isText(text))
}

function toNote({ effects, by, reason, via }: CommitNote): CommitNote {
  return noteOf({ by, reason, via }, effects)
}

function parseList(json: string): unknown[] | undefined {
  const parsed = parseJson(json)
  return Array.isArray(parsed) ? parsed : undefined
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Parses the effects in a flat list. Returns `null` if it is malformed. Lua encodes an empty table as an object. */
function parseEffects(flat: unknown): Effect[] | null {
  if (!Array.isArray(flat)) return isEmptyObject(flat) ? [] : null
  const effects: Effect[] = []
  for (let at = 0; at < flat.length; ) {
    const effect = parseEffect(flat, at)
    if (!effect) return null
    effects.push(effect)
    at += ARITY[effect.type]
  }
  return effects
}

const ARITY = { set: 3, delete: 2, clear: 1 } as const

function parseEffect(flat: readonly unknown[], at: number): Effect | undefined {
  const [kind, key, stored] = [flat[at], flat[at + 1], flat[at + 2]]
  if (kind === 'c') return { type: 'clear' }
  if (!isText(key) || key === '') return undefined
  if (kind === 'd') return { type: 'delete', key }
  return kind === 's' && isText(stored) ? { type: 'set', key, stored } : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
