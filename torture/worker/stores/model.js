// @ts-check
/** @import { Connect } from '../store.js' */
import { NAME } from '../store.js'
import { MODELS } from './models/models.js'

/**
 * @typedef {object} ModelPlan
 * @property {'model'} type
 * @property {'postgresql' | 'mysql' | 'sqlite'} dialect
 * @property {boolean} triggers whether the table has triggers
 * @property {string} url of the database, or a file
 * @property {string} client the library
 */

/** How often a live dictionary polls without notifications, in ms. */
const POLL_EVERY = 100

/** A dictionary that opens during a fault gets no notifications, and polls from then on. */
const WARNINGS = ['DURABLEDICT_NO_NOTIFICATIONS']

/** @type {Connect<ModelPlan>} */
export async function connect({ url, dialect, client, triggers }, common, built) {
  /** @type {typeof import('../../../dist/index.js')} */
  const library = await built('index.js')
  const connectTo = await MODELS[dialect]()
  const { managerIn, disconnect, occupy, listen } = await connectTo(client, url)
  const manager = managerIn(library)
  return {
    async open(options, channel) {
      const { live } = /** @type {{ live?: boolean }} */ (options)
      const push = live && listen ? { listen: () => listen(channel) } : {}
      const all = { ...common, name: NAME, triggers, pollEvery: POLL_EVERY, ...push, ...options }
      return /** @type {any} */ (await library.ModelDict.open(manager, /** @type {any} */ (all)))
    },
    disconnect,
    occupy,
    warnings: WARNINGS,
  }
}
