// @ts-check
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'libsql'
import { modernNode } from '../../../scripts/modern-node.js'
import { newFolder, removeFolder } from '../../folders.js'
import { NAME } from '../../worker/store.js'

/** @typedef {'libsql' | 'node:sqlite'} Engine */

/** For how long the conductor waits for a lock, in ms: a stopped process may hold it. */
const PATIENCE = 10_000

/** A file that all processes open, and that the conductor locks, cleans up, changes and replaces. */
export class SqliteFile {
  #folder
  #copies = 0

  #nodes

  /** @param {string} folder @param {Readonly<Record<Engine, string>>} nodes */
  constructor(folder, nodes) {
    this.#folder = folder
    this.#nodes = nodes
  }

  /** @param {Readonly<Record<Engine, number>>} versions of Node that run the engines */
  static async start(versions) {
    const [libsql, own] = await Promise.all([modernNode(versions.libsql), modernNode(versions['node:sqlite'])])
    return new SqliteFile(await newFolder(), { libsql, 'node:sqlite': own })
  }

  /** No network lies between. @type {readonly number[]} */
  ports = []

  get path() {
    return join(this.#folder, 'torture.db')
  }

  /** @returns {import('../../worker/store.js').StorePlan} */
  plan() {
    return { type: 'sqlite', file: this.path }
  }

  /** @param {string} engine */
  nodeFor(engine) {
    return this.#nodes[/** @type {Engine} */ (engine)]
  }

  /** The file keeps the policy of its history. */
  async keepHistory() {}

  /** The stored entries, and the number of the version. */
  async state(path = this.path) {
    return this.#connected(database => {
      /** @type {{ key: string, value: string }[]} */
      const rows = database.prepare('SELECT key, value FROM durabledict_entries WHERE dict = ?').all(NAME)
      const head = database.prepare('SELECT number FROM durabledict_heads WHERE dict = ?').get(NAME)
      const entries = Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value)]))
      return {
        entries: /** @type {Record<string, string>} */ (entries),
        number: /** @type {number} */ (head?.number ?? 0),
      }
    }, path)
  }

  /** @param {string} sql */
  async run(sql) {
    await this.#connected(database => database.exec(sql))
  }

  /** Holds the lock for writers. @param {number} ms */
  async lock(ms) {
    await this.#connected(async database => {
      database.exec('BEGIN IMMEDIATE')
      await pause(ms)
      database.exec('COMMIT')
    })
  }

  /** Removes an entry like another program does. @param {string} key */
  async steal(key) {
    await this.#connected(database =>
      database.prepare('DELETE FROM durabledict_entries WHERE dict = ? AND key = ?').run(NAME, key),
    )
  }

  /** Moves the file away for so many ms: nothing is at its path. @param {number} ms */
  async without(ms) {
    const away = join(this.#folder, 'away.db')
    await rename(this.path, away)
    await pause(ms)
    await rename(away, this.path)
  }

  /** Copies the file as it is now. */
  async copy() {
    this.#copies += 1
    const copy = join(this.#folder, `copy-${this.#copies}.db`)
    await this.run(`VACUUM INTO '${copy}'`)
    return copy
  }

  /** Puts a copy in the place of the file. @param {string} copy */
  async restore(copy) {
    await rename(copy, this.path)
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
