// @ts-check
/** @import { Outcome } from './expect.js' */
import { source } from './source.js'

/** What the library did that it must not do. */
export class Violation extends Error {}

/** What an expression may use: the dictionaries and the scene. */
export const NAMES = [
  'a',
  'b',
  'c',
  'open',
  'abort',
  'watch',
  'unwatch',
  'collect',
  'contentOf',
  'commitsOf',
  'idAt',
  'servicesOf',
  'fileOf',
  'keep',
  'derivedOf',
  'inspect',
  'leak',
  'JSONEncoding',
  'RichEncoding',
  'TaggedEncoding',
  'one',
  'record',
  'source',
]

/** Most calls occur again. @type {Map<string, Function>} */
const cache = new Map()

/** @param {string} code @returns {Function} */
export function compiled(code) {
  if (cache.size > 50_000) cache.clear()
  const run = cache.get(code) ?? new Function(...NAMES, `return (async () => ${code})()`)
  cache.set(code, run)
  return run
}

/** Readers share plain values, so that nobody may change them. @param {string} code @param {Outcome} outcome */
export function checkFrozen(code, outcome) {
  if (!/\.get(OrThrow)?\("[^"]*"\)$/.test(code) || !('value' in outcome) || isFrozen(outcome.value)) return
  throw new Violation(`${code} returned a value that can be changed: ${source(outcome.value)}`)
}

/** @param {unknown} value @returns {boolean} */
function isFrozen(value) {
  if (typeof value !== 'object' || value === null) return true
  // Decoded for each reader.
  if (![Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozen)
}

/** @param {Outcome} outcome */
export function shown(outcome) {
  if ('value' in outcome) return source(outcome.value)
  const { error } = outcome
  return `${error?.name}: ${error?.message}`
}
