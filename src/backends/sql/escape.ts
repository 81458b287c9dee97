import { keyFault } from '../../contract/key-fault.js'

/** With four hexadecimal digits it stands for a character that text of SQL cannot hold. */
export const ESCAPE = '\u0001'
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, 'g')

/**
 * What text of SQL cannot hold, or its clients cannot read back: NUL (PostgreSQL refuses it; libsql and older versions of
 * node:sqlite end a text there), halves of surrogate pairs (UTF-8 has none), and what they are escaped with.
 */
export const UNSAFE = new RegExp(`[\\0${ESCAPE}\\p{Surrogate}]`, 'gu')

/** The same for databases that hold NUL. */
export const UNSAFE_BUT_NUL = new RegExp(`[${ESCAPE}\\p{Surrogate}]`, 'gu')

/** The same where a blank at the end does not count when texts are compared. */
export const UNSAFE_WHERE_PADDED = new RegExp(`[${ESCAPE}\\p{Surrogate}]| $`, 'gu')

/** Text as the database holds it: as it is, but for rare characters, which become U+0001 and four hexadecimal digits. */
export function escapeText(text: string, unsafe = UNSAFE): string {
  return text.replace(unsafe, character => ESCAPE + character.charCodeAt(0).toString(16).padStart(4, '0'))
}

/** The reverse of {@link escapeText}, whatever was unsafe. */
export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text
  return text.replace(ESCAPED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/**
 * The key that this text of a database stands for. `undefined` if it stands for none, or is not how this library writes it: two
 * texts would be one key then, of which only one could be deleted.
 */
export function unescapeKey(text: string, unsafe = UNSAFE): string | undefined {
  const key = unescapeText(text)
  return keyFault(key) === undefined && escapeText(key, unsafe) === text ? key : undefined
}
