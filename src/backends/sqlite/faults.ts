import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { AmbiguousWriteError, DurableDictError, InvalidValueError, StoreUnavailableError } from '../../errors/errors.js'

/** Result codes of SQLite ("Result and Error Codes"), as far as they are told apart here. */
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

/** Faults after which a connection of our own is given up, and another one opened for the next call. */
const BREAKING: readonly number[] = [CODE.SQLITE_IOERR, CODE.SQLITE_CORRUPT, CODE.SQLITE_CANTOPEN, CODE.SQLITE_NOTADB]

/** The caller's connection is in a transaction of the caller's: what is read there may be old, or never come true. */
export class HandleInUse extends Error {}

/** COMMIT failed. Whether it took effect depends on why. */
export class CommitFault extends Error {}

/** SQLite's primary result code. node:sqlite has `errcode`, libsql `rawCode`, better-sqlite3 a name with `code`. */
function codeOf(error: unknown): number {
  const { errcode, rawCode, code } = (error ?? {}) as { errcode?: unknown; rawCode?: unknown; code?: unknown }
  const extended = errcode ?? rawCode
  if (typeof extended === 'number') return extended & 0xff
  const [name] = /^SQLITE_[A-Z]+/.exec(String(code)) ?? []
  return CODE[name as keyof typeof CODE] ?? 0
}

/** Whether one of the library's tables is not there. */
export function isTableMissing(error: unknown): boolean {
  return error instanceof Error && /no such table: (main\.)?durabledict_/.test(error.message)
}

/** Whether it goes away when others let go of the file. */
export function isLocked(error: unknown): boolean {
  const code = codeOf(error)
  return (
    error instanceof HandleInUse ||
    code === CODE.SQLITE_BUSY ||
    code === CODE.SQLITE_LOCKED ||
    code === CODE.SQLITE_PROTOCOL
  )
}

export function isBreaking(error: unknown): boolean {
  return BREAKING.includes(codeOf(error instanceof CommitFault ? error.cause : error))
}

/**
 * Whether a value could not be bound for its size. libsql binds NULL in place of one that is too large, which the table
 * refuses; better-sqlite3 throws a RangeError.
 */
export function isTooBig(error: unknown): boolean {
  return codeOf(error) === CODE.SQLITE_TOOBIG || isNull(error) || error instanceof RangeError
}

/** Whether a constraint or a trigger of someone else's did not take what was written, as it may take other things. */
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
    `The value of key "${key}" of dictionary "${dictionary}" is larger than SQLite can hold, and was not written.`,
    { dictionary, key, cause },
  )
}

export function refused(dictionary: string, key: string | undefined, cause: unknown): InvalidValueError {
  const said = cause instanceof Error ? cause.message : String(cause)
  const what = key === undefined ? 'clear()' : `the write of key ${JSON.stringify(key)}`
  return new InvalidValueError(
    `A constraint or a trigger refused ${what} in dictionary "${dictionary}", and nothing of it was written: ${said}.`,
    { dictionary, key, cause },
  )
}

/** Where something went wrong, for the messages. */
export interface Place {
  readonly dictionary: string
  /** The file's path, or what stands for it. */
  readonly file: string
}

/** What a reader is told. Errors of the family pass as they are. */
export function readFault(cause: unknown, place: Place): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  const original = cause instanceof CommitFault ? cause.cause : cause
  return unavailable(explain(original, place), place, original)
}

/**
 * What a writer is told: that it surely did not take effect, since what was not committed is rolled back; except where
 * COMMIT itself failed otherwise than for want of space.
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

/** What a caller is told who has waited for long enough. */
export function stillLocked(cause: unknown, place: Place, waited: number): StoreUnavailableError {
  const reason =
    cause instanceof HandleInUse
      ? `the connection that was passed in was in a transaction of its owner's for ${waited} ms. ` +
        'Pass one that is not kept in transactions, or the path of the file.'
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
  const said = cause instanceof Error ? cause.message : String(cause)
  switch (codeOf(cause)) {
    case CODE.SQLITE_READONLY:
      if (needsFolder(cause)) return cannotShare(file, said)
      return `${file} is read-only for this process. Give it the right to write the file and its folder. (${said})`
    case CODE.SQLITE_IOERR:
      return `reading or writing ${file} failed. (${said})`
    case CODE.SQLITE_CORRUPT:
      return `${file} is damaged: restore it from a backup. (${said})`
    case CODE.SQLITE_FULL:
      return `there is no space left for ${file}. (${said})`
    case CODE.SQLITE_CANTOPEN:
      return cannotOpen(file, said)
    case CODE.SQLITE_NOTADB:
      return `${file} is not an SQLite database.`
    default:
      if (!existsSync(dirname(file))) return noFolder(file)
      return `${said} (${file})`
  }
}

/** SQLITE_READONLY_DIRECTORY. */
function needsFolder(cause: unknown): boolean {
  const { errcode, rawCode, code } = (cause ?? {}) as { errcode?: unknown; rawCode?: unknown; code?: unknown }
  return (errcode ?? rawCode) === 1544 || code === 'SQLITE_READONLY_DIRECTORY'
}

function cannotShare(file: string, said: string): string {
  return (
    `without the right to write the folder of ${file}, SQLite reads it only while another process has it open, ` +
    `since it needs ${file}-shm. Keep a writer open, or give this process the right to write file and folder. (${said})`
  )
}

function noFolder(file: string): string {
  return `there is no folder ${dirname(file)}: create it first.`
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function cannotOpen(file: string, said: string): string {
  if (!existsSync(dirname(file))) return noFolder(file)
  if (!existsSync(file) && isWritable(dirname(file)))
    return `there is no file ${file}: open the dictionary once without { readOnly: true }, which creates it.`
  return `${file} cannot be opened: it must be a file, in a folder where this process may write. (${said})`
}
