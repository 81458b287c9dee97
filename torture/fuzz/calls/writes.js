// @ts-check
/** @import { Call } from './call.js' */
/** @import { Outcome, Place } from '../expect.js' */
/** @import { Edit, World } from '../world.js' */
import fc from 'fast-check'
import { agrees, checkKey, checkValue, Fault, failed, isClosed } from '../expect.js'
import { optionsSource, Raw, source } from '../source.js'
import { key, pairs, value } from '../values.js'

/** Who makes a write, and whether it waits for other readers. */
const terms = {
  by: fc.constantFrom(undefined, undefined, 'ada', 'bob'),
  reason: fc.constantFrom(undefined, undefined, 'because'),
  everywhere: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, true, 'progress', 2),
}

const ONLY_CURRENT = new Raw('{ timeout: 2, onProgress() {} }')

/** The options of a write, as source. @param {any} call @param {object} [more] */
export function writeOptions({ by, reason, everywhere }, more = {}) {
  const form = everywhere === 'progress' ? ONLY_CURRENT : everywhere === 2 ? { timeout: 2 } : everywhere
  return optionsSource({ by, reason, everywhere: form, ...more })
}

/** @param {any} call @param {Place} place */
export const authorOf = ({ by, reason }, { slot, view }) => ({
  by: by ?? view.by ?? slot.by,
  reason: reason ?? view.reason,
})

/** The error that the call rejects with before anything is sent. @param {Place} place @param {() => void} check */
export function refusal({ slot }, check) {
  if (!slot.open) return 'ClosedError'
  if (slot.readOnly) return 'UnsupportedError'
  try {
    check()
    return undefined
  } catch (fault) {
    if (fault instanceof Fault) return fault.name
    throw fault
  }
}

/**
 * The worlds in which a write, executed as one commit, has this outcome.
 * @param {World} world @param {any} call @param {Place} place @param {Outcome} outcome @param {(edit: Edit) => void} work
 * @param {() => unknown} result what it returns, or the fault that it throws although it was executed
 */
export function written(world, call, place, outcome, work, result) {
  if (isClosed(place, outcome)) return [world.uncertain(place.slot.name)]
  const executed = world.commit(work, authorOf(call, place), place.ended).current(place.slot.name)
  const { everywhere } = call
  if (everywhere) {
    if (typeof everywhere !== 'boolean' && failed(outcome, 'NotEverywhereError')) return [executed]
    if (place.isClosing && failed(outcome, 'AmbiguousWriteError')) return [executed]
  }
  if (!agrees(outcome, result)) return []
  const relying = place.slots.filter(({ open, bound }) => open && bound !== undefined).map(({ name }) => name)
  return [everywhere ? executed.everywhere(relying) : executed]
}

/**
 * @param {string} name @param {number} weight @param {Record<string, any>} fields @param {(dict: string, call: any) => string} code
 * @param {(call: any, place: Place) => void} check @param {(edit: Edit, call: any) => void} work
 * @param {(world: World, call: any) => unknown} result @returns {Call}
 */
const write = (name, weight, fields, code, check, work, result) => ({
  name,
  weight,
  fields: { ...fields, ...terms },
  code,
  spec(world, call, place, outcome) {
    const refused = refusal(place, () => check(call, place))
    if (refused) return failed(outcome, refused) || isClosed(place, outcome) ? [world] : []
    return written(
      world,
      call,
      place,
      outcome,
      edit => work(edit, call),
      () => result(world, call),
    )
  },
})

/** @param {any} call @param {Place} place */
const keyOnly = (call, { common }) => checkKey(common, call.key)

/** @param {any} call @param {Place} place */
const keyAndValue = (call, { common }) => {
  checkKey(common, call.key)
  checkValue(common, call.key, call.value)
}

/** @param {World} world @param {any} call */
const stored = ({ now }, { key }) => now.get(key)

const FORMS = {
  pairs: (/** @type {any} */ list) => source(list),
  map: (/** @type {any} */ list) => `new Map(${source(list)})`,
  object: (/** @type {any} */ list) => source(Object.fromEntries(list)),
}

/** @type {Call[]} */
export const writes = [
  write(
    'set',
    10,
    { key, value },
    (dict, call) => `${dict}.set(${source(call.key)}, ${source(call.value)}${writeOptions(call)})`,
    keyAndValue,
    (edit, call) => edit.set(call.key, call.value),
    () => undefined,
  ),
  write(
    'delete',
    4,
    { key },
    (dict, call) => `${dict}.delete(${source(call.key)}${writeOptions(call)})`,
    keyOnly,
    (edit, call) => edit.delete(call.key),
    ({ now }, call) => now.has(call.key),
  ),
  write(
    'clear',
    1,
    {},
    (dict, call) => `${dict}.clear(${writeOptions(call).slice(2)})`,
    () => {},
    edit => edit.clear(),
    () => undefined,
  ),
  withoutTerms(
    write(
      'pop',
      2,
      { key },
      (dict, call) => `${dict}.pop(${source(call.key)})`,
      keyOnly,
      (edit, call) => edit.delete(call.key),
      (world, call) => {
        if (!world.now.has(call.key)) throw new Fault('KeyError')
        return stored(world, call)
      },
    ),
  ),
  write(
    'popWithFallback',
    3,
    { key, fallback: fc.constantFrom(undefined, 'none') },
    (dict, call) => `${dict}.pop(${source(call.key)}, ${source(call.fallback)}${writeOptions(call)})`,
    keyOnly,
    (edit, call) => edit.delete(call.key),
    (world, call) => (world.now.has(call.key) ? stored(world, call) : call.fallback),
  ),
  write(
    'setDefault',
    3,
    { key, value },
    (dict, call) => `${dict}.setDefault(${source(call.key)}, ${source(call.value)}${writeOptions(call)})`,
    keyAndValue,
    (edit, call) => edit.entries.has(call.key) || edit.set(call.key, call.value),
    (world, call) => (world.now.has(call.key) ? stored(world, call) : call.value),
  ),
  update(),
  touch(),
]

/** It takes no options. @param {Call} call @returns {Call} */
function withoutTerms(call) {
  return { ...call, fields: { key: call.fields.key } }
}

/** Without pairs, nothing is sent. @returns {Call} */
function update() {
  const one = write(
    'update',
    4,
    { pairs, form: fc.constantFrom('pairs', 'map', 'object') },
    (dict, call) => `${dict}.update(${FORMS[/** @type {'map'} */ (call.form)](call.pairs)}${writeOptions(call)})`,
    (call, { common }) => {
      const pairs = call.form === 'pairs' ? call.pairs : [...new Map(call.pairs)]
      for (const [key, value] of pairs) {
        checkKey(common, key)
        checkValue(common, key, value)
      }
    },
    (edit, call) => {
      for (const [key, value] of call.pairs) edit.set(key, value)
    },
    () => undefined,
  )
  return {
    ...one,
    spec(world, call, place, outcome) {
      if (call.pairs.length > 0 || !place.slot.open || place.slot.readOnly) return one.spec(world, call, place, outcome)
      return isClosed(place, outcome) || agrees(outcome, () => undefined) ? [world] : []
    },
  }
}

/** @returns {Call} */
function touch() {
  return {
    name: 'touch',
    weight: 2,
    alone: true,
    fields: { keys: fc.uniqueArray(key, { maxLength: 2 }) },
    // What the history says was there before is what memory held.
    code: (dict, call) => `(await ${dict}.sync(), ${dict}.touch(${call.keys.map(source).join(', ')}))`,
    spec(world, call, place, outcome) {
      const refused = refusal(place, () => {
        for (const key of call.keys) checkKey(place.common, key)
      })
      const synced = place.slot.open ? world.current(place.slot.name) : world
      if (refused) return failed(outcome, refused) ? [synced] : []
      const keys = call.keys.length > 0 ? call.keys : [...world.now.keys()]
      return written(
        synced,
        {},
        place,
        outcome,
        edit => {
          for (const key of keys) edit.touch(key)
        },
        () => undefined,
      )
    },
  }
}
