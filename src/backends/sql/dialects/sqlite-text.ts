/**
 * SQLite stores any bytes as text. On malformed text, libsql ends the process, and the other engines replace characters. So text that
 * is not plain is selected as hexadecimal digits, which every engine and library can read.
 */

/** The digits, with a prefix: SQLite's name of the file's encoding, which `TextDecoder` also accepts. */
const DIGITS = /^(UTF-(?:8|16le|16be)):((?:[0-9A-F]{2})*)$/

/** Returns the condition that the column is ASCII without NUL, or not text, so that every engine can read it as it is. */
export const isPlain = (column: string): string =>
  `(typeof(${column}) <> 'text' OR ` +
  `(instr(${column}, char(0)) = 0 AND ${column} NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*'))`

/** Returns an expression for any text as digits, for {@link fromDigits}. */
export const digitsOf = (column: string): string => `(SELECT encoding FROM pragma_encoding) || ':' || hex(${column})`

/** Returns the SQL literal for the text of selected digits, well-formed or not. */
export const literal = (digits: string): string => `CAST(x'${DIGITS.exec(digits)?.[2] ?? ''}' AS TEXT)`

/** Decodes selected digits, and returns other values unchanged. Returns `undefined` if the bytes are not valid text. */
export function fromDigits(value: unknown): unknown {
  const [, encoding, digits] = (typeof value === 'string' && DIGITS.exec(value)) || []
  if (encoding === undefined || digits === undefined) return value
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(Buffer.from(digits, 'hex'))
  } catch {
    return undefined
  }
}
