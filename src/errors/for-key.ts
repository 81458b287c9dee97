import { describeCause } from './describe-cause.js'
import { DurableDictError, type ErrorDetails } from './errors.js'
import { quoted } from './quoted.js'

/**
 * Returns the error for the call with this key. Calls that share a check or a batch share its error, which therefore names no key.
 */
export function forKey(error: unknown, key: string): unknown {
  if (!(error instanceof DurableDictError) || error.key !== undefined || error.code === 'DURABLEDICT_CLOSED')
    return error
  return reworded(error, `Key ${quoted(key)}: ${error.message}`, key)
}

/** Returns the same error with another message. */
export function reworded(error: DurableDictError, message: string, key = error.key): DurableDictError {
  const { dictionary } = error
  const Same = error.constructor as new (message: string, details: ErrorDetails) => DurableDictError
  const own = 'waitingFor' in error ? { waitingFor: error.waitingFor } : {}
  const details = { dictionary, key, ...own }
  return new Same(message, 'cause' in error ? { ...details, cause: error.cause } : details)
}

/** Describes an error as a sentence, with its root cause, and without statements or stored values. */
export function describeError(cause: unknown): string {
  const said = describeCause(cause)
  return /[.!?)…]$/.test(said) ? said : `${said}.`
}
