// @ts-check
/** @import { Outcome, Place } from '../expect.js' */
/** @import { World } from '../world.js' */

/**
 * A call of the library: how it is generated, how it is written, and what it may return.
 * @typedef {object} Call
 * @property {string} name
 * @property {number} weight
 * @property {Record<string, any>} fields arbitraries of its arguments
 * @property {boolean} [alone] whether it is made without others at the same time, because it consists of several steps
 * @property {(dict: string, call: any) => string} code an expression, which may contain `await`
 * @property {(world: World, call: any, place: Place, outcome: Outcome) => World[]} spec the worlds in which the outcome is right
 */

export {}
