import { AmbiguousWriteError, DurableDictError, InvalidValueError, StoreUnavailableError } from '../../errors/errors.js'
import { describeError } from '../../errors/for-key.js'
import { sqlCodes } from '../sql/sql-codes.js'

const SQLSTATE = /^[0-9A-Z]{5}$/

/** The connection failed, or the server ended it: what was sent may have taken effect. */
const OPEN_END = /^(?:08|57P0)|^40003$/

/** The server has answered that the statement failed. */
export function isAnswer(error: unknown): boolean {
  const { code, severity } = Object(error) as { code?: unknown; severity?: unknown }
  return typeof code === 'string' && SQLSTATE.test(code) && severity !== undefined && !OPEN_END.test(code)
}

const hasCode = (error: unknown, ...codes: readonly string[]) => sqlCodes(error).some(code => codes.includes(code))

/** The tables, the schema or the functions are missing. */
export const isMissing = (error: unknown) => hasCode(error, '42P01', '3F000', '42883', '42704')

/** The prepared statement belongs to another connection: a pooler passes each transaction to any of its own. */
export const isPoolers = (error: unknown) => hasCode(error, '26000', '42P05')

/** The value, not the database, is the reason. */
export function isRefusal(error: unknown): boolean {
  return sqlCodes(error).some(code => /^(?:22|23|44|54|P0)[0-9A-Z]{3}$/.test(code))
}

/** An earlier attempt may have been executed, and nobody can tell any more. */
export const isUnknown = (error: unknown) => hasCode(error, 'DD002')

/** Nothing was executed: too much has changed since the version that was seen before the first attempt. */
export const isBehind = (error: unknown) => hasCode(error, 'DD004')

/** The connection has another encoding than UTF-8. */
export const isEncoding = (error: unknown) => hasCode(error, 'DD003')

/** A later release has changed the tables. */
const isLater = (error: unknown) => hasCode(error, 'DD001')

/** The user lacks a right. */
const isDenied = (error: unknown) => hasCode(error, '42501')

/** The database takes no writes: a standby, or a read-only transaction. */
const isReadOnly = (error: unknown) => hasCode(error, '25006')

export function notWritten(cause: unknown, dictionary: string, schemaName: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `Nothing was written to dictionary "${dictionary}", whose database failed: ${describeError(cause)} ${remedy(cause, schemaName)}`,
    { dictionary, cause },
  )
}

/** The server rejects the login, or pg has no password for it. */
const isLogin = (error: unknown) => hasCode(error, '28P01', '28000') || /password must be a/.test(describeError(error))

/** The database does not exist. */
const isNoDatabase = (error: unknown) => hasCode(error, '3D000')

export function notRead(cause: unknown, dictionary: string, schemaName: string): unknown {
  if (!(cause instanceof DurableDictError) && (isLogin(cause) || isNoDatabase(cause)))
    return notConnected(cause, dictionary)
  if (cause instanceof DurableDictError || !(isDenied(cause) || isMissing(cause) || isReadOnly(cause))) return cause
  return new StoreUnavailableError(
    `The tables of dictionary "${dictionary}" cannot be used: ${describeError(cause)} ${remedy(cause, schemaName)}`,
    { dictionary, cause },
  )
}

function notConnected(cause: unknown, dictionary: string): StoreUnavailableError {
  const [what, advice] = isLogin(cause)
    ? ['rejects the login', 'Check the user and the password, and that pg_hba.conf lets the user in.']
    : ['has no such database', 'Correct the name of the database, or create it.']
  const message = `Dictionary "${dictionary}": PostgreSQL ${what}: ${describeError(cause)} ${advice}`
  return new StoreUnavailableError(message, { dictionary, cause })
}

function remedy(cause: unknown, schemaName: string): string {
  if (isDenied(cause)) {
    return (
      `Let an administrator run the statements of migration() from durabledict/postgres, then GRANT USAGE ON SCHEMA ${schemaName}, and ` +
      'GRANT SELECT, INSERT, UPDATE, DELETE ON durabledict_entries, durabledict_heads, durabledict_changes, durabledict_commits, ' +
      'durabledict_replicas to this user (SELECT alone for dictionaries with readOnly).'
    )
  }
  if (isMissing(cause)) {
    return 'Its tables are missing: open a dictionary that may create them, or run the statements of migration() from durabledict/postgres.'
  }
  if (isReadOnly(cause))
    return 'The server takes no writes (a standby, or default_transaction_read_only): connect to the primary.'
  return isLater(cause) ? 'Update durabledict.' : 'Try again later.'
}

export function unknownOutcome(cause: unknown, dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `A write to dictionary "${dictionary}" may or may not have taken effect, since the connection failed: ${describeError(cause)} ` +
      'Read the key again before you repeat the write.',
    { dictionary, cause },
  )
}

export function refused(cause: unknown, dictionary: string, keys: readonly string[]): DurableDictError {
  const [key] = keys
  const single = keys.length === 1 && key !== undefined
  const what = single
    ? `the value of key "${key}"`
    : `${keys.length} keys, written together, of which nothing was written`
  return new InvalidValueError(`The database of dictionary "${dictionary}" refused ${what}: ${reasonOf(cause)}`, {
    dictionary,
    cause,
    ...(single ? { key } : {}),
  })
}

/** The database's message may quote the value. */
function reasonOf(cause: unknown): string {
  const [code] = sqlCodes(cause)
  const { constraint, table } = Object(cause) as Record<string, unknown>
  const where = [constraint && `constraint "${constraint}"`, table && `table "${table}"`].filter(Boolean).join(' of ')
  return `error ${code}${where ? `, ${where}` : ''}.`
}
