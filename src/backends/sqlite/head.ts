import { StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import { newEpoch, newNonce, toVersion, type VersionParts } from '../sql/version.js'
import type { Connection, Row } from './connection.js'
import { isTableMissing } from './faults.js'
import { CREATE_TABLES, FORMAT, HIGHEST_FORMAT, SQL } from './sql.js'
import { writing } from './transactions.js'

/** The largest bound, in ms: what a timer can wait. What cannot be a bound is taken for it, so that no write resolves too early. */
const MAX_BOUND = 2 ** 31 - 1

/** Where a dictionary's history stands. */
export interface Head extends VersionParts {
  /** What the log of changes holds. */
  readonly logRows: number
  readonly logBytes: number
  /** For how long some replica relies on memory after a check, in ms. */
  readonly bound: number
  readonly version: string
}

/** No head, and why, if something is in its place that is none. */
export interface NoHead {
  readonly version?: undefined
  readonly damage: string | undefined
}

const MISSING: NoHead = { damage: undefined }
const DAMAGED: NoHead = { damage: 'the row of durabledict_heads' }

/** How many tables there are. */
const TABLES = 3

/**
 * The dictionary's head, where the file holds the dictionary.
 *
 * @throws UnsupportedError where a later version of the library has laid it out.
 */
export function readHead(connection: Connection, dictionary: string): Head | NoHead {
  const row = findHead(connection, dictionary)
  return row ? parseHead(row, dictionary) : MISSING
}

/**
 * Creates tables and dictionary where they are missing, and founds the history again if what is there is damaged: with a new
 * epoch, so that every process loads what is stored. Other processes may do so at the same time.
 */
export function createHead(connection: Connection, dictionary: string): Head {
  return writing(connection, () => {
    const complete = connection.get(SQL.tables)?.tables === TABLES
    connection.exec(CREATE_TABLES)
    checkFormat(connection.get(SQL.format)?.format ?? FORMAT, dictionary)
    const found = readHead(connection, dictionary)
    if (complete && found.version !== undefined) return found
    // Without one of the tables no history goes on, whatever dictionary it is of.
    if (!complete) connection.exec('DELETE FROM durabledict_heads; DELETE FROM durabledict_changes')
    return foundAgain(connection, dictionary)
  })
}

/** The recorded bound stays. */
function foundAgain(connection: Connection, dictionary: string): Head {
  const dict = escapeText(dictionary)
  const row = connection.get(SQL.head, dict)
  connection.run(SQL.removeHead, dict)
  connection.run(SQL.cut, dict)
  connection.run(SQL.createHead, dict, FORMAT, newEpoch(), newNonce(), row ? parseBound(row.bound) : 0)
  return readHead(connection, dictionary) as Head
}

/** Inside a transaction. @throws StoreUnavailableError if a trigger skipped it: writes `{ everywhere: true }` would resolve too early. */
export function raiseBound(connection: Connection, dictionary: string, ms: number): void {
  connection.run(SQL.raiseBound, ms, escapeText(dictionary))
  const row = findHead(connection, dictionary)
  if (row === undefined || parseBound(row.bound) >= ms) return
  throw new StoreUnavailableError(
    `The staleness bound of dictionary "${dictionary}" was not recorded: a trigger altered or skipped a row of durabledict_heads. ` +
      'Remove the trigger.',
    { dictionary },
  )
}

function findHead(connection: Connection, dictionary: string): Row | undefined {
  try {
    return connection.get(SQL.head, escapeText(dictionary))
  } catch (error) {
    if (isTableMissing(error)) return undefined
    if (/no such column/.test((error as Error).message)) throw unknownFormat('unknown', dictionary, error)
    throw error
  }
}

/** The one parser of heads: whatever is not exactly as this library writes it is damaged. */
function parseHead(row: Row, dictionary: string): Head | NoHead {
  const { format, epoch, number, nonce, log_rows: logRows, log_bytes: logBytes, bound } = row
  if (isNumber(format) && format > FORMAT && format <= HIGHEST_FORMAT) throw unknownFormat(String(format), dictionary)
  if (format !== FORMAT || !isNumber(number) || !isNumber(logRows) || !isNumber(logBytes)) return DAMAGED
  if (typeof epoch !== 'string' || typeof nonce !== 'string') return DAMAGED
  const version = toVersion(number, epoch, nonce)
  return { epoch, number, nonce, logRows, logBytes, bound: parseBound(bound), version }
}

function parseBound(bound: unknown): number {
  return isNumber(bound) && bound >= 0 && bound <= MAX_BOUND ? bound : MAX_BOUND
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function checkFormat(format: unknown, dictionary: string): void {
  if (format !== FORMAT) throw unknownFormat(String(format), dictionary)
}

function unknownFormat(format: string, dictionary: string, cause?: unknown): UnsupportedError {
  return new UnsupportedError(
    `The tables of dictionary "${dictionary}" are of format ${format}, and this version of durabledict knows only ` +
      `format ${FORMAT}. Update durabledict.`,
    { dictionary, ...(cause === undefined ? {} : { cause }) },
  )
}
