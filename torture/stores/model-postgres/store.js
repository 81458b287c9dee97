// @ts-check
/** @import { Cast } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
import { migrate } from '../../databases/migrate.js'
import { RECOVERY, SMALL } from '../../databases/models.js'
import { DURABLE, FOLLOWED, FORGETFUL } from '../../databases/postgres/disasters.js'
import { MODEL } from '../../databases/postgres/layout.js'
import { PostgresServer } from '../../databases/postgres/server.js'
import { controls as own } from './controls.js'

/** What a crash loses: nothing, or the latest commits. */
const TOPOLOGIES = /** @type {const} */ (['durable', 'forgetful'])

const TABLE = 'CREATE TABLE settings (key text PRIMARY KEY, value text NOT NULL)'

/** Every mode, by several libraries. Few of them: writes take turns. @type {readonly Cast[]} */
export const cast = [
  { client: 'Kysely', sessions: [{ options: {} }, { options: { maxStaleness: 200 } }] },
  { client: 'Sequelize', sessions: [{ options: { autosync: false } }] },
  { client: 'TypeORM', sessions: [{ options: { live: true, maxStaleness: 300 }, odds: 0.1 }] },
  { client: 'Knex', sessions: [{ options: { live: true, autosync: false }, odds: 0.2 }] },
  // Bounds of several seconds: writes { everywhere: true } resolve earlier, by acknowledgement.
  {
    client: 'Drizzle',
    sessions: [{ options: { live: true, maxStaleness: 4_000 }, odds: 0.1 }, { options: { maxStaleness: 3_000 } }],
  },
]

export const plain = { topology: 'durable', small: false, triggers: true }

/** Its notifications say that something changed, not what: no rule of pushed changes applies. */
export const offers = /** @type {const} */ (['network'])

export const controls = own

/** @param {Random} random @param {{ topology?: typeof TOPOLOGIES[number], small?: boolean, triggers?: boolean }} [wishes] */
export async function start(random, wishes = {}) {
  const { topology = random.pick(TOPOLOGIES), small = random.chance(0.5), triggers = random.chance(0.5) } = wishes
  const durable = topology === 'durable'
  const its = /** @type {const} */ ({ type: 'model', dialect: 'postgresql', triggers })
  const server = await PostgresServer.start(MODEL, its, { durable, pooler: false })
  await migrate('postgresql', TABLE, sql => server.run(sql), { triggers })
  // On disk, also if a crash loses the latest commits.
  await server.run('CHECKPOINT')
  const disasters = [...(durable ? DURABLE : FORGETFUL), ...(triggers ? FOLLOWED : [])]
  return {
    server,
    title: `${topology} server, ${triggers ? 'triggers' : 'no triggers'}, ${small ? 'small' : 'usual'} limits`,
    disasters: () => disasters,
    changes: small ? SMALL : [],
    recovery: RECOVERY,
  }
}
