// @ts-check
/** @import { Connection } from 'mysql2/promise' */
/** @import { Server } from '../../../test/servers/types.js' */
/** @import { StorePlan } from '../../worker/store.js' */
import { setTimeout as pause } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { fastFolder } from '../../../test/servers/fast-folder.js'
import { mariadb } from '../../../test/servers/mariadb.js'
import { startServer } from '../../../test/servers/start.js'
import { newFolder, removeFolder } from '../../folders.js'
import { repeated } from '../conflicts.js'
import { ENTRIES, HEADS, TABLES } from './tables.js'

/** The log is written once in ten seconds: a crash loses the latest commits. */
const FORGETFUL = ['--innodb-flush-log-at-trx-commit=0', '--innodb-flush-log-at-timeout=10']

/** How often to start it after a crash. */
const STARTS = 100

/** Deadlock, lock wait timeout, and a record that others have changed. */
const MAY_FAIL = [1213, 1205, 1020]

/** Whether the server ended a transaction because of another one. @param {{ errno?: number }} error */
export const isConflict = ({ errno = 0 }) => MAY_FAIL.includes(errno)

const OTHERS = `SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'root'`

/** The rows of all tables at one moment. @typedef {readonly (readonly unknown[][])[]} Copy */

/** A MariaDB that we started, which may be stopped, killed, and restarted with its data. */
export class MariadbServer {
  /** A write is a transaction of several round trips under a lock. */
  pause = 300
  #its
  #folder
  #args
  /** @type {Server} */
  #server

  /** @param {Partial<StorePlan>} its @param {string} folder @param {string[]} args @param {Server} server */
  constructor(its, folder, args, server) {
    this.#its = its
    this.#folder = folder
    this.#args = args
    this.#server = server
  }

  /** @param {Partial<StorePlan>} its how processes use it, besides URL and client @param {{ durable: boolean }} options */
  static async start(its, { durable }) {
    // A server that the environment points at must not be killed.
    delete process.env.MARIADB_URL
    const folder = await newFolder(fastFolder())
    const args = durable ? [] : FORGETFUL
    const server = await startServer(mariadb, { folder, args })
    if (server.source !== 'binary') throw new Error('The torture test kills its server: it needs the program mariadbd.')
    return new MariadbServer(its, folder, args, server)
  }

  get port() {
    return /** @type {number} */ (this.#server.port)
  }

  get ports() {
    return [this.port]
  }

  /** @param {string} client @param {readonly number[]} [ports] of its proxy @returns {StorePlan} */
  plan(client, [port] = this.ports) {
    return /** @type {StorePlan} */ ({ ...this.#its, url: `mysql://root@127.0.0.1:${port}/test`, client })
  }

  /** Stops the server, and continues it. @param {number} ms */
  async stopFor(ms) {
    this.#signal('SIGSTOP')
    await pause(ms)
    this.#signal('SIGCONT')
  }

  /** Kills it (SIGKILL). */
  async kill() {
    this.#signal('SIGKILL')
    await this.#server.stop()
  }

  /** Ends it, which ends its connections. */
  async stop() {
    await this.#server.stop()
  }

  /** Restarts it on its port with its data. */
  async restart() {
    const options = { folder: this.#folder, port: this.port, args: this.#args }
    for (let start = 1; ; start += 1) {
      try {
        this.#server = await startServer(mariadb, options)
        return
      } catch (error) {
        if (start === STARTS) throw error
        await pause(50)
      }
    }
  }

  async remove() {
    await this.kill()
    await removeFolder(this.#folder)
  }

  /** Runs a statement. @param {string} sql @param {readonly unknown[]} [values] @returns {Promise<any>} */
  run(sql, values = []) {
    return this.connected(async connection => (await connection.query(sql, /** @type {any} */ (values)))[0])
  }

  /** Runs statements in a transaction. @template V @param {string} begin @param {(connection: Connection) => Promise<V>} work */
  transact(begin, work) {
    return this.connected(async connection => {
      await connection.query(begin)
      const result = await work(connection)
      await connection.query('COMMIT')
      return result
    })
  }

  /** The dictionary's stored entries, and the number of its version. */
  state() {
    return this.transact('START TRANSACTION WITH CONSISTENT SNAPSHOT', connection => read(connection))
  }

  /** What holds the policy is restored with the data. */
  async keepHistory() {}

  /** Copies all tables as they are, with the state. */
  copy() {
    return this.transact('START TRANSACTION WITH CONSISTENT SNAPSHOT', async connection => {
      /** @type {unknown[][][]} */
      const copy = []
      for (const table of TABLES) {
        const [rows] = await connection.query(/** @type {any} */ ({ sql: `SELECT * FROM ${table}`, rowsAsArray: true }))
        copy.push(/** @type {any} */ (rows))
      }
      return { copy, left: await read(connection) }
    })
  }

  /** Puts the rows of a copy in place of all present ones. What triggers write meanwhile is replaced after them. @param {Copy} copy */
  async restore(copy) {
    await repeated(
      () =>
        this.transact('BEGIN', async connection => {
          await connection.query(`SELECT * FROM ${HEADS} FOR UPDATE`)
          for (const [index, table] of TABLES.entries()) {
            await connection.query(`DELETE FROM ${table}`)
            const rows = /** @type {readonly unknown[][]} */ (copy[index])
            if (rows.length > 0) await connection.query(`INSERT INTO ${table} VALUES ?`, [rows])
          }
        }),
      isConflict,
    )
  }

  /** Ends all other connections; resolves when they are gone, so that no request is in transit. */
  async untilAlone() {
    for (let attempt = 0; attempt < 1_000; attempt += 1) {
      if ((await this.terminate(1_000)) === 0) return
      await pause(5)
    }
    throw new Error('Connections to the server did not end.')
  }

  /** Ends some connections of others. Resolves with how many there were. @param {number} most */
  terminate(most) {
    return this.connected(async connection => {
      const [rows] = await connection.query(`${OTHERS} ORDER BY rand() LIMIT ${most}`)
      const ids = /** @type {{ id: number }[]} */ (rows)
      // One that has ended in the meantime is unknown.
      for (const { id } of ids) await connection.query(`KILL CONNECTION ${id}`).catch(() => {})
      return ids.length
    })
  }

  /** @template V @param {(connection: Connection) => Promise<V>} work */
  async connected(work) {
    const connection = await mysql.createConnection({ uri: this.#server.url, multipleStatements: true })
    connection.on('error', () => {})
    try {
      return await work(connection)
    } finally {
      await connection.end().catch(() => {})
    }
  }

  /** @param {NodeJS.Signals} name */
  #signal(name) {
    try {
      process.kill(/** @type {number} */ (this.#server.pid), name)
    } catch {
      // It is gone already.
    }
  }
}

/** @param {Connection} connection @returns {Promise<{ entries: Record<string, string>, number: number }>} */
async function read(connection) {
  const [rows] = await connection.query(`SELECT \`key\`, value FROM ${ENTRIES}`)
  const [heads] = await connection.query(`SELECT number FROM ${HEADS}`)
  const [head] = /** @type {{ number: number }[]} */ (heads)
  const entries = /** @type {{ key: string, value: string }[]} */ (rows)
  return {
    entries: Object.fromEntries(entries.map(({ key, value }) => [key, JSON.parse(value)])),
    number: Number(head?.number ?? 0),
  }
}
