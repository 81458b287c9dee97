import type { Version } from '../../../contract/backend.js'
import { checkedColumns, unexpected } from '../../sql/replies.js'
import type { SqlRow } from '../../sql/sql-session.js'
import { isToken, toCount } from '../../sql/stored-tokens.js'
import { toVersion, type VersionParts } from '../../sql/version.js'
import { checkFormat } from '../faults.js'
import { FORMAT, HEAD_COLUMNS } from './tables.js'

/** Where a dictionary's history is. */
export interface Head extends VersionParts {
  /** How much was ever logged, in bytes. */
  readonly bytes: number
  /** The largest bound that some replica relies on, in ms. */
  readonly bound: number
  readonly version: Version
}

/** Its row as it was found: none, one that cannot be one, or the head. */
export type FoundHead = 'missing' | 'malformed' | Head

/** The largest format that a later release may have; beyond, it is damage. */
const LARGEST_FORMAT = 1_000

/** The longest bound that is taken for one, in ms: what a timer can wait. */
const LONGEST_BOUND = 2 ** 31 - 1

/**
 * Reads the answer to a query for the head. What no release of the library can have written is malformed.
 *
 * @throws StoreUnavailableError for a later format, or an answer of another shape.
 */
export function readHead(library: string, reply: unknown, dictionary: string): FoundHead {
  const [row] = checkedColumns<SqlRow>(library, HEAD_COLUMNS, reply)
  if (!row) return 'missing'
  for (const name of HEAD_COLUMNS) checkType(library, row, name)
  const format = toCount(row.format)
  if (format === undefined || format === 0 || format > LARGEST_FORMAT) return 'malformed'
  checkFormat(row, FORMAT, dictionary)
  return toHead(row) ?? 'malformed'
}

function toHead({ epoch, number: at, nonce, bytes: logged, bound: recorded }: SqlRow): Head | undefined {
  const [number, bytes, bound] = [toCount(at), toCount(logged), toBound(recorded)]
  if (number === undefined || bytes === undefined || bound === undefined) return undefined
  if (!isToken(epoch) || !isToken(nonce)) return undefined
  return { number, epoch, nonce, bytes, bound, version: toVersion(number, epoch, nonce) }
}

function toBound(value: unknown): number | undefined {
  const bound = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof bound === 'number' && bound >= 0 && bound <= LONGEST_BOUND ? bound : undefined
}

/** Columns of numbers and text come as numbers, text or NULL, whatever is stored. */
function checkType(library: string, row: SqlRow, name: string): void {
  const value = row[name]
  if (value === null || ['number', 'bigint', 'string'].includes(typeof value) || isBytes(value)) return
  throw unexpected(library, 'the head of a history, with numbers and text', row)
}

/** SQLite holds bytes in a column of any type. */
function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array || value instanceof ArrayBuffer
}
