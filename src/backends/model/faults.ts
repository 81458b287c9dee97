import {
  AmbiguousWriteError,
  DurableDictError,
  HistoryError,
  InvalidValueError,
  StoreUnavailableError,
  UnsupportedError,
} from '../../errors/errors.js'
import { describeError } from '../../errors/for-key.js'
import { warn } from '../../warnings/warnings.js'
import { isMissingTable, isRefusedForGood } from '../sql/error-kinds.js'
import type { SqlRow } from '../sql/sql-session.js'
import { withoutValues } from './commits/values-in-messages.js'

/** Returns whether the database refuses the dictionary: see `Backend.refuses`. Without a cause, its answer was wrong: a table is missing. */
export function isRefusal(error: unknown): boolean {
  return isRefusedForGood(error) || (error instanceof StoreUnavailableError && error.cause === undefined)
}

/** Returns the error of a write that did not take effect. */
export function notWritten(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `Nothing was written to dictionary "${dictionary}", whose database failed: ${describeError(cause)} Try again later.`,
    { dictionary, cause },
  )
}

/** Returns the error of a write whose COMMIT failed without an answer, so that its outcome is unknown. */
export function unknownOutcome(cause: unknown, dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `A write to dictionary "${dictionary}" may or may not have taken effect, since its COMMIT failed: ${describeError(cause)} ` +
      'Read the key again before you repeat the write.',
    { dictionary, cause },
  )
}

/** Returns the error of a write that the database, or a hook of the model, rejects. */
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

/** Returns the error of a value that is too large for a statement. Sizes are in bytes. */
export function tooLargeToWrite(key: string, size: number, largest: number, dictionary: string): InvalidValueError {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  return new InvalidValueError(
    `The value of key ${JSON.stringify(key)} of dictionary "${dictionary}" takes ${megabytes(size)} in a statement, and the database takes ` +
      `${megabytes(largest)} at most (max_allowed_packet). Nothing was written.`,
    { dictionary, key },
  )
}

/** Returns the error of a `touch` whose rows an open transaction has changed. */
export function rowsInUse(cause: unknown, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `touch() of dictionary "${dictionary}" announced nothing: the rows are changed by a transaction that has not ended, and whatever ` +
      'was read now would be outdated when it does. Call touch() after the transaction is committed, not inside it.',
    { dictionary, cause },
  )
}

/** Returns the error of a write whose rows another transaction has locked for too long. */
export function rowsLocked(
  cause: unknown,
  dictionary: string,
  [key, ...more]: readonly string[],
): StoreUnavailableError {
  const what =
    key === undefined || more.length > 0 ? 'rows that it writes are' : `the row of key ${JSON.stringify(key)} is`
  return new StoreUnavailableError(
    `Nothing was written to dictionary "${dictionary}": ${what} locked by a transaction that has not ended. Try again after it has.`,
    { dictionary, cause },
  )
}

/** Runs work on the version tables. Explains the failure if they are missing. */
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
      'versionTables(dialect) returns to your migrations, or open with the option "cache".',
    { dictionary, cause },
  )
}

/** @throws StoreUnavailableError if the head has another format. */
export function checkFormat(head: SqlRow, format: number, dictionary: string): void {
  if (Number(head.format) === format) return
  throw new StoreUnavailableError(
    `The tables of the versions of dictionary "${dictionary}" are of format ${String(head.format)}, and this version of ` +
      `durabledict knows only format ${format}. Update durabledict.`,
    { dictionary },
  )
}

/** The tables are those of a release without history. */
export function noHistoryTables(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `The database of dictionary "${dictionary}" has no room for a history: its version tables were created by an earlier release, or its user ` +
      'may not read durabledict_model_commits. Call createTables(model), or run the statements that historyMigration(dialect) returns in a ' +
      'migration, grant the rights on that table, and open the dictionary again.',
    { dictionary },
  )
}

/** The history was written by a later release. */
export function laterHistory(dictionary: string): HistoryError {
  return new HistoryError(
    `The history of dictionary "${dictionary}" has a format that this version of durabledict does not know. Update durabledict.`,
    { dictionary },
  )
}

/** The database clients without a registry that a warning has named. */
const warned = new WeakSet<object>()

/** The tables are those of a release without a registry of the replicas. Warns once for each database client. */
export function warnOfMissingReplicas(database: object, dictionary: string): void {
  if (warned.has(database)) return
  warned.add(database)
  warn(
    'DURABLEDICT_NO_REPLICAS_TABLE',
    `The database of dictionary "${dictionary}" has no table durabledict_model_replicas, or its user may not read it: replicas() is not ` +
      'available, and writes with { everywhere: true } wait for the largest recorded bound. Call createTables(model), or run the ' +
      'statement that replicasMigration(dialect) returns in a migration, and grant the rights on that table.',
    { source: 'durabledict_model_replicas' },
  )
}
