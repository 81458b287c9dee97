/** What a statement has beside one value: its words, names and the columns that others fill in, in bytes, at most about. */
const OVERHEAD = 16 * 1024

/** What a character of text takes at most in a statement, in bytes. */
const PER_CHARACTER = 6

/** What MySQL's clients put a backslash before, and some more. */
const ESCAPED = /[\p{Cc}"'\\]/gu

/** Whether a statement with this text fits into so many bytes. */
export function fits(text: string, largest: number): boolean {
  return text.length * PER_CHARACTER + OVERHEAD <= largest || sizeOfText(text) + OVERHEAD <= largest
}

/** How many bytes a value takes in a statement, at most. */
export function sizeInStatement(value: unknown): number {
  if (typeof value === 'string') return sizeOfText(value)
  // As hexadecimal digits.
  if (value instanceof Uint8Array) return value.byteLength * 2
  if (typeof value !== 'object' || value === null) return 0
  return value instanceof Date ? 0 : sizeOfText(JSON.stringify(value) ?? '')
}

/** The same with what a statement has beside it. */
export function statementWith(size: number): number {
  return size + OVERHEAD
}

function sizeOfText(text: string): number {
  return Buffer.byteLength(text) + (text.match(ESCAPED)?.length ?? 0)
}
