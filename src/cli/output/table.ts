import { columnsOf, fitted } from './columns.js'
import { printable } from './printable.js'

/** Between two columns. */
const GAP = '  '

/** The narrowest that the last column becomes. */
const LEAST = 20

/** How much of a cell is looked at, in characters: nobody reads more in a table. */
const MAX_CELL = 2_000

/**
 * Returns a table as lines. The last column is shortened to the width.
 *
 * @param width - in columns; `undefined`: without limit.
 * @param whole - how many of the first columns are never shortened: they are for copying.
 */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
  whole: number,
): string[] {
  const cells = [head, ...rows].map(row => row.map(cell => shown(cell, width)))
  const widths = head.map((_, column) => cells.reduce((most, row) => Math.max(most, columnsOf(row[column] ?? '')), 0))
  return cells.map(row => lineOf(row, widths, width, whole))
}

function shown(cell: string, width: number | undefined): string {
  return printable(width !== undefined && cell.length > MAX_CELL ? `${cell.slice(0, MAX_CELL)}…` : cell)
}

function lineOf(row: readonly string[], widths: readonly number[], width: number | undefined, whole: number): string {
  const before = row.slice(0, -1).map((cell, column) => {
    const limit = column < whole ? undefined : width
    return padded(fitCell(cell, limit), capped(widths[column] ?? 0, limit))
  })
  const start = before.map(cell => cell + GAP).join('')
  const last = row.at(-1) ?? ''
  const left = width === undefined ? undefined : Math.max(LEAST, width - columnsOf(start))
  return (start + (left === undefined ? last : fitted(last, left))).trimEnd()
}

/** A column other than the last takes at most half of the width. */
function capped(columns: number, width: number | undefined): number {
  return width === undefined ? columns : Math.min(columns, Math.max(LEAST, Math.floor(width / 2)))
}

function fitCell(cell: string, width: number | undefined): string {
  return width === undefined ? cell : fitted(cell, capped(Number.POSITIVE_INFINITY, width))
}

function padded(cell: string, columns: number): string {
  return cell + ' '.repeat(Math.max(0, columns - columnsOf(cell)))
}
