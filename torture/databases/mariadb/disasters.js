// @ts-check
/** @import { Disaster, Disasters } from '../../conductor/disasters.js' */
/** @import { MariadbServer } from './server.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { OF_PROCESSES } from '../../conductor/disasters.js'
import { keyOf } from '../../worker/load.js'
import { unlessConflict } from '../conflicts.js'
import { forget, killServer, OF_SERVERS, occupy } from '../disasters.js'
import { editAtOnce } from './edits.js'
import { isConflict } from './server.js'
import { ENTRIES, HEADS, UPSERT } from './tables.js'

/** @type {Disaster<MariadbServer>} */
const terminate = ({ server }, random) => server.terminate(random.between(1, 8))

/** For shorter or longer than the time limit of a call. @type {Disaster<MariadbServer>} */
const lock = ({ server }, random) => {
  const key = keyOf('register', random, 3)
  const [begin, statement = ''] = random.pick([
    ['BEGIN', `SELECT * FROM ${ENTRIES} WHERE \`key\` = '${key}' FOR UPDATE`],
    ['BEGIN', `SELECT * FROM ${HEADS} FOR UPDATE`],
    ['BEGIN', `SELECT * FROM ${ENTRIES} FOR UPDATE`],
    ['DO 0', `LOCK TABLES ${ENTRIES} WRITE`],
  ])
  const locked = server.transact(/** @type {string} */ (begin), async connection => {
    await connection.query(statement)
    await pause(random.between(20, 1_300))
  })
  return unlessConflict(locked, isConflict)
}

/** An older state comes back under load, with everything that belongs to it. @type {Disaster<MariadbServer>} */
const restore = async (stage, random) => {
  const { copy, left } = await stage.server.copy()
  await pause(random.between(50, 800))
  await stage.strike('restore', () => stage.server.restore(copy), left)
}

/** Nobody notices until touch() announces it. @type {Disaster<MariadbServer>} */
const editWithoutTriggers = (stage, random) => {
  const key = keyOf('register', random, 3)
  const { server } = stage
  return stage.lose(
    'an edit without triggers',
    () =>
      stage.withDict(async dict => {
        await (random.chance(0.5)
          ? server.run(UPSERT, [[[key, JSON.stringify(`${key} by others`)]]])
          : server.run(`DELETE FROM ${ENTRIES} WHERE \`key\` = ?`, [key]))
        await dict.touch(key)
      }),
    [key],
  )
}

/** Faults of clients and of any server. @type {Disasters<MariadbServer>} */
const ANYWHERE = [
  ...OF_PROCESSES,
  ...OF_SERVERS,
  [4, 'KILL CONNECTION', terminate],
  [4, 'a lock held by others', lock],
  [3, 'a pool without free connections', occupy],
  [2, 'restore of a copy', restore],
]

/** A server that keeps what it acknowledged. @type {Disasters<MariadbServer>} */
export const DURABLE = [...ANYWHERE, [4, 'SIGKILL of the server', killServer]]

/** A server that loses its latest commits in a crash. @type {Disasters<MariadbServer>} */
export const FORGETFUL = [...ANYWHERE, [4, 'SIGKILL of a server that forgets', forget]]

/** For a table with triggers. @type {Disasters<MariadbServer>} */
export const FOLLOWED = [[6, 'edits by hand', editAtOnce]]

/** For a table without triggers. @type {Disasters<MariadbServer>} */
export const NOT_FOLLOWED = [[3, 'an edit without triggers', editWithoutTriggers]]
