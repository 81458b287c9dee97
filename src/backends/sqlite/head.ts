import { UnsupportedError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import { newEpoch, newNonce, toVersion, type VersionParts } from '../sql/version.js'
import type { Connection, Row } from './connection.js'
import { isLayoutOld, isTableMissing } from './faults.js'
import { HISTORY_SQL } from './history-sql.js'
import { type HistoryState, NO_HISTORY, parseHistory, policyColumns } from './history-state.js'
import { REGISTRY_SQL } from './registry-sql.js'
import { CREATE_TABLES, FORMAT, HIGHEST_FORMAT, SQL } from './sql.js'
import { writing } from './transactions.js'
import { upgrade } from './upgrade.js'

/**
 * The largest bound, in ms: the longest delay of a timer. It replaces an invalid bound, so that no write resolves too
 * early.
 */
const MAX_BOUND = 2 ** 31 - 1

/** The current position in the history of a dictionary. */
export interface Head extends VersionParts {
  /** The size of the change log. */
  readonly logRows: number
  readonly logBytes: number
  /** How long a replica relies on its memory after a check, in ms. */
  readonly bound: number
  readonly history: HistoryState
  readonly version: string
}

/** No head. If there is a malformed one, `damage` describes it. */
export interface NoHead {
  readonly version?: undefined
  readonly damage: string | undefined
}

const MISSING: NoHead = { damage: undefined }
const DAMAGED: NoHead = { damage: 'the row of durabledict_heads' }

/** The number of the library's tables. */
const TABLES = 3

/**
 * Returns the head of the dictionary, if the file contains the dictionary.
 *
 * @throws UnsupportedError if a later version of the library created the tables.
 */
export function readHead(connection: Connection, dictionary: string): Head | NoHead {
  const row = findHead(connection, dictionary)
  return row ? parseHead(row, dictionary) : MISSING
}

/** Stores the new version, the size of the log and the state of the history. */
export function moveHead(connection: Connection, dictionary: string, head: Head): void {
  const { number, nonce, logRows, logBytes, history } = head
  const { position, floor, commits } = history
  const columns = [number, nonce, logRows, logBytes, position, floor, commits, history.nonce ?? null]
  connection.run(SQL.moveHead, ...columns, escapeText(dictionary))
}

/**
 * Creates tables and dictionary if they are missing, and adds the columns that files of earlier releases lack. If the head is
 * damaged, starts a new history: with a new epoch, so that every process loads everything. Other processes may do so concurrently.
 */
export function createHead(connection: Connection, dictionary: string): Head {
  return writing(connection, () => {
    const complete = connection.get(SQL.tables)?.tables === TABLES
    connection.exec(CREATE_TABLES)
    checkFormat(connection.get(SQL.format)?.format ?? FORMAT, dictionary)
    upgrade(connection)
    const found = readHead(connection, dictionary)
    if (complete && found.version !== undefined) return found
    // If one of the tables was missing, the history of every dictionary has ended.
    if (!complete) connection.exec('DELETE FROM durabledict_heads; DELETE FROM durabledict_changes')
    return startHistory(connection, dictionary)
  })
}

/** Keeps the recorded bounds and policy. The history of commits is complete only if nothing is stored. */
function startHistory(connection: Connection, dictionary: string): Head {
  const dict = escapeText(dictionary)
  const row = connection.get(SQL.head, dict)
  const bounds = connection.get(REGISTRY_SQL.bounds, dict)
  const isNew = row === undefined && connection.get(SQL.any, dict) === undefined
  const nonce = newNonce()
  connection.run(SQL.removeHead, dict)
  connection.run(SQL.cut, dict)
  for (const sql of [HISTORY_SQL.dropCommits, HISTORY_SQL.dropKeys, HISTORY_SQL.dropDropped]) connection.run(sql, dict)
  const bound = row ? parseBound(row.bound) : 0
  const floor = isNew ? 0 : 1
  const policy = policyColumns(row ? parseHistory(row).policy : undefined)
  connection.run(SQL.createHead, dict, FORMAT, newEpoch(), nonce, bound, floor, floor, nonce, ...policy)
  connection.run(REGISTRY_SQL.setBounds, bound, bounds?.covered ?? 0, bounds?.unregistered ?? 0, dict)
  return readHead(connection, dictionary) as Head
}

function findHead(connection: Connection, dictionary: string, sql: string = SQL.head): Row | undefined {
  try {
    return connection.get(sql, escapeText(dictionary))
  } catch (error) {
    if (isTableMissing(error)) return undefined
    if (isLayoutOld(error) && sql !== SQL.oldHead) return findHead(connection, dictionary, SQL.oldHead)
    if (/no such column/.test((error as Error).message)) throw unknownFormat('unknown', dictionary, error)
    throw error
  }
}

/** The only parser of heads: a head that this library did not write is damaged. */
function parseHead(row: Row, dictionary: string): Head | NoHead {
  const { format, epoch, number, nonce, log_rows: logRows, log_bytes: logBytes, bound } = row
  if (isNumber(format) && format > FORMAT && format <= HIGHEST_FORMAT) throw unknownFormat(String(format), dictionary)
  if (format !== FORMAT || !isNumber(number) || !isNumber(logRows) || !isNumber(logBytes)) return DAMAGED
  if (typeof epoch !== 'string' || typeof nonce !== 'string') return DAMAGED
  const version = toVersion(number, epoch, nonce)
  const history = 'history_position' in row ? parseHistory(row) : NO_HISTORY
  return { epoch, number, nonce, logRows, logBytes, bound: parseBound(bound), history, version }
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
    `The tables of dictionary "${dictionary}" have format ${format}, but this version of durabledict supports only ` +
      `format ${FORMAT}. Update durabledict.`,
    { dictionary, ...(cause === undefined ? {} : { cause }) },
  )
}
