// @ts-check
/** @import { Call } from './call.js' */
/** @import { Common, Place } from '../expect.js' */
/** @import { Edit, World } from '../world.js' */
import fc from 'fast-check'
import {
  agrees,
  checkKey,
  checkValue,
  Fault,
  failed,
  isClosed,
  read,
  readable,
  reading,
  readOrThrow,
  STOP,
} from '../expect.js'
import { source } from '../source.js'
import { key, pairs, value } from '../values.js'
import { authorOf, refusal, writeOptions, written } from './writes.js'

/** Steps of a transaction: their source, and what they do on plain entries. */
const STEPS =
  /** @type {Record<string, { code: (step: any) => string, run: (common: Common, edit: Edit, step: any, seen: Seen) => unknown }>} */ ({
    get: {
      code: ({ key }) => `tx.get(${source(key)})`,
      run: (common, { entries }, { key }) => read(common, entries, key),
    },
    getOrThrow: {
      code: ({ key }) => `tx.getOrThrow(${source(key)})`,
      run: (common, { entries }, { key }) => readOrThrow(common, entries, key),
    },
    has: {
      code: ({ key }) => `tx.has(${source(key)})`,
      run: (common, { entries }, { key }) => {
        checkKey(common, key)
        return entries.has(key)
      },
    },
    size: { code: () => 'tx.size()', run: (_common, { entries }, _step, seen) => seen.all(entries.size) },
    keys: {
      code: () => 'tx.keys().sort()',
      run: (_common, { entries }, _step, seen) => seen.all([...entries.keys()].sort()),
    },
    entries: { code: () => 'new Map(tx)', run: (_common, { entries }, _step, seen) => seen.all(new Map(entries)) },
    set: {
      code: ({ key, value }) => `tx.set(${source(key)}, ${source(value)})`,
      run: (common, edit, { key, value }, seen) => {
        checkKey(common, key)
        checkValue(common, key, value)
        seen.wrote()
        edit.set(key, value)
      },
    },
    setDefault: {
      code: ({ key, value }) => `tx.setDefault(${source(key)}, ${source(value)})`,
      run: (common, edit, { key, value }, seen) => {
        checkKey(common, key)
        checkValue(common, key, value)
        if (edit.entries.has(key)) return edit.entries.get(key)
        seen.wrote()
        edit.set(key, value)
        return value
      },
    },
    delete: {
      code: ({ key }) => `tx.delete(${source(key)})`,
      run: (common, edit, { key }, seen) => {
        checkKey(common, key)
        const isStored = edit.entries.has(key)
        if (isStored) seen.wrote()
        edit.delete(key)
        return isStored
      },
    },
    pop: {
      code: ({ key }) => `tx.pop(${source(key)}, undefined)`,
      run: (common, edit, { key }, seen) => {
        checkKey(common, key)
        const stored = edit.entries.get(key)
        if (edit.entries.has(key)) seen.wrote()
        edit.delete(key)
        return stored
      },
    },
    clear: {
      code: () => 'tx.clear()',
      run: (_common, edit, _step, seen) => {
        seen.wrote()
        seen.all(undefined)
        edit.clear()
      },
    },
    update: {
      code: ({ pairs }) => `tx.update(${source(pairs)})`,
      run: (common, edit, { pairs }, seen) => {
        for (const [key, value] of pairs) {
          checkKey(common, key)
          checkValue(common, key, value)
        }
        if (pairs.length > 0) seen.wrote()
        for (const [key, value] of pairs) edit.set(key, value)
      },
    },
  })

/** What the steps of a transaction did. */
class Seen {
  isWriting = false
  touchesAll = false

  wrote() {
    this.isWriting = true
  }

  /** @param {unknown} value */
  all(value) {
    this.touchesAll = true
    return value
  }
}

const step = fc.record({ step: fc.constantFrom(...Object.keys(STEPS)), key, value, pairs })

/** Steps of a function, which may be asynchronous and end with an error. */
const fields = {
  steps: fc.array(step, { maxLength: 5 }),
  isAsync: fc.boolean(),
  ending: fc.constantFrom('return', 'return', 'return', 'return', 'throw'),
}

/** Executes the steps; a fault among them ends the transaction. @param {Place} place @param {Edit} edit @param {any} call @param {Seen} seen */
function execute({ common }, edit, { steps, ending }, seen) {
  const results = steps.map((/** @type {any} */ one) => STEPS[one.step]?.run(common, edit, one, seen))
  if (ending === 'throw') throw new Fault(STOP)
  return results
}

/** Executes the steps as one commit, which has no values in between. @param {Place} place @param {any} call */
const committed = (place, call) => (/** @type {Edit} */ edit) => {
  execute(place, edit, call, new Seen())
  edit.settle()
}

/** What the steps return on these entries, without an effect. @param {World} world @param {Place} place @param {any} call @param {Map<string, unknown>} entries */
function rehearse(world, place, call, entries) {
  const seen = new Seen()
  /** @type {unknown} */
  let results
  world.withEntries(entries).commit(
    edit => {
      try {
        results = execute(place, edit, call, seen)
      } catch (fault) {
        results = fault
      }
    },
    {},
    0,
  )
  return { seen, results }
}

/** @param {unknown} results */
function resultsOf(results) {
  if (results instanceof Fault) throw results
  return results
}

/** @param {any} call @param {string} [middle] */
function functionSource({ steps, isAsync, ending }, middle) {
  const results = `[${steps.map((/** @type {any} */ one) => STEPS[one.step]?.code(one)).join(', ')}]`
  const end = ending === 'throw' ? `throw new Error('${STOP}')` : 'return results'
  const start = isAsync || middle ? 'async tx' : 'tx'
  return `${start} => { const results = ${results}; ${middle ? `${middle}; ` : ''}${end} }`
}

/** @type {Call[]} */
export const transactions = [
  {
    name: 'transact',
    weight: 6,
    fields: {
      ...fields,
      retries: fc.constantFrom(undefined, undefined, 0),
      by: fc.constantFrom(undefined, 'ada'),
      everywhere: fc.constantFrom(undefined, undefined, undefined, true, 2),
    },
    code: (dict, call) => `${dict}.transact(${functionSource(call)}${writeOptions(call, { retries: call.retries })})`,
    spec(world, call, place, outcome) {
      const refused = refusal(place, () => {})
      if (isClosed(place, outcome)) return [world.uncertain(place.slot.name)]
      if (refused) return failed(outcome, refused) ? [world] : []
      const [from, to] = readable(world, place)
      const mayConflict = call.retries === 0 && (place.isGroup || place.hasAsked || from < to || from < world.last)
      if (mayConflict && failed(outcome, 'ConflictError')) return [world.uncertain(place.slot.name)]
      const latest = rehearse(world, place, call, world.now)
      const isWriting = latest.seen.isWriting && !(latest.results instanceof Fault) && !failed(outcome, STOP)
      const executed = isWriting
        ? written(world, call, place, outcome, committed(place, call), () => latest.results)
        : []
      const range = withRetries(world, place, call, [from, to])
      const show = (/** @type {Map<string, unknown>} */ entries) => withoutEffect(world, place, call, entries)
      const idle = reading(world, place, outcome, show, range).map(one => one.uncertain(place.slot.name))
      return [...executed, ...idle]
    },
  },
  {
    // A write to one of its keys at each attempt makes it conflict.
    name: 'nested',
    weight: 2,
    alone: true,
    fields: {
      ...fields,
      other: fc.constantFrom('a', 'b'),
      key,
      retries: fc.constantFrom(0, 1),
      isTransaction: fc.boolean(),
    },
    code(dict, call) {
      const { other, key } = call
      const inner = call.isTransaction
        ? `transact(inner => inner.set(${source(key)}, 'nested'))`
        : `set(${source(key)}, 'nested')`
      return `(await ${dict}.sync(), ${dict}.transact(${functionSource(call, `await ${other}.${inner}`)}, { retries: ${call.retries} }))`
    },
    spec: nested,
  },
]

/** An attempt on an old state that writes may conflict, and the next one begins on a later state. @param {World} world @param {Place} place @param {any} call @param {[number, number]} range @returns {[number, number]} */
function withRetries(world, place, call, [from, to]) {
  const old = world.states.slice(from, to + 1)
  const mayConflict = old.some(({ entries }) => rehearse(world, place, call, entries).seen.isWriting)
  return [from, mayConflict ? world.last : to]
}

/** Nothing that is returned was validated, so that it is right for any state that a read may return. @param {World} world @param {Place} place @param {any} call @param {Map<string, unknown>} entries */
function withoutEffect(world, place, call, entries) {
  const { seen, results } = rehearse(world, place, call, entries)
  if (seen.isWriting && !(results instanceof Fault)) throw new Fault('it writes')
  return resultsOf(results)
}

/** @type {Call['spec']} */
function nested(world, call, place, outcome) {
  const refused = refusal(place, () => {})
  const synced = place.slot.open ? world.current(place.slot.name) : world
  if (refused) return failed(outcome, refused) ? [synced] : []
  let now = synced
  for (let attempt = 0; attempt <= call.retries; attempt += 1) {
    const { seen, results } = rehearse(now, place, call, now.now)
    // A step that fails does so before the nested write.
    if (results instanceof Fault && results.name !== STOP) return failed(outcome, results.name) ? [now] : []
    const inner = innerWrite(now, call, place)
    if (inner instanceof Fault) return failed(outcome, inner.name) ? [now] : []
    now = inner.uncertain(place.slot.name)
    if (results instanceof Fault) return failed(outcome, STOP) ? [now] : []
    if (!seen.isWriting) return agrees(outcome, () => results) ? [now] : []
    if (!seen.touchesAll && !touchedKeys(call).has(call.key))
      return written(now, {}, place, outcome, committed(place, call), () => results)
  }
  return failed(outcome, 'ConflictError') ? [now] : []
}

/** @param {World} world @param {any} call @param {Place} place @returns {World | Fault} */
function innerWrite(world, call, place) {
  const slot = /** @type {import('../expect.js').Slot} */ (place.slots.find(({ name }) => name === call.other))
  const inner = { ...place, slot, view: {} }
  const fault = refusal(inner, () => {
    checkKey(place.common, call.key)
    checkValue(place.common, call.key, 'nested')
  })
  if (fault) return new Fault(fault)
  return world.commit(edit => edit.set(call.key, 'nested'), authorOf({}, inner), place.ended).current(slot.name)
}

/** @param {any} call @returns {Set<string>} */
function touchedKeys({ steps }) {
  return new Set(
    steps.flatMap((/** @type {any} */ { step, key, pairs }) =>
      step === 'update' ? pairs.map((/** @type {any} */ [one]) => one) : [key],
    ),
  )
}
