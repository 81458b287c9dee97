import { UnsupportedError } from '../../errors/errors.js'
import { escapeText } from '../sql/escape.js'
import { newEpoch, newNonce, toVersion, type VersionParts } from '../sql/version.js'
import type { Connection, Row } from './connection.js'
import { CREATE_TABLES, FORMAT, SQL } from './sql.js'
import { writing } from './transactions.js'

/** Where a dictionary's history stands. */
export interface Head extends VersionParts {
  /** What the log of changes holds. */
  readonly logRows: number
  readonly logBytes: number
  /** For how long some replica relies on memory after a check, in ms. */
  readonly bound: number
  readonly version: string
}

interface HeadRow extends Pick<Head, 'epoch' | 'number' | 'nonce' | 'bound'> {
  readonly log_rows: number
  readonly log_bytes: number
}

/**
 * The dictionary's head; `undefined` where the file does not hold the dictionary.
 *
 * @throws UnsupportedError where a later version of the library has laid it out.
 */
export function readHead(connection: Connection, dictionary: string): Head | undefined {
  const row = findHead(connection, dictionary)
  if (!row) return undefined
  checkFormat(row.format, dictionary)
  const { epoch, number, nonce, log_rows: logRows, log_bytes: logBytes, bound } = row as unknown as HeadRow
  return { epoch, number, nonce, logRows, logBytes, bound, version: toVersion(number, epoch, nonce) }
}

/** Creates tables and dictionary where they are missing. Another process may do so at the same time. */
export function createHead(connection: Connection, dictionary: string): Head {
  return writing(connection, () => {
    connection.exec(CREATE_TABLES)
    checkFormat(connection.get(SQL.format)?.format ?? FORMAT, dictionary)
    connection.run(SQL.createHead, escapeText(dictionary), FORMAT, newEpoch(), newNonce())
    return readHead(connection, dictionary) as Head
  })
}

function findHead(connection: Connection, dictionary: string): Row | undefined {
  try {
    return connection.get(SQL.head, escapeText(dictionary))
  } catch (error) {
    if (/no such table/.test((error as Error).message)) return undefined
    if (/no such column/.test((error as Error).message)) throw unknownFormat('unknown', dictionary, error)
    throw error
  }
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
