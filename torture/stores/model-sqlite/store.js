// @ts-check
/** @import { Disaster, Disasters } from '../../conductor/disasters.js' */
/** @import { Cast } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { OF_PROCESSES, steal } from '../../conductor/disasters.js'
import { migrate } from '../../databases/migrate.js'
import { RECOVERY, SMALL } from '../../databases/models.js'
import { ApplicationFile, SETUP } from '../../databases/sqlite/file.js'
import { keyOf } from '../../worker/load.js'

export { controls } from './controls.js'

/** Every mode, by several libraries. Few of them: writes take turns. @type {readonly Cast[]} */
export const cast = [
  { client: 'Kysely', sessions: [{ options: {} }] },
  { client: 'Knex', sessions: [{ options: { maxStaleness: 200 } }, { options: { autosync: false } }] },
  { client: 'TypeORM', sessions: [{ options: { live: true, maxStaleness: 4_000 } }] },
  { client: 'Drizzle', sessions: [{ options: { maxStaleness: 3_000 } }, { options: { live: true } }] },
]

/** For shorter or longer than the time limit of a call. @type {Disaster<ApplicationFile>} */
const lock = ({ server }, random) =>
  server.lock(random.pick(['BEGIN IMMEDIATE', 'BEGIN EXCLUSIVE']), random.between(20, 1_300))

/** An older state comes back under load, with everything that belongs to it. @type {Disaster<ApplicationFile>} */
const restore = async (stage, random) => {
  const { copy, left } = await stage.server.copy()
  await pause(random.between(50, 800))
  await stage.strike('restore', () => stage.server.restore(copy), left)
}

/** @type {Disaster<ApplicationFile>} */
const plant = async (stage, random) => {
  const key = keyOf('register', random, 3)
  await stage.plant(key, `${key} by others ${random.between(1, 1e9)}`)
}

/** What was acknowledged is lost only by a restore. @type {Disasters<ApplicationFile>} */
const DISASTERS = [
  ...OF_PROCESSES,
  [4, 'a lock held by others', lock],
  [2, 'checkpoint', ({ server }) => server.run('PRAGMA wal_checkpoint(TRUNCATE)')],
  [2, 'VACUUM', ({ server }) => server.run('VACUUM')],
  [3, 'DELETE by another program', steal],
  [3, 'upsert by another program', plant],
  [3, 'restore of a copy', restore],
]

export const plain = { small: false }

export const offers = /** @type {const} */ ([])

/** @param {Random} random @param {{ small?: boolean }} [wishes] */
export async function start(random, { small = random.chance(0.5) } = {}) {
  const server = await ApplicationFile.start({ type: 'model', dialect: 'sqlite', triggers: true })
  await migrate('sqlite', SETUP, sql => server.run(sql), { triggers: true })
  return {
    server,
    title: `a file, four libraries, ${small ? 'small' : 'usual'} limits`,
    disasters: () => DISASTERS,
    changes: small ? SMALL : [],
    recovery: RECOVERY,
  }
}
