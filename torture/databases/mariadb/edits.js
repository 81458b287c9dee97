// @ts-check
/** @import { Connection } from 'mysql2/promise' */
/** @import { Stage } from '../../conductor/stage.js' */
/** @import { Random } from '../../random.js' */
/** @import { Operation } from '../../types.js' */
/** @import { MariadbServer } from './server.js' */
import { setTimeout as pause } from 'node:timers/promises'
import { keyOf } from '../../worker/load.js'
import { isConflict } from './server.js'
import { ENTRIES, HEADS, UPSERT } from './tables.js'

/** @typedef {readonly Pick<Operation, 'kind' | 'key' | 'value' | 'result'>[]} Effects */

/**
 * What another program does in one transaction. One statement is one change, so each edit has one. @typedef {(connection: Connection, id:
 * string, random: Random) => Promise<Effects>} Edit
 */

/** A connection that edits waits for locks for so long, in seconds. */
const LOCK_TIMEOUT = 3

/** @type {Edit} */
const upsert = async (connection, id, random) => {
  const key = keyOf(random.pick(['register', 'pop', 'default']), random, 2)
  await put(connection, [key], id)
  return [{ kind: 'set', key, value: id }]
}

/** Both halves of a pair, in an order that other transactions do not keep. @type {Edit} */
const pair = async (connection, id, random) => {
  const name = keyOf('pair', random, 2)
  const keys = [`${name}:right`, `${name}:left`]
  await put(connection, keys, id)
  await pause(random.between(0, 60))
  return keys.map(key => ({ kind: 'update', key, value: id }))
}

/** @type {Edit} */
const remove = async (connection, _id, random) => {
  const key = keyOf(random.pick(['register', 'pop', 'default']), random, 2)
  const [{ affectedRows }] = /** @type {[{ affectedRows: number }, unknown]} */ (
    /** @type {unknown} */ (await connection.query(`DELETE FROM ${ENTRIES} WHERE \`key\` = ?`, [key]))
  )
  return [{ kind: 'delete', key, result: affectedRows === 1 }]
}

/** @type {Edit} */
const undone = async (connection, id, random) => {
  await upsert(connection, id, random)
  await connection.query('ROLLBACK; BEGIN')
  return []
}

/** It locks rows before the head, and others after it, which is not the order of the library. @type {Edit} */
const crossing = async (connection, id, random) => {
  const keys = [keyOf('register', random, 3), keyOf('pop', random, 2)]
  const [first, second] = random.pick([
    [`SELECT * FROM ${HEADS} FOR UPDATE`, `SELECT * FROM ${ENTRIES} WHERE \`key\` IN (?) FOR UPDATE`],
    [`SELECT * FROM ${ENTRIES} WHERE \`key\` IN (?) FOR UPDATE`, `SELECT * FROM ${HEADS} FOR UPDATE`],
  ])
  await connection.query(/** @type {string} */ (first), [keys])
  await pause(random.between(5, 40))
  await connection.query(/** @type {string} */ (second), [keys])
  return upsert(connection, id, random)
}

/** @type {readonly (readonly [weight: number, thing: readonly [begin: string, edit: Edit]])[]} */
const EDITS = [
  [4, ['BEGIN', upsert]],
  [4, ['BEGIN', pair]],
  [3, ['BEGIN', remove]],
  [1, ['BEGIN', undone]],
  [4, ['BEGIN', crossing]],
  [3, ['SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN', pair]],
]

/**
 * Transactions of other programs, which meet the library's and each other. The triggers make each a change of the dictionary.
 * @param {Stage<MariadbServer>} stage @param {Random} random
 */
export async function editAtOnce(stage, random) {
  const several = Array.from({ length: random.between(1, 4) }, () => random.weighted(EDITS))
  await Promise.all(
    several.map(([begin, work]) =>
      stage.edit('sql', id => perform(stage.server, begin, id, connection => work(connection, id, random))),
    ),
  )
}

/** @param {MariadbServer} server @param {string} begin @param {string} id @param {(connection: Connection) => Promise<Effects>} work @returns {Promise<Effects>} */
async function perform(server, begin, id, work) {
  try {
    const settings = `SET @durabledict_by = '${id}', SESSION innodb_lock_wait_timeout = ${LOCK_TIMEOUT}`
    return await server.transact(`${settings}; ${begin}`, work)
  } catch (error) {
    if (isConflict(/** @type {{ errno?: number }} */ (error))) return []
    throw error
  }
}

/** @param {Connection} connection @param {readonly string[]} keys @param {string} value */
const put = (connection, keys, value) => connection.query(UPSERT, [keys.map(key => [key, JSON.stringify(value)])])
