// @ts-check
/** @import { Cast } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */

import { DURABLE, EMPTIED, FOLLOWED, FORGETFUL } from '../../databases/postgres/disasters.js'
import { ENTRIES } from '../../databases/postgres/layout.js'
import { PostgresServer } from '../../databases/postgres/server.js'
import { controls as own } from './controls.js'

/** What a crash loses: nothing, or the latest commits. */
const TOPOLOGIES = /** @type {const} */ (['durable', 'forgetful'])

/** Small limits, so that a short run trims the log. */
const SMALL = [
  { file: 'backends/postgres/scripts/advance.sql', from: 'c.number <= next - 10000', to: 'c.number <= next - 40' },
  { file: 'backends/postgres/scripts/set.sql', from: 'head.number + 1 - 10000', to: 'head.number + 1 - 40' },
]

/** The processes: every mode, over every client. @type {readonly Cast[]} */
export const cast = [
  { client: 'pg', sessions: [{ options: {} }, { options: { maxStaleness: 200 } }] },
  { client: 'postgres.js', sessions: [{ options: {} }, { options: { autosync: false } }] },
  {
    client: 'pg',
    sessions: [
      { options: { live: true, maxStaleness: 300 }, odds: 0.1 },
      { options: { live: true, autosync: false, maxStaleness: 150 }, odds: 0.1 },
    ],
  },
  {
    client: 'postgres.js',
    sessions: [{ options: { live: true, maxStaleness: 200 } }, { options: { live: true, autosync: false }, odds: 0.2 }],
  },
  { client: 'pg, PgBouncer', sessions: [{ options: { maxStaleness: 400 } }, { options: { live: true } }] },
  // Bounds of several seconds: writes { everywhere: true } resolve earlier, by acknowledgement.
  {
    client: 'pg',
    sessions: [{ options: { live: true, maxStaleness: 4_000 }, odds: 0.1 }, { options: { maxStaleness: 3_000 } }],
  },
]

export const plain = { topology: 'durable', small: false, pooler: false }

export const offers = /** @type {const} */ (['network', 'channel', 'polling'])

export const controls = own

/** @param {Random} random @param {{ topology?: typeof TOPOLOGIES[number], small?: boolean, pooler?: boolean }} [wishes] */
export async function start(random, wishes = {}) {
  const { topology = random.pick(TOPOLOGIES), small = random.chance(0.5), pooler = true } = wishes
  const durable = topology === 'durable'
  const disasters = [...(durable ? DURABLE : FORGETFUL), ...FOLLOWED, ...EMPTIED]
  return {
    server: await PostgresServer.start(ENTRIES, { type: 'postgres' }, { durable, pooler }),
    title: `${topology} server, ${small ? 'small' : 'usual'} limits`,
    disasters: () => disasters,
    changes: small ? SMALL : [],
  }
}
