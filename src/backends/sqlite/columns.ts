/**
 * How columns are selected that any program may have written to. SQLite's columns hold any type, and its engines differ in
 * what they do with it: libsql ends the process at text that is not UTF-8, others replace what is not; some end a text at
 * NUL; node:sqlite throws at an integer beyond 2^53. So text that is not plain is selected as bytes, numbers in range only.
 */

/** Text that every engine reads as it is: ASCII without NUL. */
const isAscii = (column: string): string =>
  `${isWhole(column)} AND ${column} NOT GLOB '*[^' || char(1) || '-' || char(127) || ']*'`

/** Text that is ASCII without NUL, or not UTF-8. */
const isWhole = (column: string): string =>
  `typeof(${column}) = 'text' AND length(${column}) = length(CAST(${column} AS BLOB))`

/** The column as text or bytes, and its type as `…_type`. */
export const anyOf = (column: string): string => select(column, isAscii(column))

/**
 * The same, several times as fast, for engines that replace what is not UTF-8 by U+FFFD: in text of that kind it cannot occur
 * otherwise.
 */
export const anyByReplacing = (column: string): string => select(column, isWhole(column))

/** Hexadecimal digits, else NULL. */
export const hexOf = (column: string): string =>
  `CASE WHEN typeof(${column}) = 'text' AND length(${column}) BETWEEN 1 AND 64 AND instr(${column}, char(0)) = 0
    AND ${column} NOT GLOB '*[^0-9a-f]*' THEN ${column} END AS ${column}`

/** A natural number that JavaScript holds exactly, and the next one, too; else NULL. */
export const numberOf = (column: string): string =>
  `CASE WHEN typeof(${column}) = 'integer' AND ${column} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER - 1}
    THEN ${column} END AS ${column}`

/** A number of any kind, by approximation; else NULL. */
export const realOf = (column: string): string =>
  `CASE WHEN typeof(${column}) IN ('integer', 'real') THEN CAST(${column} AS REAL) END AS ${column}`

/** One of the words, else NULL. */
export const oneOf = (column: string, words: readonly string[]): string =>
  `CASE WHEN ${column} IN (${words.map(word => `'${word}'`).join(', ')}) THEN ${column} END AS ${column}`

function select(column: string, isPlain: string): string {
  return `CASE WHEN ${isPlain} THEN ${column} ELSE CAST(${column} AS BLOB) END AS ${column}, typeof(${column}) AS ${column}_type`
}
