// @ts-check
/** @import { Disaster, Disasters } from '../../conductor/disasters.js' */
/** @import { Cast } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
import { OF_PROCESSES, steal } from '../../conductor/disasters.js'
import { SqliteFile } from './file.js'

export { controls } from './controls.js'

/** Every mode, by both engines. @type {readonly Cast[]} */
export const cast = [
  { client: 'libsql', sessions: [{ options: {} }, { options: { live: true, maxStaleness: 300 } }] },
  { client: 'node:sqlite', sessions: [{ options: { maxStaleness: 200 } }, { options: { autosync: false } }] },
  { client: 'node:sqlite', sessions: [{ options: { live: true, maxStaleness: 4_000 } }, { options: { live: true } }] },
  { client: 'libsql', sessions: [{ options: { maxStaleness: 3_000 } }, { options: { live: true, autosync: false } }] },
]

/** For shorter or longer than the time limit of a call. @type {Disaster<SqliteFile>} */
const lock = ({ server }, random) => server.lock(random.between(20, 1_300))

/**
 * A process that opened the file before the others have put the old journal aside would apply that to the copy (docs/sqlite.md): none is
 * killed until each has followed. @type {Disaster<SqliteFile>}
 */
const restore = async stage => {
  const copy = await stage.server.copy()
  const left = await stage.server.state(copy)
  await stage.strike('restore', () => stage.server.restore(copy), left)
  await stage.recover()
}

/** A process that opens the path while the file is away would create another one: first, each has opened it. @type {Disaster<SqliteFile>} */
const moveAway = async (stage, random) => {
  await stage.recover()
  await stage.server.without(random.between(50, 700))
}

/** What was acknowledged is lost only by a restore. @type {Disasters<SqliteFile>} */
const DISASTERS = [
  ...OF_PROCESSES,
  [4, 'a lock held by others', lock],
  [2, 'checkpoint', ({ server }) => server.run('PRAGMA wal_checkpoint(TRUNCATE)')],
  [2, 'VACUUM', ({ server }) => server.run('VACUUM')],
  [2, 'DELETE by another program', steal],
  [3, 'the file moved away', moveAway],
  [9, 'restore of a copy', restore],
]

/** The versions of Node that serve each engine. */
const NODES = { libsql: [20, 22, 24], 'node:sqlite': [22, 24] }

export const plain = { libsql: 20, 'node:sqlite': 24 }

export const offers = /** @type {const} */ (['leases'])

/** @param {Random} random @param {Partial<typeof plain>} [wishes] the Node of each engine */
export async function start(random, wishes = {}) {
  const { libsql = random.pick(NODES.libsql), 'node:sqlite': own = random.pick(NODES['node:sqlite']) } = wishes
  return {
    server: await SqliteFile.start({ libsql, 'node:sqlite': own }),
    title: `a file, libsql on Node ${libsql}, node:sqlite on Node ${own}`,
    disasters: () => DISASTERS,
  }
}
