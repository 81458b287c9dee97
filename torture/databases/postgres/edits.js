// @ts-check
/** @import pg from 'pg' */
/** @import { Stage } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
/** @import { Operation } from '../../types.js' */
/** @import { PostgresServer } from './server.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { keyOf } from '../../worker/load.js'
import { isConflict } from './server.js'

/** @typedef {readonly Pick<Operation, 'kind' | 'key' | 'value' | 'result'>[]} Effects */

/**
 * What another program does in one transaction. @typedef {(client: pg.Client, its: { server: PostgresServer, id: string, random:
 * Random }) => Promise<Effects>} Edit
 */

/** A connection that edits waits for locks for so long. */
const LOCK_TIMEOUT = '3s'

/** @type {Edit} */
const upsert = async (client, { server, id, random }) => {
  const key = keyOf(random.pick(['register', 'pop', 'default']), random, 2)
  await put(client, server, key, id)
  return [{ kind: 'set', key, value: id }]
}

/** Both halves of a pair, in an order that other transactions do not keep. @type {Edit} */
const pair = async (client, { server, id, random }) => {
  const name = keyOf('pair', random, 2)
  const keys = [`${name}:right`, `${name}:left`]
  for (const key of keys) {
    await put(client, server, key, id)
    await pause(random.between(0, 60))
  }
  return keys.map(key => ({ kind: 'update', key, value: id }))
}

/** @type {Edit} */
const remove = async (client, { server, random }) => {
  const key = keyOf(random.pick(['register', 'pop', 'default']), random, 2)
  const { rowCount } = await client.query(`DELETE FROM ${server.layout.entries} WHERE key = $1`, [key])
  return [{ kind: 'delete', key, result: rowCount === 1 }]
}

/** The contents are replaced, as by a script that loads a file: a few entries are missing afterwards. @type {Edit} */
const reload = async (client, { server, random }) => {
  const { entries } = server.layout
  await client.query(`CREATE TEMPORARY TABLE kept ON COMMIT DROP AS TABLE ${entries} WITH NO DATA`)
  await client.query(`LOCK TABLE ${entries} IN ACCESS EXCLUSIVE MODE`)
  await client.query(`INSERT INTO kept SELECT * FROM ${entries}`)
  await client.query(`TRUNCATE ${entries}`)
  const keys = Array.from({ length: 3 }, () => keyOf(random.pick(['register', 'pop', 'default']), random, 2))
  const { rows } = await client.query('DELETE FROM kept WHERE key = ANY($1) RETURNING key', [keys])
  await client.query(`INSERT INTO ${entries} SELECT * FROM kept`)
  return rows.map(({ key }) => ({ kind: 'delete', key, result: true }))
}

/** @type {Edit} */
const undone = async (client, its) => {
  await upsert(client, its)
  await client.query('ROLLBACK; BEGIN')
  return []
}

/** It locks the head before the rows, which is not the order of the library. @type {Edit} */
const crossing = async (client, its) => {
  const { server, random } = its
  const keys = [keyOf('register', random, 3), keyOf('pop', random, 2)]
  await client.query(`SELECT FROM ${server.layout.heads} FOR UPDATE`)
  await pause(random.between(5, 40))
  await client.query(`SELECT FROM ${server.layout.entries} WHERE key = ANY($1) FOR UPDATE`, [keys])
  return upsert(client, its)
}

/** @type {readonly (readonly [weight: number, thing: readonly [begin: string, edit: Edit]])[]} */
const EDITS = [
  [4, ['BEGIN', upsert]],
  [4, ['BEGIN', pair]],
  [3, ['BEGIN', remove]],
  [2, ['BEGIN', reload]],
  [1, ['BEGIN', undone]],
  [3, ['BEGIN', crossing]],
  [3, ['BEGIN ISOLATION LEVEL SERIALIZABLE', pair]],
]

/**
 * Transactions of other programs, which meet the library's and each other. The triggers make each a change of the dictionary.
 * @param {Stage<PostgresServer>} stage @param {Random} random
 */
export async function editAtOnce(stage, random) {
  const several = Array.from({ length: random.between(1, 4) }, () => random.weighted(EDITS))
  await Promise.all(
    several.map(([begin, work]) =>
      stage.edit('sql', id =>
        perform(stage.server, begin, id, client => work(client, { server: stage.server, id, random })),
      ),
    ),
  )
}

/** Stores a value. @param {PostgresServer} server @param {string} id @param {string} key */
export const putByHand = (server, id, key) =>
  perform(server, 'BEGIN', id, async client => {
    await put(client, server, key, id)
    return [{ kind: 'set', key, value: id }]
  })

/** @param {PostgresServer} server @param {string} begin @param {string} id @param {(client: pg.Client) => Promise<Effects>} work @returns {Promise<Effects>} */
async function perform(server, begin, id, work) {
  try {
    return await server.transact(begin, async client => {
      await client.query(`SET LOCAL durabledict.by = '${id}'; SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`)
      return work(client)
    })
  } catch (error) {
    if (isConflict(/** @type {{ code?: string }} */ (error))) return []
    throw error
  }
}

/** @param {pg.Client} client @param {PostgresServer} server @param {string} key @param {string} value */
const put = (client, server, key, value) => client.query(server.layout.upsert, [key, JSON.stringify(value)])
