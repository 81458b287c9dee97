// @ts-check
/** @import { Disasters } from '../../conductor/disasters.js' */
/** @import { Cast } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
import { SMALL } from '../../builds.js'
import { commits } from './controls/commits.js'
import { histories } from './controls/histories.js'
import { writes } from './controls/writes.js'
import { DURABLE, FORGETFUL, Pair } from './disasters.js'
import { RedisServer } from './server.js'

/** The kinds of server, and the possible faults of each. */
const TOPOLOGIES = /** @type {const} */ (['durable', 'forgetful', 'pair'])

/** The processes: every mode, over every client. @type {readonly Cast[]} */
export const cast = [
  { client: 'node-redis', sessions: [{ options: {} }, { options: { maxStaleness: 200 } }] },
  { client: 'ioredis', sessions: [{ options: {} }, { options: { autosync: false } }] },
  {
    client: 'node-redis, RESP3',
    sessions: [
      { options: { live: true, maxStaleness: 300 }, odds: 0.1 },
      { options: { live: true, autosync: false, maxStaleness: 150 }, odds: 0.1 },
    ],
  },
  {
    client: 'ioredis',
    sessions: [{ options: { live: true, maxStaleness: 200 } }, { options: { live: true, autosync: false }, odds: 0.2 }],
  },
  { client: 'node-redis', sessions: [{ options: { maxStaleness: 400 } }, { options: { live: true } }] },
  // Bounds of several seconds: writes { everywhere: true } resolve earlier, by acknowledgement.
  {
    client: 'ioredis',
    sessions: [{ options: { live: true, maxStaleness: 4_000 }, odds: 0.1 }, { options: { maxStaleness: 3_000 } }],
  },
]

export const plain = { topology: 'durable', small: false }

export const offers = /** @type {const} */ (['network', 'channel', 'polling', 'leases'])

export const controls = [...writes, ...histories, ...commits]

/** @param {Random} random @param {{ topology?: typeof TOPOLOGIES[number], small?: boolean }} [wishes] */
export async function start(random, wishes = {}) {
  const { topology = random.pick(TOPOLOGIES), small = random.chance(0.5) } = wishes
  const server = await RedisServer.start({ durable: topology !== 'forgetful' })
  const pair = topology === 'pair' ? await Pair.of(server) : undefined
  return {
    server,
    title: `${topology} server, ${small ? 'small' : 'usual'} limits`,
    disasters: () => disastersOf(topology, pair),
    changes: small ? SMALL : [],
    clear: async () => pair?.clear(),
  }
}

/** @param {typeof TOPOLOGIES[number]} topology @param {Pair | undefined} pair @returns {Disasters<RedisServer>} */
function disastersOf(topology, pair) {
  return pair ? pair.disasters : topology === 'durable' ? DURABLE : FORGETFUL
}
