// @ts-check
/** @import { StorePlan } from '../../worker/store.js' */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'libsql'
import { newFolder, removeFolder } from '../../folders.js'
import { TABLE } from '../../worker/stores/models/models.js'

/** Creates the model's table. */
export const SETUP = `CREATE TABLE ${TABLE} (key text PRIMARY KEY NOT NULL, value text NOT NULL)`

const HEADS = 'durabledict_model_versions'

/** What belongs together in a backup. Triggers of the first table write to the others. */
const TABLES = [TABLE, HEADS, 'durabledict_model_changes', 'durabledict_model_commits', 'durabledict_model_replicas']

/** For how long the conductor waits for a lock, in ms: a stopped process may hold it. */
const PATIENCE = 10_000

/** A file of an application, which the conductor locks, cleans up, changes and restores. */
export class ApplicationFile {
  #its
  #folder
  #copies = 0

  /** @param {Partial<StorePlan>} its @param {string} folder */
  constructor(its, folder) {
    this.#its = its
    this.#folder = folder
  }

  /** @param {Partial<StorePlan>} its how processes use it, besides its path and their client */
  static async start(its) {
    const file = new ApplicationFile(its, await newFolder())
    await file.run('PRAGMA journal_mode = WAL')
    return file
  }

  /** The writers of a file take turns, and each waits for the others. */
  pause = 300

  /** No network lies between. @type {readonly number[]} */
  ports = []

  get path() {
    return join(this.#folder, 'app.db')
  }

  /** @param {string} client @returns {StorePlan} */
  plan(client) {
    return /** @type {StorePlan} */ ({ ...this.#its, url: this.path, client })
  }

  /** The file keeps the policy of its history. */
  async keepHistory() {}

  /** The stored entries, and the number of the version. */
  state(path = this.path) {
    return this.#connected(database => {
      // One moment.
      database.exec('BEGIN')
      /** @type {{ key: string, value: string }[]} */
      const rows = database.prepare(`SELECT key, value FROM ${TABLE}`).all()
      const head = database.prepare(`SELECT number FROM ${HEADS}`).get()
      database.exec('COMMIT')
      const entries = Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value)]))
      return {
        entries: /** @type {Record<string, string>} */ (entries),
        number: Number(head?.number ?? 0),
      }
    }, path)
  }

  /** @param {string} sql */
  async run(sql) {
    await this.#connected(database => database.exec(sql))
  }

  /** Holds the lock for writers. @param {string} begin @param {number} ms */
  async lock(begin, ms) {
    await this.#connected(async database => {
      database.exec(begin)
      await pause(ms)
      database.exec('COMMIT')
    })
  }

  /** Removes an entry like another program does. @param {string} key */
  async steal(key) {
    await this.#connected(database => database.prepare(`DELETE FROM ${TABLE} WHERE key = ?`).run(key))
  }

  /** Creates an entry in the same way. @param {string} key @param {string} value */
  async plant(key, value) {
    const sql = `INSERT INTO ${TABLE} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
    await this.#connected(database => database.prepare(sql).run(key, JSON.stringify(value)))
  }

  /** Copies the file as it is now. Resolves with the copy's path, and its state. */
  async copy() {
    this.#copies += 1
    const copy = join(this.#folder, `copy-${this.#copies}.db`)
    await this.run(`VACUUM INTO '${copy}'`)
    return { copy, left: await this.state(copy) }
  }

  /** Puts the rows of a copy in place of all present ones. What triggers write meanwhile is replaced after them. @param {string} copy */
  async restore(copy) {
    const replaced = TABLES.map(table => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM old.${table};`)
    await this.run(`ATTACH '${copy}' AS old; BEGIN IMMEDIATE; ${replaced.join(' ')} COMMIT`)
  }

  async remove() {
    await removeFolder(this.#folder)
  }

  /** @template V @param {(database: any) => V | Promise<V>} work @param {string} [path] @returns {Promise<V>} */
  async #connected(work, path = this.path) {
    const database = new Database(path, { timeout: PATIENCE })
    try {
      return await work(database)
    } finally {
      database.close()
    }
  }
}
