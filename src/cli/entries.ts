import { DurableDictError } from '../errors/errors.js'
import type { FrozenState } from '../replica/frozen-state.js'
import type { Desk } from './desk.js'
import { inJson, isTagged } from './values/value-text.js'

/** A stored entry, as outputs show it. */
export interface Entry {
  readonly key: string
  /** Its lossless text; `undefined` if it cannot be decoded. */
  readonly text: string | undefined
  /** Why it cannot be decoded. */
  readonly error?: string
}

/** The entries in the order of their keys. */
export function entriesOf(desk: Desk, state: FrozenState, keys: readonly string[] = state.keys()): Entry[] {
  return keys.toSorted(byCodePoint).map(key => entryOf(desk, key, state.stored(key)))
}

/** @throws nothing: an entry that cannot be decoded fails alone. */
export function entryOf(desk: Desk, key: string, stored: unknown): Entry {
  try {
    return { key, text: desk.textOf(key, stored) }
  } catch (error) {
    if (!(error instanceof DurableDictError)) throw error
    return { key, text: undefined, error: error.message }
  }
}

export function entryJson({ key, text, error }: Entry): string {
  const name = `"key": ${JSON.stringify(key)}`
  return text === undefined ? `{ ${name}, "error": ${JSON.stringify(error)} }` : `{ ${name}, "value": ${inJson(text)} }`
}

/** For a table: JSON, and for other values what they are. */
export function shownText(text: string | undefined): string {
  return text ?? '(cannot be decoded)'
}

/** For `env`: text without quotes, anything else as it is in JSON. */
export function plainText(text: string): string {
  return text.startsWith('"') && !isTagged(text) ? (JSON.parse(text) as string) : text
}

export function byCodePoint(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
