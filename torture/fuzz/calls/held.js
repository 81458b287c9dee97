// @ts-check
/** @import { Call } from './call.js' */
import { agrees, failed, inMemory, read, reading, withinBound } from '../expect.js'
import { source } from '../source.js'
import { key } from '../values.js'
import { asObject, reads } from './reads.js'

const snapshot = /** @type {Call} */ (reads.find(({ name }) => name === 'snapshot'))

/** Reads of what a program keeps, and of the dictionary itself. @type {Call[]} */
export const held = [
  // The session compares it again at the end.
  { ...snapshot, name: 'keep', code: dict => `keep(${dict})` },
  {
    name: 'derivedOf',
    weight: 3,
    fields: { key },
    code: (dict, { key }) => `derivedOf(${dict}, ${source(key)}).current`,
    spec: (world, call, place, outcome) =>
      reading(world, place, outcome, entries => read(place.common, entries, call.key), inMemory(world, place)),
  },
  {
    name: 'freshContent',
    weight: 1,
    fields: {},
    code: dict => `contentOf(${dict}.fresh)`,
    spec: (world, _call, place, outcome) => {
      const { slot } = place
      if (slot.bound === undefined) return failed(outcome, 'TypeError') ? [world] : []
      const mayBeStale = slot.bound < 60_000 || !slot.open || place.isClosing
      if (mayBeStale && failed(outcome, 'StaleError')) return [world]
      return reading(world, place, outcome, entries => [entries, asObject(entries, place)], withinBound(world, place))
    },
  },
  {
    name: 'properties',
    weight: 1,
    fields: {},
    code: dict =>
      `[${dict}.origin, ${dict}.staleness >= 0, ${dict}.name.length > 0, inspect(${dict}).includes(${dict}.name)]`,
    spec: (world, _call, _place, outcome) => (agrees(outcome, () => ['store', true, true, true]) ? [world] : []),
  },
]
