import { StoreUnavailableError } from '../../errors/errors.js'

/** Integers with up to this many digits are exact. */
const EXACT_DIGITS = 15

/**
 * Reads a list from a reply. The application's client options may change replies: strings for numbers, buffers for
 * strings, maps for lists. Each function in this file accepts every form with only one possible meaning, and throws
 * for every other. No reply is interpreted by guessing.
 *
 * @throws StoreUnavailableError that names the types in the reply, never its content.
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

/** Returns a single value as text, and nothing for a list or a map, however deep: `String` fails for some of those. */
export function wordOf(reply: unknown): string {
  if (reply instanceof Uint8Array) return textOf(reply)
  return typeof reply === 'object' ? '' : String(reply)
}

/** Returns whether the reply is the number zero, in any form. */
export function isZero(reply: unknown): boolean {
  if (reply === 0) return true
  return !Array.isArray(reply) && countOf(reply) === 0
}

/** The error for a reply that does not match the protocol. */
export function unexpected(reply: unknown, expected: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `A reply has an unexpected shape: ${shapeOf(reply)} instead of ${expected}. An option, a transformer or a wrapper of the client ` +
      'alters replies. Use a client without it for dictionaries.',
  )
}

/** How many elements are described at most. */
const MAX_DESCRIBED = 6

/** Describes the types in a reply: 'a list of 3 (string, number, Map)'. */
function shapeOf(reply: unknown): string {
  if (!Array.isArray(reply)) return typeNameOf(reply)
  const shown = reply.slice(0, MAX_DESCRIBED).map(element => (Array.isArray(element) ? 'list' : typeNameOf(element)))
  const more = reply.length > MAX_DESCRIBED ? ', …' : ''
  return `a list of ${reply.length} (${shown.join(', ')}${more})`
}

function typeNameOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'object') return Object.prototype.toString.call(value).slice(8, -1)
  return typeof value
}
