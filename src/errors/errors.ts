import { brand, isBranded } from '../process/branded.js'

/** What every error of the family carries besides its message. */
export interface ErrorDetails {
  /** The dictionary's name. */
  dictionary?: string | undefined
  /** The key concerned, where there is one. */
  key?: string | undefined
  /** What lies beneath: an error of the driver, the encoding or the schema. */
  cause?: unknown
}

abstract class Base extends Error {
  abstract readonly code: `DURABLEDICT_${string}`
  /** The dictionary's name. */
  readonly dictionary: string | undefined
  /** The key concerned, where there is one. */
  readonly key: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    if (!isBranded(new.target)) this.name = new.target.name
    this.dictionary = details.dictionary
    this.key = details.key
  }
}

/**
 * The key is not in the dictionary, and has no default.
 *
 * @example
 * await settings.getOrThrow('tehme').catch(error => error instanceof KeyError) // true
 */
export class KeyError extends Base {
  readonly code = 'DURABLEDICT_KEY'
}

/**
 * The key is empty, too long, not well-formed Unicode, or not named by the schema or, with `strictKeys`, the defaults. Nothing was read or written.
 *
 * @example
 * await settings.set('', 1).catch(error => error instanceof InvalidKeyError) // true
 */
export class InvalidKeyError extends Base {
  readonly code = 'DURABLEDICT_INVALID_KEY'
}

/**
 * The value does not fit the schema, or is larger than the store can hold. Nothing was written.
 *
 * @example
 * await settings.set('perPage', -1).catch(error => error instanceof InvalidValueError) // true, by its schema
 */
export class InvalidValueError extends Base {
  readonly code = 'DURABLEDICT_INVALID_VALUE'
}

/**
 * The value cannot be encoded without losing something; the message names the offending member. Nothing was written.
 *
 * @example
 * await settings.set('hook', () => {}).catch(error => error instanceof EncodingError) // true: a function is not data
 */
export class EncodingError extends Base {
  readonly code = 'DURABLEDICT_ENCODING'
}

/**
 * What the store holds under this key cannot be decoded. The other keys are not affected.
 *
 * @example
 * await settings.get('old').catch(error => error instanceof DecodingError && error.key) // 'old'
 */
export class DecodingError extends Base {
  readonly code = 'DURABLEDICT_DECODING'
}

/**
 * The store did not answer, or not in time. A write that rejects with this one surely did not take effect.
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
 * Memory was not confirmed current within the bound that the reader asked for.
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
 * The write was sent, but its outcome could not be learned: it may or may not have taken effect, once at most.
 *
 * @example
 * try {
 *   await stock.pop('seat 12')
 * } catch (error) {
 *   if (error instanceof AmbiguousWriteError) await stock.sync() // then see whether it is still there
 * }
 */
export class AmbiguousWriteError extends Base {
  readonly code = 'DURABLEDICT_AMBIGUOUS_WRITE'
}

/**
 * A transaction met concurrent writes at each of its attempts. Nothing of it was written.
 *
 * @example
 * await stock.transact(reserve, { retries: 100 }).catch(error => error instanceof ConflictError)
 */
export class ConflictError extends Base {
  readonly code = 'DURABLEDICT_CONFLICT'
}

/**
 * The dictionary was closed before the call, or while it waited. A write that rejects with this one did not take effect.
 *
 * @example
 * await settings.close()
 * await settings.get('theme').catch(error => error instanceof ClosedError) // true
 */
export class ClosedError extends Base {
  readonly code = 'DURABLEDICT_CLOSED'
}

/** How long a client is asked to wait before it repeats a request that was refused, in seconds. */
const RETRY_AFTER = 5

/**
 * A request was refused, since a dictionary could not be confirmed for it: by the entry points for web frameworks, with
 * `whenDown: 'fail'`. It carries what their error handlers look for. Its message and stack may be shown to anyone; what
 * happened is told by `dictionary` and `cause`.
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
  /** That the message is no more than the status says. */
  readonly expose = false
  readonly headers: Readonly<Record<string, string>> = { 'Retry-After': `${RETRY_AFTER}` }

  constructor(message: string, details?: ErrorDetails) {
    super(message, details)
    // Express shows the stack to clients outside of production; and where it was made is told by the cause.
    this.stack = `${this.name}: ${message}`
  }
}

/**
 * The backend, or this combination of options, cannot give what was asked for.
 *
 * @example
 * await readOnly.set('theme', 'dark').catch(error => error instanceof UnsupportedError) // true
 */
export class UnsupportedError extends Base {
  readonly code = 'DURABLEDICT_UNSUPPORTED'
}

/**
 * Every error that the library raises for a fault outside the calling code: a union that `code` narrows to the class. (Misuse in
 * code, such as an option that does not exist, is a plain `TypeError`.)
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

/**
 * The code of each error. Codes are stable across releases; messages are not.
 *
 * @example
 * const retryable: readonly ErrorCode[] = ['DURABLEDICT_STORE_UNAVAILABLE', 'DURABLEDICT_CONFLICT']
 */
export type ErrorCode = AnyDurableDictError['code']

/** The base class, of which each instance is one of the union. */
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

// By hand, since minifiers rename classes. Errors of other copies of the library in this process are instances, too.
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
})) {
  brand(kind, name)
  Object.defineProperty(kind.prototype, 'name', { value: name, writable: true, configurable: true })
}
