// @ts-check
/** @import { Disaster, Disasters } from '../conductor/disasters.js' */
/** @import { Cast } from '../conductor/stage.js' */
import { killWorker, stopWorker } from '../conductor/disasters.js'
import { SqliteFile } from '../conductor/sqlite-file.js'

/** Every mode, by both engines. @type {readonly Cast[]} */
export const CAST = [
  { client: 'libsql', sessions: [{ options: {} }, { options: { live: true, maxStaleness: 300 } }] },
  { client: 'node:sqlite', sessions: [{ options: { maxStaleness: 200 } }, { options: { autosync: false } }] },
  { client: 'node:sqlite', sessions: [{ options: { live: true, maxStaleness: 4_000 } }, { options: { live: true } }] },
  { client: 'libsql', sessions: [{ options: { maxStaleness: 3_000 } }, { options: { live: true, autosync: false } }] },
]

/** For shorter or longer than the time limit of a call. @type {Disaster<SqliteFile>} */
const lock = ({ server }, random) => server.lock(random.between(20, 1_300))

/** @type {Disaster<SqliteFile>} */
const restore = async stage => {
  const copy = await stage.server.copy()
  const left = await stage.server.state(copy)
  await stage.strike('restore', () => stage.server.restore(copy), left)
}

/** @type {Disasters<SqliteFile>} */
export const DISASTERS = [
  [4, 'SIGKILL of a client', killWorker],
  [6, 'SIGSTOP of a client', stopWorker],
  [4, 'a lock held by others', lock],
  [2, 'checkpoint', ({ server }) => server.run('PRAGMA wal_checkpoint(TRUNCATE)')],
  [2, 'VACUUM', ({ server }) => server.run('VACUUM')],
  [9, 'restore of a copy', restore],
]

export const start = () => SqliteFile.start()
