// @ts-check
/** @import { Call } from './call.js' */
import fc from 'fast-check'
import { agrees, checkKey, failed, isClosed } from '../expect.js'
import { optionsSource, source } from '../source.js'
import { key } from '../values.js'

/** Watchers have names, of which there are few: a later one replaces an earlier one. */
const watcher = fc.constantFrom('first', 'second')

/** Calls about a dictionary's own state, none of which touches an entry. @type {Call[]} */
export const state = [
  {
    name: 'health',
    weight: 1,
    fields: {},
    code: dict => `${dict}.health().ready`,
    spec: (world, _call, { slot, isClosing }, outcome) =>
      agrees(outcome, () => slot.open) || (isClosing && agrees(outcome, () => false)) ? [world] : [],
  },
  {
    name: 'stats',
    weight: 1,
    fields: {},
    code: dict => `Object.values(${dict}.stats()).every(count => count >= 0)`,
    spec: (world, _call, _place, outcome) => (agrees(outcome, () => true) ? [world] : []),
  },
  {
    name: 'replicas',
    weight: 1,
    fields: {},
    alone: true,
    code: dict => `servicesOf(${dict})`,
    spec(world, _call, place, outcome) {
      const { slot, slots } = place
      if (isClosed(place, outcome)) return [world]
      const listed = slots.filter(({ open, isListed }) => open && isListed)
      return slot.open && agrees(outcome, () => new Map(listed.map(({ name, live, bound }) => [name, [live, bound]])))
        ? [world]
        : []
    },
  },
  {
    name: 'watch',
    weight: 3,
    fields: { watcher, key: fc.option(key, { nil: undefined }) },
    code: (dict, { watcher, key }) => `watch(${dict}, '${watcher}'${optionsSource({ key })})`,
    spec(world, { key }, place, outcome) {
      const fits = agrees(outcome, () => {
        if (key !== undefined) checkKey(place.common, key)
        return undefined
      })
      return fits ? [world] : []
    },
  },
  {
    name: 'unwatch',
    weight: 2,
    fields: { watcher, how: fc.constantFrom('return', 'abort', 'break') },
    code: (dict, { watcher, how }) => `unwatch(${dict}, '${watcher}', '${how}')`,
    spec: (world, _call, _place, outcome) => (agrees(outcome, () => undefined) ? [world] : []),
  },
  {
    name: 'listen',
    weight: 1,
    fields: { event: fc.constantFrom('change', 'sync', 'fresh', 'stale', 'close') },
    // What a listener throws affects nothing else.
    code: (dict, { event }) => `void ${dict}.on(${source(event)}, () => { throw new Error('a listener') })`,
    spec: (world, _call, _place, outcome) => (agrees(outcome, () => undefined) ? [world] : []),
  },
  {
    name: 'close',
    weight: 2,
    fields: { how: fc.constantFrom('close', 'dispose', 'abort', 'twice') },
    code: (dict, { how }) => CLOSINGS[/** @type {'close'} */ (how)](dict),
    spec: (world, _call, _place, outcome) => (agrees(outcome, () => undefined) ? [world] : []),
  },
  {
    name: 'reencode',
    weight: 1,
    fields: {},
    code: dict => `${dict}.reencode()`,
    spec(world, _call, place, outcome) {
      const { slot } = place
      if (isClosed(place, outcome)) return [world.uncertain(slot.name)]
      if (!slot.open) return []
      if (slot.readOnly) return failed(outcome, 'UnsupportedError') ? [world] : []
      if (place.common.migrates)
        return 'value' in outcome && Number(outcome.value) <= world.states.length ? [world.current(slot.name)] : []
      return agrees(outcome, () => 0) ? [world.current(slot.name)] : []
    },
  },
]

/** Every way to close a dictionary. */
const CLOSINGS = {
  close: (/** @type {string} */ dict) => `${dict}.close()`,
  dispose: (/** @type {string} */ dict) => `${dict}[Symbol.asyncDispose]()`,
  abort: (/** @type {string} */ dict) => `(abort('${dict}'), ${dict}.close())`,
  twice: (/** @type {string} */ dict) => `Promise.all([${dict}.close(), ${dict}.close()]).then(() => undefined)`,
}
