import { StoreUnavailableError } from '../../errors/errors.js'
import type { SqlRow } from './sql-session.js'

/** The maximum depth and the maximum number of members in a described shape. */
const DEPTH = 2
const MEMBERS = 6

/** Matches statements that return rows. Replies to other statements are ignored. */
const GIVES_ROWS = /^\s*(?:\/\*.*?\*\/\s*)*(?:SELECT|WITH|VALUES|SHOW|PRAGMA|EXPLAIN)\b|\bRETURNING\b/is

/**
 * Returns a library's reply as a list of rows, which is empty for a statement without rows.
 *
 * @throws StoreUnavailableError with the shape of any other reply, which must not be mistaken for an empty table.
 */
export function checkedRows(library: string, sql: string, reply: unknown): readonly SqlRow[] {
  if (!GIVES_ROWS.test(sql)) return []
  if (Array.isArray(reply) && reply.every(isRow)) return reply
  throw unexpected(library, 'a list of rows', reply)
}

/** Converts bytes in rows to text. Drivers return bytes if the application has turned off their conversions. */
export function withText(rows: readonly SqlRow[]): readonly SqlRow[] {
  const hasBytes = (row: SqlRow) => Object.values(row).some(cell => cell instanceof Uint8Array)
  const toText = (cell: unknown) => (cell instanceof Uint8Array ? bytesAsText(cell) : cell)
  if (!rows.some(hasBytes)) return rows
  return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, toText(cell)])))
}

/** Returns a model's reply as a list of rows that all have these columns. @throws StoreUnavailableError */
export function checkedColumns<Row extends object>(library: string, columns: readonly string[], reply: unknown): Row[] {
  const isWanted = (row: unknown) => isRow(row) && columns.every(name => row[name] !== undefined)
  if (Array.isArray(reply) && reply.every(isWanted)) return reply
  throw unexpected(library, `a list of rows with ${columns.join(' and ')}`, reply)
}

/**
 * Returns text or null. Also accepts text as bytes, which drivers return if the application has turned off their conversions.
 *
 * @throws StoreUnavailableError
 */
export function checkedText(library: string, what: string, value: unknown): string | null {
  if (typeof value === 'string' || value === null) return value
  if (value instanceof Uint8Array) return bytesAsText(value)
  throw unexpected(library, `${what} as text`, value)
}

/** Decodes UTF-8. */
export function bytesAsText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
}

function isRow(row: unknown): row is Record<string, unknown> {
  return typeof row === 'object' && row !== null && !Array.isArray(row)
}

/** Returns the error for an unexpected reply. Its message describes types, and never contains values. */
export function unexpected(library: string, wanted: string, reply: unknown): StoreUnavailableError {
  return new StoreUnavailableError(
    `${library} was asked for ${wanted} and returned ${shapeOf(reply)}. An option of the client, the driver or a plugin changes ` +
      'its replies: give the dictionary a client without it.',
  )
}

/** Describes a value by its types, without its content. */
export function shapeOf(value: unknown, depth = DEPTH): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) {
    if (value.length === 0 || depth === 0) return `an array of ${value.length}`
    return `an array of ${value.length}, the first of which is ${shapeOf(value[0], depth - 1)}`
  }
  const name = value.constructor?.name ?? 'object'
  const members = Object.entries(value)
  if (name !== 'Object' || depth === 0) return name
  const shown = members.slice(0, MEMBERS).map(([key, member]) => `${key}: ${shapeOf(member, depth - 1)}`)
  return `{ ${[...shown, ...(members.length > MEMBERS ? ['…'] : [])].join(', ')} }`
}
