import { keyFault } from '../../contract/key-fault.js'

/** The escape character. Followed by four hexadecimal digits, it represents a character that SQL text cannot contain. */
export const ESCAPE = '\u0001'
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, 'g')

/**
 * The characters that SQL text cannot contain or that clients cannot read back: NUL (PostgreSQL rejects it; libsql and older
 * versions of node:sqlite truncate text at it), lone surrogates (UTF-8 has none), and the escape character.
 */
export const UNSAFE = new RegExp(`[\\0${ESCAPE}\\p{Surrogate}]`, 'gu')

/** The same for databases that can store NUL. */
export const UNSAFE_BUT_NUL = new RegExp(`[${ESCAPE}\\p{Surrogate}]`, 'gu')

/** The same for databases that ignore a trailing space in comparisons. */
export const UNSAFE_WHERE_PADDED = new RegExp(`[${ESCAPE}\\p{Surrogate}]| $`, 'gu')

/** Escapes text for the database. Unsafe characters become U+0001 and four hexadecimal digits. */
export function escapeText(text: string, unsafe = UNSAFE): string {
  return text.replace(unsafe, character => ESCAPE + character.charCodeAt(0).toString(16).padStart(4, '0'))
}

/** The reverse of {@link escapeText}, for any set of unsafe characters. */
export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text
  return text.replace(ESCAPED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/**
 * Returns the key of a database text, or `undefined` if it is not a key in the form that this library writes. Otherwise two texts
 * could be the same key, and only one of them could be deleted.
 */
export function unescapeKey(text: string, unsafe = UNSAFE): string | undefined {
  const key = unescapeText(text)
  return keyFault(key) === undefined && escapeText(key, unsafe) === text ? key : undefined
}
