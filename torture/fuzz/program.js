// @ts-check
/** @import { Common } from './expect.js' */
/** @import { Call } from './calls/call.js' */
import fc from 'fast-check'
import { misuses } from './calls/misuse.js'
import { past } from './calls/past.js'
import { reads } from './calls/reads.js'
import { state } from './calls/state.js'
import { transactions } from './calls/transactions.js'
import { writes } from './calls/writes.js'
import { Raw, source } from './source.js'
import { DEFAULT } from './values.js'

/** @type {ReadonlyMap<string, Call>} */
export const CALLS = new Map(
  [...reads, ...writes, ...transactions, ...past, ...state, ...misuses].map(call => [call.name, call]),
)

/** Longer than any run, so that memory is confirmed within it at all times. */
const LONG = 3_600_000

/**
 * @typedef {object} Options of one dictionary, besides those that all share
 * @property {boolean} [autosync]
 * @property {boolean} [live]
 * @property {number} [maxStaleness]
 * @property {number} [resyncEvery]
 * @property {boolean} [readOnly]
 * @property {boolean} [replicas]
 * @property {string} [by]
 * @property {'serve'} [whenDown]
 * @property {number} [timeout]
 * @property {'linearizable'} [consistency]
 */

/** @typedef {{ call: string, dict: string, view: { by?: string, reason?: string } } & Record<string, any>} Made */

/** @typedef {{ open: string, options: Options, abort: 'never' | 'before' | 'during' } | { calls: readonly Made[] }} Step */

/** @typedef {{ common: Common, first: readonly [Options, Options], steps: readonly Step[] }} Program */

const dict = fc.constantFrom('a', 'b', 'a', 'b', 'c')

const view = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record(
      { by: fc.constantFrom('a view'), reason: fc.constantFrom('its reason') },
      { requiredKeys: [] },
    ),
  },
)

/** @param {readonly Call[]} calls */
const oneOf = calls =>
  fc.oneof(
    ...calls.map(({ name, weight, fields }) => ({
      weight,
      arbitrary: fc.record({ call: fc.constant(name), dict, view, ...fields }),
    })),
  )

const all = [...CALLS.values()]

const options = fc.record({
  autosync: fc.constantFrom(undefined, undefined, true, false),
  live: fc.constantFrom(undefined, undefined, false, true),
  maxStaleness: fc.constantFrom(undefined, undefined, undefined, LONG, 4),
  resyncEvery: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 3),
  readOnly: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, undefined, false, true),
  replicas: fc.constantFrom(undefined, undefined, undefined, true, false),
  by: fc.constantFrom(undefined, undefined, 'service'),
  whenDown: fc.constantFrom(undefined, undefined, undefined, 'serve'),
  timeout: fc.constantFrom(undefined, undefined, undefined, 9_000),
  consistency: fc.constantFrom(undefined, undefined, undefined, 'linearizable'),
})

const step = fc.oneof(
  { weight: 12, arbitrary: oneOf(all).map(call => ({ calls: [call] })) },
  {
    weight: 3,
    arbitrary: fc
      .array(oneOf(all.filter(({ alone }) => !alone)), { minLength: 2, maxLength: 3 })
      .map(calls => ({ calls })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      open: dict,
      options,
      abort: fc.constantFrom('never', 'never', 'never', 'before', 'during'),
    }),
  },
)

const common = fc.record({
  rich: fc.boolean(),
  schema: fc.constantFrom('none', 'none', 'one', 'record'),
  strict: fc.constantFrom(false, true),
  defaults: fc.boolean(),
})

/** @param {Step} step */
const optionsOf = step => ('open' in step ? step.options : {})

/** @param {Options} options */
const isLong = ({ maxStaleness }) => maxStaleness === LONG

/** The same, without a write that waits for a long bound. @param {Step} step @returns {Step} */
const impatient = step =>
  'calls' in step ? { calls: step.calls.map(one => ({ ...one, everywhere: one.everywhere && 2 })) } : step

/** @param {number} length */
export const programs = length =>
  /** @type {fc.Arbitrary<Program>} */ (
    fc
      .record({ common, first: fc.tuple(options, options), steps: fc.array(step, { maxLength: length, size: 'max' }) })
      .map(
        /** @param {any} program */ ({ common, first: [one, other], steps }) => ({
          // Something has to name the keys.
          common: { ...common, strict: common.strict && common.schema === 'record' },
          // Somebody has to create the dictionary.
          first: [{ ...one, readOnly: undefined }, other],
          steps: [one, other, ...steps.map(optionsOf)].some(isLong) ? steps.map(impatient) : steps,
        }),
      )
  )

/** The names that the options of a program may limit the keys to must include all named ones. @param {Common} common @param {Options} own */
function allOptions(common, own) {
  return {
    encoding: common.rich ? undefined : new Raw('JSONEncoding'),
    schema: common.schema === 'none' ? undefined : new Raw(common.schema),
    strictKeys: common.strict || undefined,
    defaults: common.defaults ? { d: DEFAULT } : undefined,
    ...own,
  }
}

/** @param {Common} common @param {string} name @param {Options} own */
export const openSource = (common, name, own) =>
  `open('${name}', ${source(Object.fromEntries(Object.entries(allOptions(common, own)).filter(([, value]) => value !== undefined)))})`

/** @param {Made} made */
export function callSource(made) {
  const call = /** @type {Call} */ (CALLS.get(made.call))
  const isView = made.view.by !== undefined || made.view.reason !== undefined
  return call.code(isView && !call.alone ? `${made.dict}.as(${source(made.view)})` : made.dict, made)
}
