import { DurableDictError } from '../errors/errors.js'
import { Failure } from './failure.js'

/** What the command line exits with. The numbers are stable. */
export const EXIT = {
  ok: 0,
  /** The key or commit is absent, or what was compared differs. */
  different: 1,
  /** Wrong usage, or an invalid key or value. */
  usage: 2,
  conflict: 3,
  unavailable: 4,
  /** A write was sent, and its outcome is unknown. */
  ambiguous: 5,
  /** Ctrl-C: 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
} as const

/** The exit code of each error of the library. */
const CODES: Readonly<Record<DurableDictError['code'], number>> = {
  DURABLEDICT_KEY: EXIT.different,
  DURABLEDICT_HISTORY: EXIT.different,
  DURABLEDICT_NOT_EVERYWHERE: EXIT.different,
  DURABLEDICT_INVALID_KEY: EXIT.usage,
  DURABLEDICT_INVALID_VALUE: EXIT.usage,
  DURABLEDICT_ENCODING: EXIT.usage,
  DURABLEDICT_DECODING: EXIT.usage,
  DURABLEDICT_UNSUPPORTED: EXIT.usage,
  DURABLEDICT_CONFLICT: EXIT.conflict,
  DURABLEDICT_STORE_UNAVAILABLE: EXIT.unavailable,
  DURABLEDICT_STALE: EXIT.unavailable,
  DURABLEDICT_CLOSED: EXIT.unavailable,
  DURABLEDICT_SERVICE_UNAVAILABLE: EXIT.unavailable,
  DURABLEDICT_AMBIGUOUS_WRITE: EXIT.ambiguous,
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof Failure) return error.exitCode
  return error instanceof DurableDictError ? CODES[error.code] : EXIT.usage
}
