import type { Version } from './backend.js'

/** @throws TypeError unless it can tell states apart: an object is another at each call, and nothing is always the same. */
export function checkVersion(version: unknown): Version {
  if (typeof version === 'string' || typeof version === 'bigint') return version
  if (typeof version === 'number' && !Number.isNaN(version)) return version
  throw new TypeError(
    `lastUpdated() of the backend must give a string, a number or a bigint that differs whenever anything changed; ` +
      `got ${Number.isNaN(version) ? 'NaN' : shown(version)}.`,
  )
}

/** @throws TypeError unless it can be iterated. */
export function checkPairs(pairs: unknown): void {
  const iterable =
    typeof pairs === 'object' && pairs !== null && (Symbol.iterator in pairs || Symbol.asyncIterator in pairs)
  if (!iterable) {
    throw new TypeError(`durables() of the backend must give an iterable of [key, stored]; got ${shown(pairs)}.`)
  }
}

/** @throws TypeError unless it is a pair of a string and something. */
export function checkPair(pair: readonly [string, unknown]): [string, unknown] {
  const [key, stored] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
  if (typeof key === 'string' && stored !== undefined) return [key, stored]
  throw new TypeError(
    `durables() of the backend must give pairs of a key, which is a string, and what is stored; got one of ` +
      `${shown(key)} and ${shown(stored)}.`,
  )
}

function shown(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}
