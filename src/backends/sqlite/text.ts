import { escapeText, unescapeText } from '../sql/escape.js'

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
