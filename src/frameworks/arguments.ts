import { MAX_BOUND } from '../contract/answers.js'
import { checkNames, describeValue, milliseconds, wrong } from '../dictionary/option-checks.js'
import { type RequestApi, requestApiOf } from '../dictionary/request-api.js'
import type { Dictionaries, FreshPerRequestOptions } from './types.js'

/** A dictionary and its name in the request. */
export interface Named {
  readonly name: string
  readonly dictionary: object
  readonly api: RequestApi
}

export interface Settings {
  readonly fails: boolean
  readonly maxStaleness: number | undefined
  readonly patience: number
  readonly by: ((request: object) => string | undefined) | undefined
}

/** The default of how long a request waits for a check, in ms. A fast store takes a few. */
const DEFAULT_PATIENCE = 250

/** @throws TypeError if they are not dictionaries. The message says what to do. */
export function checkDictionaries(dictionaries: Dictionaries, call: string): readonly Named[] {
  const named = entriesOf(dictionaries, call).map(([name, dictionary]) => checkOne(name, dictionary, call))
  if (named.length === 0) throw new TypeError(`${call} takes at least one dictionary; got none.`)
  const names = new Set<string>()
  for (const { name } of named) {
    if (names.has(name)) {
      throw new TypeError(`${call} got two dictionaries named "${name}": pass an object of them, with your own names.`)
    }
    names.add(name)
  }
  return named
}

/** @throws TypeError if an option does not exist or has a wrong type. */
export function checkSettings(options: FreshPerRequestOptions | undefined, call: string): Settings {
  if (options === undefined) return { fails: false, maxStaleness: undefined, patience: DEFAULT_PATIENCE, by: undefined }
  checkNames(options, ['whenDown', 'maxStaleness', 'patience', 'by'], call)
  const { whenDown = 'serve', maxStaleness, patience = DEFAULT_PATIENCE, by } = options
  if (by !== undefined && typeof by !== 'function') throw wrong('by', 'a function of the request', by)
  if (whenDown !== 'serve' && whenDown !== 'fail') throw wrong('whenDown', `'serve' or 'fail'`, whenDown)
  if (
    maxStaleness !== undefined &&
    !(typeof maxStaleness === 'number' && maxStaleness >= 0 && maxStaleness <= MAX_BOUND)
  ) {
    throw wrong('maxStaleness', `a number of milliseconds from 0 to ${MAX_BOUND}`, maxStaleness)
  }
  return { fails: whenDown === 'fail', maxStaleness, patience: milliseconds('patience', patience), by }
}

function entriesOf(dictionaries: unknown, call: string): [name: unknown, dictionary: unknown][] {
  if (requestApiOf(dictionaries) || isForeign(dictionaries)) return [[nameOf(dictionaries), dictionaries]]
  if (Array.isArray(dictionaries)) return dictionaries.map(one => [nameOf(one), one])
  if (typeof dictionaries === 'object' && dictionaries !== null && !isThenable(dictionaries)) {
    return Object.entries(dictionaries)
  }
  throw notOne('the first argument', dictionaries, call)
}

function checkOne(name: unknown, dictionary: unknown, call: string): Named {
  const api = requestApiOf(dictionary)
  if (!api) throw notOne(typeof name === 'string' ? `"${name}"` : 'a member of the array', dictionary, call)
  // Assigning it to a plain object would set the prototype.
  if (name === '__proto__') throw new TypeError(`${call} does not accept the name "__proto__" for a dictionary.`)
  return { name: name as string, dictionary: dictionary as object, api }
}

function nameOf(dictionary: unknown): unknown {
  return (dictionary as { name?: unknown } | null | undefined)?.name
}

function notOne(what: string, value: unknown, call: string): TypeError {
  const advice = isThenable(value) ? ' Await the result of open().' : isForeign(value) ? FOREIGN : ''
  return new TypeError(
    `${call} takes a dictionary, an array of them, or an object of them by name; ` +
      `${what} is ${isThenable(value) ? 'a promise' : describeValue(value)}.${advice}`,
  )
}

const FOREIGN =
  ' It is a dictionary of another version of durabledict: install one version only (npm ls durabledict shows which there are).'

/** Whether it is a dictionary of another copy of the library. */
function isForeign(value: unknown): boolean {
  const { current, snapshot, sync } = Object(value) as { current?: unknown; snapshot?: unknown; sync?: unknown }
  return [current, snapshot, sync].every(method => typeof method === 'function')
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
