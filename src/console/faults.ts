import { DurableDictError, type ErrorCode, InvalidValueError, NotEverywhereError } from '../errors/errors.js'
import { toIssues } from './entry.js'
import { Refusal } from './refusal.js'

/** The status of the library's errors. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  DURABLEDICT_INVALID_KEY: 400,
  DURABLEDICT_INVALID_VALUE: 422,
  DURABLEDICT_ENCODING: 422,
  DURABLEDICT_DECODING: 422,
  DURABLEDICT_HISTORY: 409,
  DURABLEDICT_CONFLICT: 409,
  DURABLEDICT_UNSUPPORTED: 501,
  DURABLEDICT_STORE_UNAVAILABLE: 503,
  DURABLEDICT_CLOSED: 503,
  DURABLEDICT_AMBIGUOUS_WRITE: 504,
  DURABLEDICT_NOT_EVERYWHERE: 504,
}

/** The answer to a request that failed. */
export interface Fault {
  readonly status: number
  readonly json: { readonly code: string; readonly message: string }
  /** Whether nobody expected it: it is worth a warning on the server. */
  readonly unexpected?: true
}

/** Returns what the browser learns about an error: never a value, nor the message of an unknown error. */
export function toFault(error: unknown, masked = false): Fault {
  if (error instanceof Refusal) {
    const { status, code, message, details } = error
    return { status, json: { code, message, ...details } }
  }
  if (error instanceof DurableDictError) return ofLibrary(error, masked)
  return {
    status: 500,
    json: { code: 'INTERNAL', message: 'The console failed. The log of the server says why.' },
    unexpected: true,
  }
}

function ofLibrary(error: DurableDictError, masked: boolean): Fault {
  const { code } = error
  const status = STATUS[code] ?? 500
  // The messages of a schema may quote the value.
  if (masked)
    return {
      status,
      json: { code, message: 'The value was refused; the key is masked, so that the reason is not shown.' },
    }
  // Its message lists other keys, which the user may not see.
  if (code === 'DURABLEDICT_INVALID_KEY')
    return { status, json: { code, message: 'The dictionary does not accept this key.' } }
  const message = error.message
  const issues = error instanceof InvalidValueError && Array.isArray(error.cause) ? { issues: toIssues(error) } : {}
  const missing = error instanceof NotEverywhereError ? { waitingFor: error.waitingFor } : {}
  return { status, json: { code, message, ...issues, ...missing } }
}
