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

/**
 * The base of every error that the library raises for a fault outside the calling code. (Misuse in code, such as an
 * option that does not exist, is a plain `TypeError`.) `code` is stable across releases; messages are not.
 */
export abstract class DurableDictError extends Error {
  abstract readonly code: `DURABLEDICT_${string}`
  readonly dictionary: string | undefined
  readonly key: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    if (!isBranded(new.target)) this.name = new.target.name
    this.dictionary = details.dictionary
    this.key = details.key
  }
}

/** The key is not in the dictionary, and has no default. */
export class KeyError extends DurableDictError {
  readonly code = 'DURABLEDICT_KEY'
}

/** The key is empty, too long, not well-formed Unicode, or not named by the schema. Nothing was read or written. */
export class InvalidKeyError extends DurableDictError {
  readonly code = 'DURABLEDICT_INVALID_KEY'
}

/** The value does not fit the schema, or is larger than the store can hold. Nothing was written. */
export class InvalidValueError extends DurableDictError {
  readonly code = 'DURABLEDICT_INVALID_VALUE'
}

/** The value cannot be encoded without losing something; the message names the offending member. Nothing was written. */
export class EncodingError extends DurableDictError {
  readonly code = 'DURABLEDICT_ENCODING'
}

/** What the store holds under this key cannot be decoded. The other keys are not affected. */
export class DecodingError extends DurableDictError {
  readonly code = 'DURABLEDICT_DECODING'
}

/** The store did not answer, or not in time. A write that rejects with this one surely did not take effect. */
export class StoreUnavailableError extends DurableDictError {
  readonly code = 'DURABLEDICT_STORE_UNAVAILABLE'
}

/** Memory was not confirmed current within the bound that the reader asked for. */
export class StaleError extends DurableDictError {
  readonly code = 'DURABLEDICT_STALE'
}

/** The write was sent, but its outcome could not be learned: it may or may not have taken effect, once at most. */
export class AmbiguousWriteError extends DurableDictError {
  readonly code = 'DURABLEDICT_AMBIGUOUS_WRITE'
}

/** A transaction met concurrent writes at each of its attempts. Nothing of it was written. */
export class ConflictError extends DurableDictError {
  readonly code = 'DURABLEDICT_CONFLICT'
}

/** The dictionary was closed before the call, or while it waited. A write that rejects with this one did not take effect. */
export class ClosedError extends DurableDictError {
  readonly code = 'DURABLEDICT_CLOSED'
}

/** How long a client is asked to wait before it repeats a request that was refused, in seconds. */
const RETRY_AFTER = 5

/**
 * A request was refused, since a dictionary could not be confirmed for it: by the entry points for web frameworks, with
 * `whenDown: 'fail'`. It carries what their error handlers look for. Its message and stack may be shown to anyone; what
 * happened is told by `dictionary` and `cause`.
 */
export class ServiceUnavailableError extends DurableDictError {
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

/** The backend, or this combination of options, cannot give what was asked for. */
export class UnsupportedError extends DurableDictError {
  readonly code = 'DURABLEDICT_UNSUPPORTED'
}

// By hand, since minifiers rename classes. Errors of other copies of the library in this process are instances, too.
for (const [name, kind] of Object.entries({
  DurableDictError,
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
