// @ts-check
/** @import { Author, Model, World } from './world.js' */
import { DEFAULT, isRich, NAMES, REFUSED, UNENCODABLE } from './values.js'
import { same } from './world.js'

/**
 * The options that all dictionaries of a program share.
 * @typedef {{ rich: boolean, schema: 'none' | 'one' | 'record', strict: boolean, defaults: boolean, migrates: boolean, history: 'all' | 'few' | 'none' }} Common
 */

/**
 * A dictionary of a program, as its options say.
 * @typedef {object} Slot
 * @property {string} name
 * @property {boolean} open
 * @property {boolean} checks whether reads check the store
 * @property {boolean} moves whether memory may move by itself
 * @property {number | undefined} bound in ms
 * @property {boolean} compares whether memory is compared with the store at intervals
 * @property {boolean} isListed whether it is in the registry
 * @property {boolean} readOnly
 * @property {string | undefined} by
 * @property {boolean} live
 * @property {boolean} keepsFile whether it has a last known file
 */

/** What a call returned or rejected with. @typedef {{ value: unknown } | { error: Error & { code?: string } }} Outcome */

/**
 * Where and when a call was made.
 * @typedef {object} Place
 * @property {Common} common
 * @property {Slot} slot
 * @property {readonly Slot[]} slots
 * @property {number} began
 * @property {number} ended
 * @property {boolean} isGroup whether other calls were made at the same time
 * @property {boolean} hasAsked whether a change without effects may come at any time
 * @property {boolean} isClosing whether its dictionary was closed at the same time
 * @property {Author} view what `as()` adds
 */

/** What functions of transactions throw. */
export const STOP = 'stop'

/** The error that a call must reject with. */
export class Fault {
  /** @param {string} name */
  constructor(name) {
    this.name = name
  }
}

/** @param {Outcome} outcome @param {string} name */
export function failed(outcome, name) {
  if (!('error' in outcome)) return false
  const { error } = outcome
  if (name === STOP) return error.message === STOP
  if (name !== 'TypeError') return error.name === name && /^DURABLEDICT_/.test(`${error.code}`)
  // One that the library throws on purpose says what the caller did.
  return error instanceof TypeError && !/Cannot read|Cannot set|is not a function|not iterable/.test(error.message)
}

/** Whether the outcome is what the work returns, or the fault that it throws. @param {Outcome} outcome @param {() => unknown} work */
export function agrees(outcome, work) {
  try {
    const wanted = work()
    return 'value' in outcome && same(outcome.value, wanted)
  } catch (fault) {
    if (fault instanceof Fault) return failed(outcome, fault.name)
    throw fault
  }
}

/** @param {Common} common @param {string} key */
export function checkKey({ strict }, key) {
  if (strict && !NAMES.has(key)) throw new Fault('InvalidKeyError')
}

/** @param {Common} common @param {string} key @param {unknown} value */
export function checkValue(common, key, value) {
  if (value === undefined) throw new Fault('TypeError')
  if (common.schema === 'record' && !NAMES.has(key)) throw new Fault('InvalidKeyError')
  if (common.schema !== 'none' && value === REFUSED) throw new Fault('InvalidValueError')
  if (value === UNENCODABLE || (!common.rich && !common.migrates && isRich(value))) throw new Fault('EncodingError')
}

/** What `get` returns. @param {Common} common @param {Model} entries @param {string} key */
export function read(common, entries, key) {
  checkKey(common, key)
  if (entries.has(key)) return entries.get(key)
  return common.defaults && key === 'd' ? DEFAULT : undefined
}

/** What `getOrThrow` returns. @param {Common} common @param {Model} entries @param {string} key */
export function readOrThrow(common, entries, key) {
  const value = read(common, entries, key)
  if (value === undefined) throw new Fault('KeyError')
  return value
}

/** The states that memory may hold. @param {World} world @param {Place} place @returns {[number, number]} */
export function inMemory(world, { slot }) {
  const { from, to } = world.memoryOf(slot.name)
  return [from, slot.moves ? world.last : to]
}

/** The states that a bounded read may return. @param {World} world @param {Place} place @returns {[number, number]} */
export function withinBound(world, place) {
  const { slot, began } = place
  const [from, to] = inMemory(world, place)
  const known = world.states.findLastIndex(
    ({ acknowledged }) => acknowledged < began - /** @type {number} */ (slot.bound),
  )
  return [Math.max(from, known, world.memoryOf(slot.name).everywhere), to]
}

/** The states that an awaited read may return. @param {World} world @param {Place} place @returns {[number, number]} */
export function readable(world, place) {
  if (!place.slot.checks) return inMemory(world, place)
  return place.slot.bound === undefined ? [world.last, world.last] : withinBound(world, place)
}

/**
 * The worlds in which a read returns this. @param {World} world @param {Place} place @param {Outcome} outcome
 * @param {(entries: Model) => unknown} show @param {[number, number]} [range]
 */
export function reading(world, place, outcome, show, range = readable(world, place)) {
  const seen = world.see(place.slot.name, range, entries => agrees(outcome, () => show(entries)))
  return seen ? [seen] : []
}

/** What a call does before it looks at its arguments. @param {Place} place @param {Outcome} outcome */
export function isClosed({ slot, isClosing }, outcome) {
  return (!slot.open || isClosing) && failed(outcome, 'ClosedError')
}
