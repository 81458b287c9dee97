import { StoreUnavailableError } from '../../errors/errors.js'

/** Whole numbers up to this many digits are exact. */
const EXACT_DIGITS = 15

/**
 * Reads of replies. What a client hands over depends on options of the application: strings for numbers, buffers for strings,
 * maps for lists. Each of these functions takes every form that can only mean one thing, and throws for all else: no reply is ever
 * interpreted by default.
 *
 * @throws StoreUnavailableError that shows the reply's types, never its contents.
 */
export function listOf(reply: unknown, atLeast = 0): readonly unknown[] {
  if (Array.isArray(reply) && reply.length >= atLeast) return reply
  throw unexpected(reply, atLeast === 0 ? 'a list' : `a list of at least ${atLeast} elements`)
}

/** See {@link listOf}. */
export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply
  if (reply instanceof Uint8Array) return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString()
  throw unexpected(reply, 'a string')
}

/** See {@link listOf}. */
export function countOf(reply: unknown): number {
  if (typeof reply === 'number' && Number.isSafeInteger(reply) && reply >= 0) return reply
  if (typeof reply === 'bigint') return countOf(String(reply))
  if (typeof reply === 'string' && reply.length <= EXACT_DIGITS && /^\d+$/.test(reply)) return Number(reply)
  if (reply instanceof Uint8Array) return countOf(textOf(reply))
  throw unexpected(reply, 'a whole number')
}

/** Whether the reply is the number zero, in whatever form. */
export function isZero(reply: unknown): boolean {
  if (reply === 0) return true
  return !Array.isArray(reply) && countOf(reply) === 0
}

/** For a reply that is not what the protocol states. */
export function unexpected(reply: unknown, wanted: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `A reply has an unexpected shape: ${shapeOf(reply)} where ${wanted} was expected. An option, a transformer or a wrapper of the client ` +
      'alters replies. Use a client without it for dictionaries.',
  )
}

/** At most so many elements are described. */
const SHOWN = 6

/** The types in a reply: 'a list of 3 (string, number, Map)'. */
function shapeOf(reply: unknown): string {
  if (!Array.isArray(reply)) return typeNameOf(reply)
  const shown = reply.slice(0, SHOWN).map(element => (Array.isArray(element) ? 'list' : typeNameOf(element)))
  const more = reply.length > SHOWN ? ', …' : ''
  return `a list of ${reply.length} (${shown.join(', ')}${more})`
}

function typeNameOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'object') return Object.prototype.toString.call(value).slice(8, -1)
  return typeof value
}
