import { MAX_KEY_BYTES } from '../../contract/key-fault.js'

/**
 * Selects columns to which any program may have written. SQLite's columns can store any type, and engines treat
 * unexpected values differently: libsql aborts the process on text that is not UTF-8, others replace invalid bytes;
 * some cut a text at NUL; node:sqlite throws on an integer beyond 2^53. Text that is not plain is therefore selected
 * as bytes, and a number only if it is in range.
 */

/** Whether a column is text that every engine reads correctly: ASCII without NUL. */
const isAscii = (column: string): string =>
  `${isWhole(column)} AND ${column} NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*'`

/** Whether a column is ASCII text without NUL, or text that is not UTF-8. */
const isWhole = (column: string): string =>
  `typeof(${column}) = 'text' AND length(${column}) = length(CAST(${column} AS BLOB))`

/** Whether a column is certainly a key in the form in which this library writes it: ASCII with nothing escaped. */
export const isPlainKey = (column: string): string =>
  `${isAscii(column)} AND instr(${column}, char(1)) = 0 AND length(${column}) BETWEEN 1 AND ${MAX_KEY_BYTES}`

/** Selects a column as text or bytes, and its type as `…_type`. */
export const anyOf = (column: string): string => select(column, isAscii(column))

/**
 * The same, several times as fast, for engines that replace invalid UTF-8 with U+FFFD. In text that matches, U+FFFD
 * can have no other origin.
 */
export const anyByReplacing = (column: string): string => select(column, isWhole(column))

/** Selects a column that should be text: as text or bytes, without its type. */
export const textOf = (column: string): string => selectValue(column, isAscii(column))

/** The same for engines that replace invalid UTF-8. */
export const textByReplacing = (column: string): string => selectValue(column, isWhole(column))

/** Selects hexadecimal digits, else NULL. */
export const hexOf = (column: string): string =>
  `CASE WHEN typeof(${column}) = 'text' AND length(${column}) BETWEEN 1 AND 64 AND instr(${column}, char(0)) = 0
    AND ${column} NOT GLOB '*[^0-9a-f]*' THEN ${column} END AS ${column}`

/** Selects a natural number that, like its successor, JavaScript represents exactly; else NULL. */
export const numberOf = (column: string): string =>
  `CASE WHEN typeof(${column}) = 'integer' AND ${column} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER - 1}
    THEN ${column} END AS ${column}`

/** Selects a number of any kind as an approximation, else NULL. */
export const realOf = (column: string): string =>
  `CASE WHEN typeof(${column}) IN ('integer', 'real') THEN CAST(${column} AS REAL) END AS ${column}`

/** Selects one of the words, else NULL. */
export const oneOf = (column: string, words: readonly string[]): string =>
  `CASE WHEN ${column} IN (${words.map(word => `'${word}'`).join(', ')}) THEN ${column} END AS ${column}`

function select(column: string, isPlain: string): string {
  return `${selectValue(column, isPlain)}, typeof(${column}) AS ${column}_type`
}

function selectValue(column: string, isPlain: string): string {
  return `CASE WHEN ${isPlain} THEN ${column} ELSE CAST(${column} AS BLOB) END AS ${column}`
}
