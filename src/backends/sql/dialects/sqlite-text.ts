/**
 * SQLite holds any bytes as text, and its engines differ in what they do with those that are not: libsql ends the process, the others
 * replace them. So text that is not plain is selected as hexadecimal digits, which every engine and library reads.
 */

/** How the digits begin: with what SQLite calls the encoding of its file, which `TextDecoder` knows by the same name. */
const DIGITS = /^(UTF-(?:8|16le|16be)):((?:[0-9A-F]{2})*)$/

/** Whether every engine reads the column as it is: ASCII without NUL, or no text at all. */
export const isPlain = (column: string): string =>
  `(typeof(${column}) <> 'text' OR ` +
  `(instr(${column}, char(0)) = 0 AND ${column} NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*'))`

/** Any text, for {@link fromDigits}. */
export const digitsOf = (column: string): string => `(SELECT encoding FROM pragma_encoding) || ':' || hex(${column})`

/** The text of digits that were selected, whatever its bytes are. */
export const literal = (digits: string): string => `CAST(x'${DIGITS.exec(digits)?.[2] ?? ''}' AS TEXT)`

/** The text that these digits are, and other values as they are; `undefined` where the bytes are no text. */
export function fromDigits(value: unknown): unknown {
  const [, encoding, digits] = (typeof value === 'string' && DIGITS.exec(value)) || []
  if (encoding === undefined || digits === undefined) return value
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(Buffer.from(digits, 'hex'))
  } catch {
    return undefined
  }
}
