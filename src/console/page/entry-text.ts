import { pretty } from './json-text'
import type { Entry } from './types'

const starts = new WeakMap<Entry, string>()

/** What the text field begins with. */
export function startOf(entry: Entry): string {
  const known = starts.get(entry)
  if (known !== undefined) return known
  const start = pretty(entry.text ?? entry.default ?? '')
  starts.set(entry, start)
  return start
}

/** Whether the user has changed the text, and not saved it. */
export function isChanged(entry: Entry | undefined, draft: string | undefined): boolean {
  return entry !== undefined && draft !== undefined && draft !== startOf(entry)
}

/** Whether a text that was sent is what is stored. */
export function isStored({ text }: Entry, sent: string | undefined): boolean {
  return text === undefined || sent === undefined ? text === sent : pretty(text) === pretty(sent)
}

/**
 * Whether two answers show the same stored value. The token of a masked value changes with every state of the dictionary; the older one stays
 * valid, and the server decides when it is sent.
 */
export function isSameValue(shown: Entry, next: Entry): boolean {
  if (!shown.masked || !next.masked) return shown.token === next.token
  return shown.stored === next.stored && shown.changed?.at === next.changed?.at
}
