// @ts-check
/** @import { Call } from './call.js' */
import fc from 'fast-check'
import { checkKey, failed, inMemory, isClosed, read, reading, readOrThrow, withinBound } from '../expect.js'
import { source } from '../source.js'
import { DEFAULT, key, NAMES } from '../values.js'

/** A read that checks the store if the mode requires it. @param {string} name @param {(entries: Map<string, unknown>, place: any, call: any) => unknown} show @param {(dict: string, call: any) => string} code @param {object} [fields] @returns {Call} */
const awaited = (name, show, code, fields = {}) => ({
  name,
  weight: 3,
  fields,
  code,
  spec: (world, call, place, outcome) => {
    const { common, slot } = place
    if (isClosed(place, outcome)) return [world]
    // Before or after the check.
    if (failed(outcome, 'InvalidKeyError')) return isRefused(common, call.key) ? [world.uncertain(slot.name)] : []
    if (!slot.open) return []
    const worlds = reading(world, place, outcome, entries => show(entries, place, call))
    if (!slot.checks) return worlds
    return worlds.map(one => (slot.bound === undefined ? one.current(slot.name) : one.uncertain(slot.name)))
  },
})

/** A read of memory, also after `close`. @param {string} name @param {(entries: Map<string, unknown>, place: any, call: any) => unknown} show @param {(dict: string, call: any) => string} code @param {object} [fields] @returns {Call} */
const immediate = (name, show, code, fields = {}) => ({
  name,
  weight: 2,
  fields,
  code,
  spec: (world, call, place, outcome) =>
    reading(world, place, outcome, entries => show(entries, place, call), inMemory(world, place)),
})

/** @param {any} common @param {string} key */
const isRefused = (common, key) => common.strict && !NAMES.has(key)

/** @param {Map<string, unknown>} entries @param {any} place */
export const asObject = (entries, { common }) => {
  const object = Object.fromEntries(entries)
  if (common.defaults && !entries.has('d')) object.d = DEFAULT
  return object
}

/** @param {Map<string, unknown>} entries */
const sortedKeys = entries => [...entries.keys()].sort()

const keyed = { key }

/** @type {Call[]} */
export const reads = [
  awaited(
    'get',
    (entries, { common }, call) => read(common, entries, call.key),
    (dict, call) => `${dict}.get(${source(call.key)})`,
    keyed,
  ),
  awaited(
    'getOrThrow',
    (entries, { common }, call) => readOrThrow(common, entries, call.key),
    (dict, call) => `${dict}.getOrThrow(${source(call.key)})`,
    keyed,
  ),
  awaited(
    'has',
    (entries, { common }, call) => {
      checkKey(common, call.key)
      return entries.has(call.key)
    },
    (dict, call) => `${dict}.has(${source(call.key)})`,
    keyed,
  ),
  awaited(
    'size',
    entries => entries.size,
    dict => `${dict}.size()`,
  ),
  awaited('keys', sortedKeys, dict => `(await ${dict}.keys()).sort()`),
  awaited(
    'values',
    entries => new Set(Array.from(entries.values(), source)),
    dict => `new Set((await ${dict}.values()).map(source))`,
  ),
  awaited(
    'entries',
    entries => entries,
    dict => `new Map(await ${dict}.entries())`,
  ),
  awaited(
    'iterate',
    entries => entries,
    dict => `new Map(await collect(${dict}))`,
  ),
  awaited(
    'snapshot',
    (entries, place) => [entries, asObject(entries, place)],
    dict => `contentOf(await ${dict}.snapshot())`,
  ),
  immediate(
    'local.get',
    (entries, { common }, call) => read(common, entries, call.key),
    (dict, call) => `${dict}.local.get(${source(call.key)})`,
    keyed,
  ),
  immediate(
    'local.has',
    (entries, { common }, call) => {
      checkKey(common, call.key)
      return entries.has(call.key)
    },
    (dict, call) => `${dict}.local.has(${source(call.key)})`,
    keyed,
  ),
  immediate(
    'local',
    (entries, place) => [entries, asObject(entries, place)],
    dict => `contentOf(${dict}.local)`,
  ),
  immediate('derive', sortedKeys, dict => `${dict}.derive(state => [...state.keys()].sort()).current`),
  {
    name: 'current',
    weight: 2,
    fields: {},
    code: dict => `contentOf(${dict}.current())`,
    spec: (world, _call, place, outcome) => {
      if (!place.slot.open) return failed(outcome, 'ClosedError') ? [world] : []
      if (isClosed(place, outcome)) return [world]
      return reading(world, place, outcome, entries => [entries, asObject(entries, place)], inMemory(world, place))
    },
  },
  {
    name: 'fresh',
    weight: 2,
    fields: keyed,
    code: (dict, call) => `${dict}.fresh.get(${source(call.key)})`,
    spec: (world, call, place, outcome) => {
      const { slot } = place
      if (slot.bound === undefined) return failed(outcome, 'TypeError') ? [world] : []
      // Of a short bound, and of a closed dictionary, nobody knows whether it has passed.
      const mayBeStale = slot.bound < 60_000 || !slot.open || place.isClosing
      if (mayBeStale && failed(outcome, 'StaleError')) return [world]
      return reading(world, place, outcome, entries => read(place.common, entries, call.key), withinBound(world, place))
    },
  },
  {
    name: 'sync',
    weight: 3,
    fields: {},
    code: dict => `${dict}.sync()`,
    spec: (world, _call, place, outcome) => {
      if (isClosed(place, outcome)) return [world]
      if (!place.slot.open || !('value' in outcome)) return []
      return [world.current(place.slot.name)]
    },
  },
  {
    name: 'turn',
    weight: 1,
    fields: { ms: fc.constantFrom(0, 0, 0, 2) },
    code: (_dict, call) =>
      call.ms === 0
        ? 'new Promise(resolve => setImmediate(resolve))'
        : `new Promise(resolve => setTimeout(resolve, ${call.ms}))`,
    spec: world => [world],
  },
]
