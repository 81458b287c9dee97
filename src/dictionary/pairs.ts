import { isPlain } from './option-checks.js'

/** The argument of `update`. */
export type Updates<I extends object> =
  | { readonly [K in keyof I]?: I[K] }
  | Iterable<readonly [keyof I & string, I[keyof I & string]]>

/**
 * Returns the pairs of an argument of `update`: an object's own enumerable members, a Map's entries, or any iterable of pairs.
 *
 * @throws TypeError for anything else.
 */
export function toPairs(entries: unknown): [unknown, unknown][] {
  if (typeof entries !== 'object' || entries === null) throw wrong(entries === null ? 'null' : typeof entries)
  if (Symbol.iterator in entries) return Array.from(entries as Iterable<unknown>, toPair)
  const pairs = Object.entries(entries)
  // A promise, a Date or an async generator has no own members: without this check, update() would silently write nothing.
  if (pairs.length === 0 && !isPlain(entries)) throw wrong(Object.prototype.toString.call(entries))
  return pairs
}

function toPair(pair: unknown, index: number): [unknown, unknown] {
  if (Array.isArray(pair) && pair.length === 2) return pair as [unknown, unknown]
  throw new TypeError(`update() takes pairs of key and value; item ${index} is not a pair.`)
}

function wrong(got: string): TypeError {
  return new TypeError(`update() takes an object, a Map or an iterable of pairs; got ${got}.`)
}
