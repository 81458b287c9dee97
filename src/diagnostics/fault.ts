import { DurableDictError } from '../errors/errors.js'
import type { DiagnosticFault } from './messages.js'

/** The form of the codes of drivers and of the network. Anything else may be a text of the application. */
const CODE = /^[A-Z][A-Z0-9_]{1,39}$/

/** How many causes deep a code is looked for. */
const DEPTH = 8

/** Describes an error by its codes only: its message may name a key, and its cause may contain a value. */
export function faultOf(error: unknown): DiagnosticFault {
  const name = error instanceof DurableDictError ? error.name : 'Error'
  const code = error instanceof DurableDictError ? error.code : undefined
  const cause = causeOf(error)
  return { name, ...(code && { code }), ...(cause && { cause }) }
}

/** The deepest code in the chain of causes. */
function causeOf(error: unknown): string | undefined {
  let found: string | undefined
  let one: unknown = error
  for (let depth = 0; depth < DEPTH && typeof one === 'object' && one !== null; depth += 1) {
    const { code, cause } = one as { code?: unknown; cause?: unknown }
    if (typeof code === 'string' && CODE.test(code) && !(one instanceof DurableDictError)) found = code
    one = cause
  }
  return found
}
