import type { Columns } from './manager.js'

/** How many values one statement takes at most: SQLite allows 32,766 parameters, PostgreSQL 65,535. */
const VALUES = 30_000

/** How many rows it inserts at most: some libraries write one SELECT a row, of which SQLite joins 500. */
const ROWS = 500

/**
 * The rows in their order, cut such that each batch is one INSERT: all its rows name the same columns, so that what a row leaves
 * out gets the default of its column rather than a null.
 */
export function insertBatches(rows: readonly Columns[]): Columns[][] {
  const batches: Columns[][] = []
  let last = ''
  for (const row of rows) {
    const names = Object.keys(row)
    const shape = JSON.stringify(names)
    const batch = batches.at(-1)
    const room = Math.min(ROWS, VALUES / names.length)
    if (batch && shape === last && batch.length + 1 <= room) batch.push(row)
    else batches.push([row])
    last = shape
  }
  return batches
}
