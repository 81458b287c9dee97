import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { AmbiguousWriteError, DurableDictError, InvalidValueError, StoreUnavailableError } from '../../errors/errors.js'

/** The result codes of SQLite ("Result and Error Codes") that are distinguished here. */
const CODE = {
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_PROTOCOL: 15,
  SQLITE_TOOBIG: 18,
  SQLITE_CONSTRAINT: 19,
  SQLITE_NOTADB: 26,
} as const

/** Errors after which the library closes its connection and opens another one for the next call. */
const BREAKING: readonly number[] = [CODE.SQLITE_IOERR, CODE.SQLITE_CORRUPT, CODE.SQLITE_CANTOPEN, CODE.SQLITE_NOTADB]

/**
 * The caller's connection is in a transaction of the caller: reads may be old, or see changes that are rolled back
 * later.
 */
export class HandleInUse extends Error {}

/** COMMIT failed. The cause decides whether it may have taken effect. */
export class CommitFault extends Error {}

/**
 * Returns SQLite's primary result code. node:sqlite has it in `errcode`, libsql in `rawCode`; better-sqlite3 has a
 * name in `code`.
 */
function codeOf(error: unknown): number {
  const { errcode, rawCode, code } = (error ?? {}) as { errcode?: unknown; rawCode?: unknown; code?: unknown }
  const extended = errcode ?? rawCode
  if (typeof extended === 'number') return extended & 0xff
  const [name] = /^SQLITE_[A-Z]+/.exec(String(code)) ?? []
  return CODE[name as keyof typeof CODE] ?? 0
}

/** Returns whether one of the library's tables is missing. */
export function isTableMissing(error: unknown): boolean {
  return error instanceof Error && /no such table: (main\.)?durabledict_/.test(error.message)
}

/** Returns whether an earlier release created the tables, so that columns are missing. */
export function isLayoutOld(error: unknown): boolean {
  return (
    error instanceof Error &&
    /(no such column: |has no column named )(log\.)?(history_|note\b|writing\b)/.test(error.message)
  )
}

/** Returns whether the error passes when other connections release the file. */
export function isLocked(error: unknown): boolean {
  const code = codeOf(error)
  return (
    error instanceof HandleInUse ||
    code === CODE.SQLITE_BUSY ||
    code === CODE.SQLITE_LOCKED ||
    code === CODE.SQLITE_PROTOCOL
  )
}

/** Returns whether this process may not use the file, or the file is something else: see `Backend.refuses`. */
export function isRefusal(error: unknown, file: string): boolean {
  const code = codeOf(error)
  if (code === CODE.SQLITE_READONLY || code === CODE.SQLITE_NOTADB) return true
  return code === CODE.SQLITE_CANTOPEN && isDenied(file)
}

function isDenied(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES'
  }
}

/** Returns whether this process, or its connection, cannot write the file. */
export function isReadOnly(error: unknown): boolean {
  const code = codeOf(error)
  return code === CODE.SQLITE_READONLY || code === CODE.SQLITE_CANTOPEN
}

export function isBreaking(error: unknown): boolean {
  return BREAKING.includes(codeOf(error instanceof CommitFault ? error.cause : error))
}

/**
 * Returns whether a value was too large to bind. libsql binds NULL instead, which the table rejects; better-sqlite3
 * throws a RangeError.
 */
export function isTooBig(error: unknown): boolean {
  return codeOf(error) === CODE.SQLITE_TOOBIG || isNull(error) || error instanceof RangeError
}

/** Returns whether a constraint or an external trigger rejected the write, but may accept others. */
export function isRefused(error: unknown): boolean {
  return codeOf(error) === CODE.SQLITE_CONSTRAINT
}

/** SQLITE_CONSTRAINT_NOTNULL. */
function isNull(error: unknown): boolean {
  const { rawCode, code } = (error ?? {}) as { rawCode?: unknown; code?: unknown }
  return rawCode === 1299 || code === 'SQLITE_CONSTRAINT_NOTNULL'
}

export function tooBig(key: string, dictionary: string, cause: unknown): InvalidValueError {
  return new InvalidValueError(
    `The value of key "${key}" of dictionary "${dictionary}" is larger than SQLite can store. It was not written.`,
    { dictionary, key, cause },
  )
}

export function refused(dictionary: string, key: string | undefined, cause: unknown): InvalidValueError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const what = key === undefined ? 'clear()' : `the write of key ${JSON.stringify(key)}`
  return new InvalidValueError(
    `A constraint or a trigger rejected ${what} in dictionary "${dictionary}". Nothing of it was written: ${message}.`,
    { dictionary, key, cause },
  )
}

/** The location of a fault, for messages. */
export interface Place {
  readonly dictionary: string
  /** The path of the file, or a description in its place. */
  readonly file: string
}

/** Converts an error for a reader. Errors of the library pass unchanged. */
export function readFault(cause: unknown, place: Place): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  const original = cause instanceof CommitFault ? cause.cause : cause
  return unavailable(explain(original, place), place, original)
}

/**
 * Converts an error for a writer. The write did not take effect, because an uncommitted transaction is rolled back.
 * The outcome is unknown only if COMMIT itself failed for a reason other than missing space.
 */
export function writeFault(cause: unknown, place: Place): DurableDictError {
  if (!(cause instanceof CommitFault)) return readFault(cause, place)
  if (codeOf(cause.cause) === CODE.SQLITE_FULL) return readFault(cause, place)
  const { dictionary } = place
  return new AmbiguousWriteError(
    `A write to dictionary "${dictionary}" may or may not have taken effect: ${explain(cause.cause, place)} ` +
      'Read the key again before you repeat the write.',
    { dictionary, cause: cause.cause },
  )
}

/** The error for a call that waited too long for a lock. */
export function stillLocked(cause: unknown, place: Place, waited: number): StoreUnavailableError {
  const reason =
    cause instanceof HandleInUse
      ? `the connection that was passed in was in a transaction of its owner for ${waited} ms. ` +
        'Pass a connection that is not kept in transactions, or the path of the file.'
      : `${place.file} was locked by another connection for ${waited} ms (option "timeout"). ` +
        'Nothing was read or written.'
  return unavailable(reason, place, cause)
}

export function unavailable(reason: string, { dictionary }: Place, cause?: unknown): StoreUnavailableError {
  const details = cause === undefined ? { dictionary } : { dictionary, cause }
  return new StoreUnavailableError(`The store of dictionary "${dictionary}" cannot be used: ${reason}`, details)
}

function explain(cause: unknown, place: Place): string {
  const { file } = place
  const message = cause instanceof Error ? cause.message : String(cause)
  switch (codeOf(cause)) {
    case CODE.SQLITE_READONLY:
      if (needsFolder(cause)) return cannotShare(file, message)
      return `${file} is read-only for this process. Grant it the right to write the file and its folder. (${message})`
    case CODE.SQLITE_IOERR:
      return `reading or writing ${file} failed. (${message})`
    case CODE.SQLITE_CORRUPT:
      return `${file} is damaged: restore it from a backup. (${message})`
    case CODE.SQLITE_FULL:
      return `the disk has no space left for ${file}. Free some disk space. (${message})`
    case CODE.SQLITE_CANTOPEN:
      return cannotOpen(file, message)
    case CODE.SQLITE_NOTADB:
      return `${file} is not an SQLite database.`
    default:
      if (!existsSync(dirname(file))) return noFolder(file)
      return `${message} (${file})`
  }
}

/** SQLITE_READONLY_DIRECTORY. */
function needsFolder(cause: unknown): boolean {
  const { errcode, rawCode, code } = (cause ?? {}) as { errcode?: unknown; rawCode?: unknown; code?: unknown }
  return (errcode ?? rawCode) === 1544 || code === 'SQLITE_READONLY_DIRECTORY'
}

function cannotShare(file: string, message: string): string {
  return (
    `without the right to write the folder of ${file}, SQLite can read it only while another process has it open, ` +
    `because it needs ${file}-shm. Keep a writer open, or grant this process the right to write file and folder. (${message})`
  )
}

function noFolder(file: string): string {
  return `the folder ${dirname(file)} does not exist: create it first.`
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function cannotOpen(file: string, message: string): string {
  if (!existsSync(dirname(file))) return noFolder(file)
  if (!existsSync(file) && isWritable(dirname(file)))
    return `the file ${file} does not exist: open the dictionary once without { readOnly: true } to create it.`
  return `${file} cannot be opened: it must be a file in a folder to which this process may write. (${message})`
}
