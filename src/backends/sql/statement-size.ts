/** The approximate maximum size of a statement without its value, in bytes: keywords, names, and columns that others fill in. */
const OVERHEAD = 16 * 1024

/** The maximum size of one character in a statement, in bytes. */
const PER_CHARACTER = 6

/** The characters that MySQL's clients escape with a backslash, and some more. */
const ESCAPED = /[\p{Cc}"'\\]/gu

/** Returns whether a statement with this text fits into `largest` bytes. */
export function fits(text: string, largest: number): boolean {
  return text.length * PER_CHARACTER + OVERHEAD <= largest || sizeOfText(text) + OVERHEAD <= largest
}

/** Returns the maximum size of a value in a statement, in bytes. */
export function sizeInStatement(value: unknown): number {
  if (typeof value === 'string') return sizeOfText(value)
  // As hexadecimal digits.
  if (value instanceof Uint8Array) return value.byteLength * 2
  if (typeof value !== 'object' || value === null) return 0
  return value instanceof Date ? 0 : sizeOfText(JSON.stringify(value) ?? '')
}

/** Returns the maximum size of a statement with a value of this size. */
export function statementWith(size: number): number {
  return size + OVERHEAD
}

function sizeOfText(text: string): number {
  return Buffer.byteLength(text) + (text.match(ESCAPED)?.length ?? 0)
}
