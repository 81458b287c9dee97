// @ts-check
/** @import { Common } from './expect.js' */
/** @import { Call } from './calls/call.js' */
import fc from 'fast-check'
import { held } from './calls/held.js'
import { misuses } from './calls/misuse.js'
import { past } from './calls/past.js'
import { reads } from './calls/reads.js'
import { state } from './calls/state.js'
import { transactions } from './calls/transactions.js'
import { writes } from './calls/writes.js'
import { Raw, source } from './source.js'
import { DEFAULT, OLD } from './values.js'

/** @type {ReadonlyMap<string, Call>} */
export const CALLS = new Map(
  [...reads, ...held, ...writes, ...transactions, ...past, ...state, ...misuses].map(call => [call.name, call]),
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
 * @property {boolean} [lastKnown] whether it keeps a file
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
  lastKnown: fc.constantFrom(undefined, undefined, undefined, true),
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
  migrates: fc.constantFrom(false, false, false, false, false, false, false, true),
  history: fc.constantFrom('all', 'all', 'all', 'all', 'all', 'all', 'few', 'none'),
})

/** What a program cannot do if nobody knows which commits the history contains. @param {Common} common @param {Made} made */
const isKnown = ({ migrates, history }, { call }) =>
  !(migrates && DEPENDENT.has(call)) && (history === 'all' || call === 'history' || !PAST.has(call))

const PAST = new Set(past.map(({ name }) => name))

/** A value that is rewritten adds a commit, which may also conflict with a transaction. */
const DEPENDENT = new Set([...PAST, 'nested'])

/** @param {Common} common @param {Step} step @returns {Step[]} */
function performable(common, step) {
  if (!('calls' in step)) return [step]
  const calls = step.calls.filter(made => isKnown(common, made))
  return calls.length > 0 ? [{ calls }] : []
}

/** @param {Step} step */
const optionsOf = step => ('open' in step ? step.options : {})

/** @param {Options} options */
const isLong = ({ maxStaleness }) => maxStaleness === LONG

/** The same, without a write that waits for a long bound. @param {Step} step @returns {Step} */
const impatient = step =>
  'calls' in step ? { calls: step.calls.map(one => ({ ...one, everywhere: one.everywhere && 2 })) } : step

/** @param {any} program @returns {Program} */
function possible({ common, first: [one, other], steps }) {
  const performed = steps.flatMap((/** @type {Step} */ step) => performable(common, step))
  return {
    // Something has to name the keys.
    common: { ...common, strict: common.strict && common.schema === 'record' },
    // Somebody has to create the dictionary.
    first: [{ ...one, readOnly: undefined }, other],
    steps: [one, other, ...performed.map(optionsOf)].some(isLong) ? performed.map(impatient) : performed,
  }
}

/** @param {number} length */
export const programs = length =>
  /** @type {fc.Arbitrary<Program>} */ (
    fc
      .record({ common, first: fc.tuple(options, options), steps: fc.array(step, { maxLength: length, size: 'max' }) })
      .map(possible)
  )

/** How much history each policy keeps. */
const POLICIES = { all: undefined, few: { keep: 3, days: 90 }, none: false }

/** @param {Common} common @param {string} name @param {Options} own */
function allOptions(common, name, { lastKnown, ...own }) {
  return {
    ...encodingsOf(common),
    schema: common.schema === 'none' ? undefined : new Raw(common.schema),
    strictKeys: common.strict || undefined,
    defaults: common.defaults ? { d: DEFAULT } : undefined,
    history: own.readOnly ? undefined : POLICIES[common.history],
    lastKnown: lastKnown && new Raw(`fileOf('${name}')`),
    ...own,
  }
}

/** @param {Common} common */
function encodingsOf({ rich, migrates }) {
  const encoding = rich ? undefined : new Raw('JSONEncoding')
  return migrates
    ? { encoding: new Raw('TaggedEncoding'), oldEncoding: encoding ?? new Raw('RichEncoding') }
    : { encoding }
}

/** What a program begins with: entries in the old encoding, if it migrates. @param {Common} common */
export const firstSource = common =>
  `open('old', ${source({ encoding: common.rich ? undefined : new Raw('JSONEncoding'), replicas: false })}).then(async old => (await old.update(${source(OLD)}), await old.close()))`

/** @param {Common} common @param {string} name @param {Options} own */
export const openSource = (common, name, own) =>
  `open('${name}', ${source(Object.fromEntries(Object.entries(allOptions(common, name, own)).filter(([, value]) => value !== undefined)))})`

/** @param {Made} made */
export function callSource(made) {
  const call = /** @type {Call} */ (CALLS.get(made.call))
  const isView = made.view.by !== undefined || made.view.reason !== undefined
  return call.code(isView && !call.alone ? `${made.dict}.as(${source(made.view)})` : made.dict, made)
}
