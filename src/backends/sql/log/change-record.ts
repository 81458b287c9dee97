import { keyFault } from '../../../contract/key-fault.js'
import type { SqlRow } from '../sql-session.js'
import { isToken, toCount } from '../stored-tokens.js'
import { toVersion } from '../version.js'
import type { LoggedChange, LoggedEffect } from './change-log.js'
import { asksForAcknowledgement, readNotes } from './notes.js'

/** A record of the log, as far as it is about the order of records. */
export interface ChangeLink {
  readonly number: number
  readonly nonce: string
  readonly previous: string
  readonly row: SqlRow
}

/** The id of a batch is text of this length at most. */
const LONGEST_ID = 255

/** Reads which record it is, and which one it follows; `undefined` if it cannot be one. */
export function readLink(row: SqlRow): ChangeLink | undefined {
  const { nonce, previous } = row
  const number = toCount(row.number)
  return number !== undefined && isToken(nonce) && isToken(previous) ? { number, nonce, previous, row } : undefined
}

/** Reads the whole record; `undefined` if it is not what this library writes. */
export function readChange({ number, nonce, previous, row }: ChangeLink, epoch: string): LoggedChange | undefined {
  const { batch: id } = row
  const effects = row.effects === null ? undefined : readEffects(row.effects)
  if (typeof id !== 'string' || id.length > LONGEST_ID || effects === 'damaged') return undefined
  const notes = readNotes(row.notes, effects?.length)
  return {
    previous: toVersion(number - 1, epoch, previous),
    version: toVersion(number, epoch, nonce),
    id,
    effects,
    ...(notes && { notes }),
    ...(asksForAcknowledgement(row.notes) && { acknowledge: true }),
  }
}

/** Reads the list of effects. Takes no more memory than the text does. */
export function readEffects(text: unknown): readonly LoggedEffect[] | 'damaged' {
  const list = parsed(text)
  if (!Array.isArray(list)) return 'damaged'
  const effects: LoggedEffect[] = []
  for (const tuple of list) {
    const effect = Array.isArray(tuple) ? readEffect(tuple) : undefined
    if (!effect) return 'damaged'
    effects.push(effect)
  }
  return effects
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** How many members each type of effect has. */
const MEMBERS: Readonly<Record<string, number>> = { set: 3, json: 3, bytes: 3, delete: 2, row: 2, clear: 1 }

function readEffect(tuple: readonly unknown[]): LoggedEffect | undefined {
  const [type, key, value] = tuple
  if (typeof type !== 'string' || !Object.hasOwn(MEMBERS, type) || MEMBERS[type] !== tuple.length) return undefined
  if (type === 'clear') return { type }
  if (!isKey(key)) return undefined
  if (type === 'delete' || type === 'row') return { type, key }
  // As the database has formatted it.
  if (type === 'json') return { type: 'set', key, stored: JSON.stringify(value) }
  if (typeof value !== 'string') return undefined
  if (type === 'set') return { type, key, stored: value }
  const stored = toBytes(value)
  return stored && { type: 'set', key, stored }
}

function isKey(key: unknown): key is string {
  return keyFault(key) === undefined
}

/** Base64 as `Buffer` writes it, and in no other spelling. */
function toBytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
