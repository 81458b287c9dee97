/**
 * What SQLite cannot hold as text, or its engines cannot read back: NUL (libsql and older versions of node:sqlite end a
 * text there), halves of surrogate pairs (UTF-8 has none), and what they are escaped with.
 */
const ESCAPE = '\u0001'
const UNSAFE = new RegExp(`[\\0${ESCAPE}\\p{Surrogate}]`, 'gu')
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, 'g')

/** Text as SQLite holds it: as it is, but for rare characters, which become U+0001 and four hexadecimal digits. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, character => ESCAPE + character.charCodeAt(0).toString(16).padStart(4, '0'))
}

/** The reverse of {@link escapeText}. */
export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text
  return text.replace(ESCAPED, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** A stored form: what an encoding makes. */
export type Stored = string | Uint8Array

/** A stored form as it is bound to a statement. */
export function toColumn(stored: Stored): Stored {
  return typeof stored === 'string' ? escapeText(stored) : stored
}

/**
 * A stored form from a column: text, or bytes in whatever class the engine gives them. (libsql gives a Buffer for one row,
 * and an ArrayBuffer in a list of rows.) A number, which only other programs write, is taken for text.
 */
export function fromColumn(column: unknown): Stored {
  if (typeof column === 'string') return unescapeText(column)
  if (column instanceof ArrayBuffer) return new Uint8Array(column)
  if (!(column instanceof Uint8Array)) return String(column)
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}

/** How many bytes a column takes in the file. */
export function bytesOf(column: Stored): number {
  return typeof column === 'string' ? Buffer.byteLength(column) : column.byteLength
}
