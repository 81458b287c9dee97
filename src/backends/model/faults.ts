import {
  AmbiguousWriteError,
  DurableDictError,
  InvalidValueError,
  StoreUnavailableError,
  UnsupportedError,
} from '../../errors/errors.js'
import { describeError } from '../../errors/for-key.js'
import { sqlCodes } from '../sql/sql-codes.js'
import { withoutValues } from './commits/values-in-messages.js'
import type { SqlRow } from './managers/manager.js'

/** What passes where the transaction is run again: deadlocks, serialization failures, and files locked by others. */
const CONFLICTS: ReadonlySet<string> = new Set([
  '40001',
  '40P01',
  '1213',
  'ER_LOCK_DEADLOCK',
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_BUSY_RECOVERY',
  'SQLITE_BUSY_TIMEOUT',
  'SQLITE_LOCKED',
  'SQLITE_LOCKED_SHAREDCACHE',
  'P2034',
  // SQLITE_BUSY and SQLITE_LOCKED by their numbers, plain and extended, which are all that Prisma passes on.
  '5',
  '261',
  '517',
  '773',
  '6',
  '262',
])

/** A row with the same unique value is there already. */
const DUPLICATES: ReadonlySet<string> = new Set([
  '23505',
  '1062',
  'ER_DUP_ENTRY',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  'SQLITE_CONSTRAINT_UNIQUE',
  '1555',
  '2067',
  'P2002',
])

/** There is no such table, or column. */
const MISSING: ReadonlySet<string> = new Set([
  '42P01',
  '42703',
  '1054',
  '1146',
  'ER_BAD_FIELD_ERROR',
  'ER_NO_SUCH_TABLE',
  'P2021',
  'P2022',
])

/**
 * SQLSTATEs that say nothing of what is written: connections, rights, missing tables, locks, limits of time, the server's own faults.
 * Not a column that does not exist, or is of another type, which one instance names and others do not.
 */
const CLASSES_OF_THE_STORE = /^(?:(?:08|25|28|3D|53|55|57|58|F0|XX)[0-9A-Z]{3}|42501|42P01)$/

/** The same elsewhere. */
const FAULTS_OF_THE_STORE =
  /^(?:P(?:1\d{3}|2024|2028|2037)$|SQLITE_(?:FULL|READONLY|IOERR|CORRUPT|NOTADB|CANTOPEN|NOMEM|INTERRUPT|PERM|AUTH)|E(?:CONN|PIPE|TIMEDOUT)|PROTOCOL_)/

const NUMBERS_OF_THE_STORE: ReadonlySet<string> = new Set([
  // MySQL: disk full, rights, lock waits, read-only, interrupted, connection lost, statement too long.
  ...['1021', '1114', '1142', '1143', '1205', '1290', '1317', '1792', '1836', '1927', '1969', '2006', '2013', '3024'],
  // SQLite: rights, memory, read-only, interrupted, input and output, corrupt, disk full, cannot be opened, no database.
  ...['3', '7', '8', '9', '10', '11', '13', '14', '23', '26'],
])

export function isConflict(error: unknown): boolean {
  return sqlCodes(error).some(code => CONFLICTS.has(code))
}

/** PostgreSQL: a table, or its type, was created by others since we looked. */
export function isCreatedMeanwhile(error: unknown): boolean {
  return sqlCodes(error).some(code => code === '42P07' || code === '23505')
}

export function isDuplicate(error: unknown): boolean {
  return sqlCodes(error).some(code => DUPLICATES.has(code))
}

function isMissingTable(error: unknown): boolean {
  return sqlCodes(error).some(code => MISSING.has(code)) || /no such (?:table|column)/i.test(messageOf(error))
}

/** Whether it is the database that cannot, rather than what is written that it does not take. */
export function isOfStore(error: unknown): boolean {
  return sqlCodes(error).some(
    code => CLASSES_OF_THE_STORE.test(code) || FAULTS_OF_THE_STORE.test(code) || NUMBERS_OF_THE_STORE.has(code),
  )
}

/** A lock was not had in time: PostgreSQL's lock_timeout, MySQL's and MariaDB's. */
export function isLockTimeout(error: unknown): boolean {
  return sqlCodes(error).some(code => code === '55P03' || code === '1205' || code === '3572')
}

/** A constraint or a trigger did not take what was written: also at COMMIT, which is rolled back then. */
export function isRefusal(error: unknown): boolean {
  return sqlCodes(error).some(code => /^(?:22|23|44|P0)[0-9A-Z]{3}$/.test(code) || code.startsWith('SQLITE_CONSTRAINT'))
}

/** A write that surely did not take effect. */
export function notWritten(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `Nothing was written to dictionary "${dictionary}", whose database failed: ${describeError(cause)} Try again later.`,
    { dictionary, cause },
  )
}

/** A write whose COMMIT failed, without an answer that says whether it took effect. */
export function unknownOutcome(cause: unknown, dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `A write to dictionary "${dictionary}" may or may not have taken effect, since its COMMIT failed: ${describeError(cause)} ` +
      'Read the key again before you repeat the write.',
    { dictionary, cause },
  )
}

/** A write that the database, or a hook of the model, does not take, while it takes others. */
export function refused(
  cause: unknown,
  dictionary: string,
  keys: readonly string[],
  values: readonly string[] = [],
): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  const [key] = keys
  const single = keys.length === 1 && key !== undefined
  const written = single ? `the value of key "${key}"` : `${keys.length} keys, written together`
  const what = keys.length === 0 ? 'to remove all rows; none was removed' : `${written}, of which nothing was written`
  return new InvalidValueError(
    `The model of dictionary "${dictionary}" refused ${what}: ${withoutValues(describeError(cause), values)}`,
    { dictionary, cause, ...(single ? { key } : {}) },
  )
}

/** A value that does not fit into a statement. Sizes are in bytes. */
export function tooLargeToWrite(key: string, size: number, largest: number, dictionary: string): InvalidValueError {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  return new InvalidValueError(
    `The value of key ${JSON.stringify(key)} of dictionary "${dictionary}" takes ${megabytes(size)} in a statement, and the database takes ` +
      `${megabytes(largest)} at most (max_allowed_packet). Nothing was written.`,
    { dictionary, key },
  )
}

/** Rows that are to be read again belong to a transaction which has not ended. */
export function rowsInUse(cause: unknown, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `touch() of dictionary "${dictionary}" announced nothing: the rows are changed by a transaction that has not ended, and whatever ` +
      'was read now would be outdated when it does. Call touch() after the transaction is committed, not inside it.',
    { dictionary, cause },
  )
}

/** Runs what uses the tables of the versions, of which some may be missing. */
export async function withVersionTables<V>(dictionary: string, work: () => Promise<V>): Promise<V> {
  try {
    return await work()
  } catch (error) {
    throw isMissingTable(error) ? noVersionTables(error, dictionary) : error
  }
}

/** The tables of the versions are missing. */
function noVersionTables(cause: unknown, dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `The database of dictionary "${dictionary}" lacks the tables in which versions are kept (durabledict_model_versions and ` +
      'durabledict_model_changes), or they are not of this version: call createTables(manager) once, add what ' +
      'versionTables(dialect) gives to your migrations, or open with the option "cache".',
    { dictionary, cause },
  )
}

/** @throws StoreUnavailableError where the head's format is not the present one. */
export function checkFormat(head: SqlRow, format: number, dictionary: string): void {
  if (Number(head.format) === format) return
  throw new StoreUnavailableError(
    `The tables of the versions of dictionary "${dictionary}" are of format ${String(head.format)}, and this version of ` +
      `durabledict knows only format ${format}. Update durabledict.`,
    { dictionary },
  )
}

function messageOf(error: unknown): string {
  const { message, cause } = (error ?? {}) as { message?: unknown; cause?: unknown }
  return `${String(message)} ${cause === undefined ? '' : messageOf(cause)}`
}
