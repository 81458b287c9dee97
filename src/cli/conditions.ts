import { isDeepStrictEqual } from 'node:util'
import type { Desk } from './desk.js'
import { EXIT } from './exit-codes.js'
import { Failure, usage } from './failure.js'
import { type Reader, type Reading, readValue } from './values/read-value.js'
import type { ReadValue } from './values/value-text.js'
import type { Flags, Options } from './verb.js'

/** Options of changes that are made only under a condition. */
export const EXPECTING: Options = {
  'if-value': { type: 'string', value: 'VALUE', help: 'only if this is the value now' },
  'if-absent': { type: 'boolean', help: 'only if the key is not stored' },
}

/** What the key must hold: one of these values; `undefined`: anything. */
export type Expected = { readonly absent: true } | { readonly oneOf: readonly ReadValue[] } | undefined

export function expectedOf(flags: Flags, how: Reading, reader: Reader): Expected {
  const text = flags.text('if-value')
  if (flags.has('if-absent')) {
    if (text !== undefined) throw usage('Choose one of --if-value and --if-absent.')
    return { absent: true }
  }
  return text === undefined ? undefined : { oneOf: readings(text, how, reader) }
}

/** Nothing is written with it: text other than JSON can only be meant as text. */
function readings(text: string, how: Reading, reader: Reader): ReadValue[] {
  if (how === 'json' || how === 'encoded') return [readValue(text, how, reader)]
  const asText = { value: text }
  try {
    const read = readValue(text, undefined, reader)
    return how === 'string' ? [asText, read] : [read]
  } catch {
    return [asText]
  }
}

/** @throws Failure with the exit code of a conflict. */
export function assertExpected(desk: Desk, key: string, stored: unknown, expected: Expected): void {
  if (expected === undefined || holds(desk, key, stored, expected)) return
  const name = JSON.stringify(key)
  const now = 'absent' in expected ? 'is stored' : stored === undefined ? 'is not stored' : 'has another value'
  throw new Failure(EXIT.conflict, `Key ${name} ${now}, so that nothing was changed. durabledict get shows its value.`)
}

function holds(desk: Desk, key: string, stored: unknown, expected: NonNullable<Expected>): boolean {
  if ('absent' in expected) return stored === undefined
  if (stored === undefined) return false
  return expected.oneOf.some(one => isSame(desk, key, stored, one))
}

function isSame(desk: Desk, key: string, stored: unknown, expected: ReadValue): boolean {
  if (expected.stored !== undefined) return isDeepStrictEqual(stored, expected.stored)
  return isDeepStrictEqual(desk.decode(key, stored), expected.value)
}
