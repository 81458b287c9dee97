// @ts-check
/** @import { Cast } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
import { controls } from './controls.js'
import { DISASTERS } from './disasters.js'
import { Ensemble } from './ensemble.js'

/** Of the sessions of the processes, in ms: so short that a scene sees some expire. */
const SESSION = 2_000

/**
 * How soon every session must work after a fault, in ms: an election, then a new session, each of which takes seconds on a busy
 * machine.
 */
const RECOVERY = 20_000

/** Every mode, by the library's own client and by node-zookeeper-client. @type {readonly Cast[]} */
export const cast = [
  { client: 'own', sessions: [{ options: {} }, { options: { maxStaleness: 200 } }] },
  {
    client: 'node-zookeeper-client',
    sessions: [{ options: {} }, { options: { live: true, maxStaleness: 300 }, odds: 0.1 }],
  },
  {
    client: 'own',
    sessions: [
      { options: { consistency: 'sequential' } },
      { options: { live: true, autosync: false, maxStaleness: 400 }, odds: 0.1 },
    ],
  },
  {
    client: 'node-zookeeper-client',
    sessions: [{ options: { consistency: 'sequential', live: true } }, { options: { autosync: false } }],
  },
  // Bounds of several seconds: writes { everywhere: true } resolve earlier, by acknowledgement.
  {
    client: 'own',
    sessions: [
      { options: { consistency: 'sequential', live: true, maxStaleness: 4_000 } },
      { options: { maxStaleness: 3_000 } },
    ],
  },
]

/** In a small scene nothing but the damage itself may end a session. */
export const plain = { session: 20_000 }

export const offers = /** @type {const} */ (['network', 'channel', 'leases'])

export { controls }

/** @param {Random} _random @param {{ session?: number }} [wishes] */
export async function start(_random, { session = SESSION } = {}) {
  const server = await Ensemble.start(session)
  return { server, title: 'an ensemble of three', disasters: () => DISASTERS, recovery: RECOVERY }
}
