import { DamagedValue } from '../../../contract/damaged-value.js'
import { shapeOf } from '../../sql/replies.js'
import { sqlCodes } from '../../sql/sql-codes.js'
import type { Columns, ModelSession, RowQuery } from '../managers/manager.js'

/** A row of which the library cannot make anything, with its key as the database has it. */
export class DamagedRow {
  readonly key: unknown
  readonly stored: DamagedValue

  /** @param reason - as a sentence. */
  constructor(key: unknown, reason = 'The library of the model cannot read the row.') {
    this.key = key
    this.stored = new DamagedValue(reason)
  }
}

/** The rows; those that the library cannot read one by one, so that they do not spoil the others. */
export async function readRows(session: ModelSession, query: RowQuery): Promise<readonly (object | DamagedRow)[]> {
  try {
    return checked(await session.rows(query))
  } catch (error) {
    if (!isOfConversion(error) || query.columns?.length === 1) throw error
    return oneByOne(session, query)
  }
}

async function oneByOne(session: ModelSession, query: RowQuery): Promise<(object | DamagedRow)[]> {
  const { keyCol } = query
  const rows: (object | DamagedRow)[] = []
  for (const row of checked(await session.rows({ ...query, columns: [keyCol] }))) {
    const key = (row as Columns)[keyCol]
    if (typeof key !== 'string') rows.push(row)
    else rows.push(...(await one(session, { ...query, keys: [key] }, key)))
  }
  return rows
}

async function one(session: ModelSession, query: RowQuery, key: string): Promise<readonly (object | DamagedRow)[]> {
  try {
    return checked(await session.rows(query))
  } catch (error) {
    if (!isOfConversion(error)) throw error
    return [new DamagedRow(key)]
  }
}

/** The codes that Node.js and Prisma use for failed conversions. The database is not involved, so the transaction continues. */
const CONVERSION = /^(?:ERR_|P2023$|P2032$)/

function isOfConversion(error: unknown): boolean {
  const codes = sqlCodes(error)
  if (codes.length > 0) return codes.every(code => CONVERSION.test(code))
  return error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError
}

function checked(rows: unknown): readonly object[] {
  const isRow = (row: unknown) => typeof row === 'object' && row !== null
  if (Array.isArray(rows) && rows.every(isRow)) return rows
  throw new Error(`The library of the model answered with ${shapeOf(rows)} to a query for rows.`)
}
