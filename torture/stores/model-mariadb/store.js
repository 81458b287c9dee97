// @ts-check
/** @import { Cast } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
import { DURABLE, FOLLOWED, FORGETFUL, NOT_FOLLOWED } from '../../databases/mariadb/disasters.js'
import { MariadbServer } from '../../databases/mariadb/server.js'
import { SETUP } from '../../databases/mariadb/tables.js'
import { migrate } from '../../databases/migrate.js'
import { RECOVERY, SMALL } from '../../databases/models.js'

export { controls } from './controls.js'

/** What a crash loses: nothing, or the latest commits. */
const TOPOLOGIES = /** @type {const} */ (['durable', 'forgetful'])

/** Every mode, by several libraries. Few of them: writes take turns. Without notifications, live dictionaries poll. @type {readonly Cast[]} */
export const cast = [
  { client: 'Kysely', sessions: [{ options: {} }, { options: { maxStaleness: 200 } }] },
  { client: 'Sequelize', sessions: [{ options: { live: true, maxStaleness: 300 } }] },
  { client: 'Knex', sessions: [{ options: { live: true, autosync: false } }] },
  { client: 'Drizzle', sessions: [{ options: { autosync: false } }] },
  // Bounds of several seconds: writes { everywhere: true } resolve earlier, by acknowledgement.
  {
    client: 'TypeORM',
    sessions: [{ options: { live: true, maxStaleness: 4_000 } }, { options: { maxStaleness: 3_000 } }],
  },
]

export const plain = { topology: 'durable', small: false, triggers: true }

export const offers = /** @type {const} */ (['network'])

/** @param {Random} random @param {{ topology?: typeof TOPOLOGIES[number], small?: boolean, triggers?: boolean }} [wishes] */
export async function start(random, wishes = {}) {
  const { topology = random.pick(TOPOLOGIES), small = random.chance(0.5), triggers = random.chance(0.5) } = wishes
  const durable = topology === 'durable'
  const server = await MariadbServer.start({ type: 'model', dialect: 'mysql', triggers }, { durable })
  await migrate('mysql', SETUP, sql => server.run(sql), { triggers, schema: 'test' })
  // On disk, also if a crash loses the latest commits.
  await server.run('FLUSH ENGINE LOGS')
  const disasters = [...(durable ? DURABLE : FORGETFUL), ...(triggers ? FOLLOWED : NOT_FOLLOWED)]
  return {
    server,
    title: `${topology} server, ${triggers ? 'triggers' : 'no triggers'}, ${small ? 'small' : 'usual'} limits`,
    disasters: () => disasters,
    changes: small ? SMALL : [],
    recovery: RECOVERY,
  }
}
