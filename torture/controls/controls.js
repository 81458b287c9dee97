// @ts-check
/** @import { Store } from '../types.js' */
/** @import { Control } from './control.js' */
import { fleet } from './common/fleet.js'
import { pushes } from './common/pushes.js'
import { reads } from './common/reads.js'
import { watches } from './common/watches.js'
import { writes } from './common/writes.js'

/** Rules of the dictionary, which hold on every store. */
const COMMON = [...pushes, ...reads, ...writes, ...watches, ...fleet]

/**
 * Every rule that can be broken on a store, and whether that is detected. A store may have a scene of its own for a common rule.
 * @param {Store} store @returns {readonly Control[]}
 */
export function controlsOf({ offers, controls }) {
  const own = new Set(controls.map(({ rule }) => rule))
  const common = COMMON.filter(({ rule, needs = [] }) => !own.has(rule) && needs.every(need => offers.includes(need)))
  return [...common, ...controls]
}
