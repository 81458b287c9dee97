// @ts-check
/** @import { Disaster, Disasters } from '../../conductor/disasters.js' */
/** @import { PostgresServer } from './server.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { OF_PROCESSES } from '../../conductor/disasters.js'
import { keyOf } from '../../worker/load.js'
import { unlessConflict } from '../conflicts.js'
import { forget, killServer, OF_SERVERS, occupy } from '../disasters.js'
import { editAtOnce } from './edits.js'
import { isConflict } from './server.js'

/** @type {Disaster<PostgresServer>} */
const terminate = ({ server }, random) => server.terminate('true', random.between(1, 8))

/** Those that listen for notifications. @type {Disaster<PostgresServer>} */
const terminateListening = ({ server }, random) => server.terminate(`query ~* '^listen'`, random.between(1, 4))

/** For shorter or longer than the time limit of a call. @type {Disaster<PostgresServer>} */
const lock = ({ server }, random) => {
  const { entries, heads } = server.layout
  const key = keyOf('register', random, 3)
  const statement = random.pick([
    `SELECT FROM ${entries} WHERE key = '${key}' FOR UPDATE`,
    `SELECT FROM ${heads} FOR UPDATE`,
    `LOCK TABLE ${entries} IN ACCESS EXCLUSIVE MODE`,
    // What open() takes to create tables.
    `SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(ARRAY['durabledict_entries', 'durabledict_model_versions']) name`,
  ])
  const locked = server.transact('BEGIN', async client => {
    await client.query(statement)
    await pause(random.between(20, 1_300))
  })
  return unlessConflict(locked, isConflict)
}

/** An older state comes back under load, with everything that belongs to it. @type {Disaster<PostgresServer>} */
const restore = async (stage, random) => {
  const { copy, left } = await stage.server.copy()
  await pause(random.between(50, 800))
  await stage.strike('restore', () => stage.server.restore(copy), left)
}

/** The dictionary is replaced by another one, which is empty. @type {Disaster<PostgresServer>} */
const empty = stage => stage.strike('another dictionary', () => stage.server.restore())

/** Nobody notices until touch() announces it. @type {Disaster<PostgresServer>} */
const editWithoutTriggers = (stage, random) => {
  const key = keyOf('register', random, 3)
  const { server } = stage
  return stage.lose(
    'an edit without triggers',
    () =>
      stage.withDict(async dict => {
        await server.transact('BEGIN; SET LOCAL session_replication_role = replica', client =>
          random.chance(0.5)
            ? client.query(server.layout.upsert, [key, JSON.stringify(`${key} by others`)])
            : client.query(`DELETE FROM ${server.layout.entries} WHERE key = $1`, [key]),
        )
        await dict.touch(key)
      }),
    [key],
  )
}

/** Faults of clients and of any server. @type {Disasters<PostgresServer>} */
const ANYWHERE = [
  ...OF_PROCESSES,
  ...OF_SERVERS,
  [4, 'pg_terminate_backend', terminate],
  [3, 'pg_terminate_backend of LISTEN', terminateListening],
  [4, 'a lock held by others', lock],
  [3, 'a pool without free connections', occupy],
  [2, 'restore of a copy', restore],
  [2, 'an edit without triggers', editWithoutTriggers],
]

/** A server that keeps what it acknowledged. @type {Disasters<PostgresServer>} */
export const DURABLE = [...ANYWHERE, [4, 'SIGKILL of the server', killServer]]

/** A server that loses its latest commits in a crash. @type {Disasters<PostgresServer>} */
export const FORGETFUL = [...ANYWHERE, [4, 'SIGKILL of a server that forgets', forget]]

/** For a table with triggers. @type {Disasters<PostgresServer>} */
export const FOLLOWED = [[6, 'edits by hand', editAtOnce]]

/** Where the layout says how a dictionary begins. @type {Disasters<PostgresServer>} */
export const EMPTIED = [[1, 'another, empty dictionary', empty]]
