import { sqlCodes } from './sql-codes.js'

/** Failures after which the transaction may succeed when it runs again: deadlocks, serialization failures, locked files. */
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
  // SQLITE_BUSY and SQLITE_LOCKED by their numbers, plain and extended, the only form in which Prisma reports them.
  '5',
  '261',
  '517',
  '773',
  '6',
  '262',
])

/** A row with the same unique value exists. */
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

/** The table or the column does not exist. */
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
 * SQLSTATEs of failures whose cause is not the written value: connections, rights, missing tables, locks, timeouts, faults of the
 * server. A missing or mistyped column is not among them: one instance may name such a column while others do not.
 */
const CLASSES_OF_THE_STORE = /^(?:(?:08|25|28|3D|53|55|57|58|F0|XX)[0-9A-Z]{3}|42501|42P01)$/

/** The corresponding codes of other databases and of libraries. */
const FAULTS_OF_THE_STORE =
  /^(?:P(?:1\d{3}|2024|2028|2037)$|SQLITE_(?:FULL|READONLY|IOERR|CORRUPT|NOTADB|CANTOPEN|NOMEM|INTERRUPT|PERM|AUTH)|E(?:CONN|PIPE|TIMEDOUT)|PROTOCOL_)/

const NUMBERS_OF_THE_STORE: ReadonlySet<string> = new Set([
  // MySQL: disk full, rights, lock waits, read-only, interrupted, connection lost, statement too long.
  ...['1021', '1114', '1142', '1143', '1205', '1290', '1317', '1792', '1836', '1927', '1969', '2006', '2013', '3024'],
  // SQLite: rights, memory, read-only, interrupted, input and output, corrupt, disk full, cannot be opened, no database.
  ...['3', '7', '8', '9', '10', '11', '13', '14', '23', '26'],
])

/**
 * The server answered, and time does not cure the reason: credentials, rights, or a database, schema, table or column that does not
 * exist. For PostgreSQL, MySQL, MariaDB and Prisma.
 */
const REFUSALS =
  /^(?:28[0-9A-Z]{3}|3D000|3F000|42501|42P01|42703|42883|1044|1045|1049|1054|1142|1143|1146|1227|1370|DD001|P1000|P1003|P1010|P2021|P2022)$/

/** Whether the database refuses the dictionary: see `Backend.refuses`. */
export function isRefusedForGood(error: unknown): boolean {
  return sqlCodes(error).some(code => REFUSALS.test(code))
}

export function isConflict(error: unknown): boolean {
  return sqlCodes(error).some(code => CONFLICTS.has(code))
}

/** PostgreSQL: another session has created the table, or its type, in the meantime. */
export function isCreatedMeanwhile(error: unknown): boolean {
  return sqlCodes(error).some(code => code === '42P07' || code === '23505')
}

export function isDuplicate(error: unknown): boolean {
  return sqlCodes(error).some(code => DUPLICATES.has(code))
}

export function isMissingTable(error: unknown): boolean {
  return sqlCodes(error).some(code => MISSING.has(code)) || /no such (?:table|column)/i.test(messageOf(error))
}

/** Whether the database failed, rather than refused the written value. */
export function isOfStore(error: unknown): boolean {
  return sqlCodes(error).some(
    code => CLASSES_OF_THE_STORE.test(code) || FAULTS_OF_THE_STORE.test(code) || NUMBERS_OF_THE_STORE.has(code),
  )
}

/**
 * PostgreSQL: whether the server has answered that a statement failed, so that nothing of it took effect. Not among them: lost
 * connections, a server that ends, and codes that say that the outcome is unknown.
 */
export function isFailedStatement(error: unknown): boolean {
  return sqlCodes(error).some(
    code => /^(?:0A|2[1-8]|3[4-9BDF]|4[024]|5[3-5]|P0)[0-9A-Z]{3}$/.test(code) && code !== '40003',
  )
}

/** Whether a lock was not acquired in time: `lock_timeout` of PostgreSQL, or the limits of MySQL and MariaDB. */
export function isLockTimeout(error: unknown): boolean {
  return sqlCodes(error).some(code => code === '55P03' || code === '1205' || code === '3572')
}

/** Whether a constraint or a trigger rejected the write, possibly at COMMIT, which is then rolled back. */
export function isRefusal(error: unknown): boolean {
  return sqlCodes(error).some(code => /^(?:22|23|44|P0)[0-9A-Z]{3}$/.test(code) || code.startsWith('SQLITE_CONSTRAINT'))
}

function messageOf(error: unknown): string {
  const { message, cause } = (error ?? {}) as { message?: unknown; cause?: unknown }
  return `${String(message)} ${cause === undefined ? '' : messageOf(cause)}`
}
