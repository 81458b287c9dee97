import type { Core } from './core.js'
import { requestApiOf } from './request-api.js'

/** Returns what a dictionary consists of, for the console and the command line; `undefined` if it is not a dictionary. */
export function coreOf(dictionary: unknown): Core | undefined {
  return requestApiOf(dictionary)?.identity as Core | undefined
}
