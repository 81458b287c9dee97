// @ts-check
/** @import { Server } from '../../../test/servers/types.js' */
/** @import { StorePlan } from '../../worker/store.js' */
/** @import { Layout } from './layout.js' */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { fastFolder } from '../../../test/servers/fast-folder.js'
import { pgbouncer } from '../../../test/servers/pgbouncer.js'
import { freePort } from '../../../test/servers/port.js'
import { postgres } from '../../../test/servers/postgres.js'
import { startServer } from '../../../test/servers/start.js'
import { newFolder, removeFolder } from '../../folders.js'
import { repeated } from '../conflicts.js'

/** The test server loses data with the machine, not with the process. This one keeps to what PostgreSQL promises. */
const COMMON = ['-c', 'fsync=on', '-c', 'deadlock_timeout=100ms']

/** Commits are acknowledged before they are on disk: a crash loses those of the latest seconds. */
const FORGETFUL = ['-c', 'synchronous_commit=off', '-c', 'wal_writer_delay=10s']

/** How often to start it after a crash: its children may still be ending. */
const STARTS = 100

/** Serialization failure, deadlock, lock timeout. */
const MAY_FAIL = ['40001', '40P01', '55P03']

/** Whether the server ended a transaction because of another one. @param {{ code?: string }} error */
export const isConflict = ({ code = '' }) => MAY_FAIL.includes(code)

const OTHERS = `FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`

/** A PostgreSQL that we started, which may be stopped, killed, and restarted with its data. */
export class PostgresServer {
  /** @type {Server | undefined} */
  #pooler
  #copies = 0
  #its
  #folder
  #args
  /** @type {Server} */
  #server

  /** @param {Layout} layout @param {Partial<StorePlan>} its @param {string} folder @param {string[]} args @param {Server} server */
  constructor(layout, its, folder, args, server) {
    this.layout = layout
    this.pause = layout.pause
    this.#its = its
    this.#folder = folder
    this.#args = args
    this.#server = server
  }

  /**
   * @param {Layout} layout @param {Partial<StorePlan>} its how processes use it, besides URL and client
   * @param {{ durable: boolean, pooler: boolean }} options
   */
  static async start(layout, its, { durable, pooler }) {
    // A server that the environment points at must not be killed.
    delete process.env.POSTGRES_URL
    const folder = await newFolder(fastFolder())
    const args = [...COMMON, ...(durable ? [] : FORGETFUL)]
    const server = await startServer(postgres, { folder, args })
    if (server.source !== 'binary') throw new Error('The torture test kills its server: it needs the program postgres.')
    const started = new PostgresServer(layout, its, folder, args, server)
    if (pooler) await started.#startPooler()
    return started
  }

  get port() {
    return /** @type {number} */ (this.#server.port)
  }

  get ports() {
    return [this.port]
  }

  /** Clients of the pooler reach the server through it. @param {string} client */
  portsOf(client) {
    return this.#pooler && client.endsWith('PgBouncer') ? [/** @type {number} */ (this.#pooler.port)] : this.ports
  }

  /** @param {string} client @param {readonly number[]} [ports] of its proxy @returns {StorePlan} */
  plan(client, [port] = this.ports) {
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    return /** @type {StorePlan} */ ({ ...this.#its, url, client })
  }

  /** Stops the server with all its processes, and continues it. @param {number} ms */
  async stopFor(ms) {
    const rows = await this.run('SELECT pid FROM pg_stat_activity')
    const pids = [this.#server.pid, ...rows.map(({ pid }) => pid)]
    for (const pid of pids) signal(pid, 'SIGSTOP')
    await pause(ms)
    for (const pid of pids) signal(pid, 'SIGCONT')
  }

  /** Kills it (SIGKILL), and its children notice. */
  async kill() {
    signal(this.#server.pid, 'SIGKILL')
    await this.#server.stop()
  }

  /** Ends it without waiting for its clients (SIGINT). */
  async stop() {
    await this.#server.stop()
  }

  /** Restarts it on its port with its data. */
  async restart() {
    const options = { folder: this.#folder, port: this.port, args: this.#args }
    for (let start = 1; ; start += 1) {
      try {
        this.#server = await startServer(postgres, options)
        return
      } catch (error) {
        if (start === STARTS) throw error
        await pause(50)
      }
    }
  }

  async remove() {
    await this.#pooler?.stop()
    await this.kill()
    await removeFolder(this.#folder)
  }

  /** Runs a statement. @param {string} sql @returns {Promise<any[]>} */
  run(sql) {
    return this.connected(async client => (await client.query(sql)).rows)
  }

  /** Runs statements in a transaction. @template V @param {string} begin @param {(client: pg.Client) => Promise<V>} work */
  transact(begin, work) {
    return this.connected(async client => {
      await client.query(begin)
      const result = await work(client)
      await client.query('COMMIT')
      return result
    })
  }

  /** The dictionary's stored entries, and the number of its version. */
  state() {
    return this.transact('BEGIN ISOLATION LEVEL REPEATABLE READ', client => this.#read(client))
  }

  /** What holds the policy is restored with the data. */
  async keepHistory() {}

  /** Copies all tables as they are. Resolves with the copy's name, and its state. */
  async copy() {
    this.#copies += 1
    const copy = `copy_${this.#copies}`
    const left = await this.transact('BEGIN ISOLATION LEVEL REPEATABLE READ', async client => {
      await client.query(`CREATE SCHEMA ${copy}`)
      for (const table of this.layout.tables)
        await client.query(`CREATE TABLE ${copy}.${table} AS TABLE public.${table}`)
      return this.#read(client)
    })
    return { copy, left }
  }

  /** Puts the rows of a copy, or none, in place of all present ones, without triggers. @param {string} [copy] */
  async restore(copy) {
    const replace = (/** @type {pg.Client} */ client) => this.#replace(client, copy)
    await repeated(() => this.transact('BEGIN; SET LOCAL session_replication_role = replica', replace), isConflict)
  }

  /** @param {pg.Client} client @param {string} [copy] */
  async #replace(client, copy) {
    const { tables, begin } = this.layout
    await client.query(`LOCK TABLE ${tables.join(', ')} IN EXCLUSIVE MODE`)
    for (const table of tables) {
      // TRUNCATE would show an empty table to transactions that have begun.
      await client.query(`DELETE FROM ${table}`)
      if (copy) await client.query(`INSERT INTO ${table} SELECT * FROM ${copy}.${table}`)
    }
    if (!copy && begin) await client.query(begin)
  }

  /** Ends all other connections; resolves when they are gone, so that no request is in transit. */
  async untilAlone() {
    await this.connected(async client => {
      for (let attempt = 0; attempt < 1_000; attempt += 1) {
        const { rows } = await client.query(`SELECT pg_terminate_backend(pid) ${OTHERS}`)
        if (rows.length === 0) return
        await pause(5)
      }
      throw new Error('Connections to the server did not end.')
    })
  }

  /** Ends some connections of others. @param {string} which a condition @param {number} most */
  async terminate(which, most) {
    await this.run(
      `SELECT pg_terminate_backend(pid) FROM (SELECT pid ${OTHERS} AND ${which} ORDER BY random() LIMIT ${most}) chosen`,
    )
  }

  /** @template V @param {(client: pg.Client) => Promise<V>} work */
  async connected(work) {
    const client = new pg.Client({ connectionString: this.#server.url })
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  /** @param {pg.Client} client @returns {Promise<{ entries: Record<string, string>, number: number }>} */
  async #read(client) {
    const { entries, json, heads } = this.layout
    const { rows } = await client.query(`SELECT key, ${json} AS json FROM ${entries}`)
    const head = await client.query(`SELECT number FROM ${heads}`)
    return {
      entries: Object.fromEntries(rows.map(row => [row.key, JSON.parse(row.json)])),
      number: Number(head.rows[0]?.number ?? 0),
    }
  }

  /** In transaction mode, which passes no notifications. */
  async #startPooler() {
    const port = await freePort()
    const folder = await newFolder()
    const ini = [
      '[databases]',
      `postgres = user=postgres dbname=postgres host=127.0.0.1 port=${this.port}`,
      '[pgbouncer]',
      ...[
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'auth_type = any',
        'unix_socket_dir =',
        'pool_mode = transaction',
      ],
      ...['default_pool_size = 3', 'server_login_retry = 0', 'ignore_startup_parameters = extra_float_digits', ''],
    ]
    await writeFile(join(folder, 'pgbouncer.ini'), ini.join('\n'))
    await chmod(folder, 0o755)
    this.#pooler = await startServer(pgbouncer, { port, folder })
  }
}

/** @param {number | undefined} pid @param {NodeJS.Signals} name */
function signal(pid, name) {
  try {
    process.kill(/** @type {number} */ (pid), name)
  } catch {
    // It is gone already.
  }
}
