import { brand, isBranded } from '../process/branded.js'
import type { ReplicaIdentity } from './replica-identity.js'

/** What every error carries besides its message. */
export interface ErrorDetails {
  /** The dictionary's name. */
  dictionary?: string | undefined
  /** The key concerned, if the error is about one. */
  key?: string | undefined
  /** The underlying error: of the driver, the encoding or the schema. */
  cause?: unknown
}

abstract class Base extends Error {
  abstract readonly code: `DURABLEDICT_${string}`
  /** The dictionary's name. */
  readonly dictionary: string | undefined
  /** The key concerned, if the error is about one. */
  readonly key: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    if (!isBranded(new.target)) this.name = new.target.name
    this.dictionary = details.dictionary
    this.key = details.key
  }
}

/**
 * The key is not stored and has no default.
 *
 * @example
 * await settings.getOrThrow('tehme').catch(error => error instanceof KeyError) // true
 */
export class KeyError extends Base {
  readonly code = 'DURABLEDICT_KEY'
}

/**
 * The key is empty, too long or not well-formed Unicode, or the dictionary does not accept it: a record of schemas does not name it, or
 * `strictKeys` is set and neither the schema nor the defaults name it. Nothing was read or written.
 *
 * @example
 * await settings.set('', 1).catch(error => error instanceof InvalidKeyError) // true
 */
export class InvalidKeyError extends Base {
  readonly code = 'DURABLEDICT_INVALID_KEY'
}

/**
 * The value does not match the schema, or is too large for the store. Nothing was written.
 *
 * @example
 * await settings.set('perPage', -1).catch(error => error instanceof InvalidValueError) // true, by its schema
 */
export class InvalidValueError extends Base {
  readonly code = 'DURABLEDICT_INVALID_VALUE'
}

/**
 * The encoding cannot store the value without losing part of it. The message names the member. Nothing was written.
 *
 * @example
 * await settings.set('hook', () => {}).catch(error => error instanceof EncodingError) // true: a function is not data
 */
export class EncodingError extends Base {
  readonly code = 'DURABLEDICT_ENCODING'
}

/**
 * The value stored under this key cannot be decoded. Other keys are not affected.
 *
 * @example
 * await settings.get('old').catch(error => error instanceof DecodingError && error.key) // 'old'
 */
export class DecodingError extends Base {
  readonly code = 'DURABLEDICT_DECODING'
}

/**
 * The store did not answer, or did not answer in time. A write that rejects with this error did not take effect.
 *
 * @example
 * try {
 *   return await settings.get('theme')
 * } catch (error) {
 *   if (error instanceof StoreUnavailableError) return settings.local.get('theme')
 *   throw error
 * }
 */
export class StoreUnavailableError extends Base {
  readonly code = 'DURABLEDICT_STORE_UNAVAILABLE'
}

/**
 * Memory was not confirmed current within the caller's bound.
 *
 * @example
 * try {
 *   return settings.fresh.get('payments')
 * } catch (error) {
 *   if (error instanceof StaleError) return 'off'
 *   throw error
 * }
 */
export class StaleError extends Base {
  readonly code = 'DURABLEDICT_STALE'
}

/**
 * The write was sent, but its outcome is unknown. It took effect once or not at all.
 *
 * @example
 * try {
 *   await stock.pop('seat 12')
 * } catch (error) {
 *   if (error instanceof AmbiguousWriteError) await stock.sync() // then check whether the key is still there
 * }
 */
export class AmbiguousWriteError extends Base {
  readonly code = 'DURABLEDICT_AMBIGUOUS_WRITE'
}

/**
 * Every attempt of a transaction conflicted with concurrent writes. Nothing was written.
 *
 * @example
 * await stock.transact(reserve, { retries: 100 }).catch(error => error instanceof ConflictError)
 */
export class ConflictError extends Base {
  readonly code = 'DURABLEDICT_CONFLICT'
}

/**
 * The dictionary was closed before or during the call. A write that rejects with this error did not take effect.
 *
 * @example
 * await settings.close()
 * await settings.get('theme').catch(error => error instanceof ClosedError) // true
 */
export class ClosedError extends Base {
  readonly code = 'DURABLEDICT_CLOSED'
}

/** How long a client waits before it repeats a refused request, in seconds: the `Retry-After` header. */
const RETRY_AFTER = 5

/**
 * A request was refused because memory could not be confirmed current. The middleware and plugins for web frameworks raise it with
 * `whenDown: 'fail'`. It has the members that their error handlers look for. Its message and stack are safe to show to clients;
 * `dictionary` and `cause` describe what happened.
 *
 * @example
 * app.use((error, request, response, next) => {
 *   if (error instanceof ServiceUnavailableError) response.status(error.status).send('Back soon.')
 *   else next(error)
 * })
 */
export class ServiceUnavailableError extends Base {
  readonly code = 'DURABLEDICT_SERVICE_UNAVAILABLE'
  readonly status = 503
  readonly statusCode = 503
  /** False: error handlers send only the status text to the client. */
  readonly expose = false
  readonly headers: Readonly<Record<string, string>> = { 'Retry-After': `${RETRY_AFTER}` }

  constructor(message: string, details?: ErrorDetails) {
    super(message, details)
    // Express sends the stack to clients outside production. The cause has its own stack.
    this.stack = `${this.name}: ${message}`
  }
}

/**
 * The backend, or the combination of options, does not support the operation.
 *
 * @example
 * await readOnly.set('theme', 'dark').catch(error => error instanceof UnsupportedError) // true
 */
export class UnsupportedError extends Base {
  readonly code = 'DURABLEDICT_UNSUPPORTED'
}

/**
 * The history does not reach back far enough: the commit was dropped or belongs to another history, or a value of that time is no
 * longer known.
 *
 * @example
 * await settings.at(new Date('2020-01-01')).catch(error => error instanceof HistoryError) // true
 */
export class HistoryError extends Base {
  readonly code = 'DURABLEDICT_HISTORY'
}

/**
 * A write with `everywhere: { timeout }` is committed and durable, but some processes may still read an older value. `waitingFor` names
 * them. They stop within their `maxStaleness`.
 *
 * @example
 * try {
 *   await settings.set('payments', 'off', { everywhere: { timeout: 2_000 } })
 * } catch (error) {
 *   if (!(error instanceof NotEverywhereError)) throw error
 *   console.warn(error.waitingFor.map(({ host, pid }) => `${host}:${pid}`))
 * }
 */
export class NotEverywhereError extends Base {
  readonly code = 'DURABLEDICT_NOT_EVERYWHERE'
  /** Empty if only replicas that are not in the registry may read an older value. */
  readonly waitingFor: readonly ReplicaIdentity[]

  constructor(message: string, details: ErrorDetails & { waitingFor?: readonly ReplicaIdentity[] } = {}) {
    const { waitingFor = [], ...others } = details
    super(message, others)
    this.waitingFor = waitingFor
  }
}

/**
 * Every error that the library raises for a fault outside the calling code, as a union: `code` narrows it to the class. Misuse, such
 * as an unknown option, throws a plain `TypeError` instead.
 *
 * @example
 * function isRetryable(error: AnyDurableDictError): boolean {
 *   return error.code === 'DURABLEDICT_STORE_UNAVAILABLE' || error.code === 'DURABLEDICT_CONFLICT'
 * }
 */
export type AnyDurableDictError =
  | KeyError
  | InvalidKeyError
  | InvalidValueError
  | EncodingError
  | DecodingError
  | StoreUnavailableError
  | StaleError
  | AmbiguousWriteError
  | ConflictError
  | ClosedError
  | ServiceUnavailableError
  | UnsupportedError
  | HistoryError
  | NotEverywhereError

/**
 * The code of each error. Codes are stable across releases; messages are not.
 *
 * @example
 * const retryable: readonly ErrorCode[] = ['DURABLEDICT_STORE_UNAVAILABLE', 'DURABLEDICT_CONFLICT']
 */
export type ErrorCode = AnyDurableDictError['code']

/** The type of the base class: each instance is a member of the union. */
type ErrorFamily = abstract new (message: string, details?: ErrorDetails) => AnyDurableDictError

/** Every error of the library: {@link AnyDurableDictError}. */
export type DurableDictError = AnyDurableDictError

/**
 * The base of every error that the library raises for a fault outside the calling code. After `instanceof`, `code` narrows to the
 * class.
 *
 * @example
 * try {
 *   await settings.set('theme', 'dark')
 * } catch (error) {
 *   if (!(error instanceof DurableDictError)) throw error
 *   switch (error.code) {
 *     case 'DURABLEDICT_STORE_UNAVAILABLE':
 *       return 'later' // error is a StoreUnavailableError
 *     default:
 *       return error.message
 *   }
 * }
 */
export const DurableDictError = Base as unknown as ErrorFamily

// Names are set explicitly because minifiers rename classes. `instanceof` also accepts errors of other copies of the library.
for (const [name, kind] of Object.entries({
  DurableDictError: Base,
  KeyError,
  InvalidKeyError,
  InvalidValueError,
  EncodingError,
  DecodingError,
  StoreUnavailableError,
  StaleError,
  AmbiguousWriteError,
  ConflictError,
  ClosedError,
  ServiceUnavailableError,
  UnsupportedError,
  HistoryError,
  NotEverywhereError,
})) {
  brand(kind, name)
  Object.defineProperty(kind.prototype, 'name', { value: name, writable: true, configurable: true })
}
