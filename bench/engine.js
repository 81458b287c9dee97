// @ts-check

/**
 * SQLite as the dictionary uses it: `node:sqlite` if this Node has it, and otherwise `libsql`.
 * @typedef {object} Database
 * @property {(sql: string) => unknown} exec
 * @property {(sql: string) => Statement} prepare
 * @property {() => unknown} close
 */

/**
 * @typedef {object} Statement
 * @property {(...values: unknown[]) => any} get
 * @property {(...values: unknown[]) => any[]} all
 * @property {(...values: unknown[]) => unknown} run
 * @property {(on: boolean) => unknown} [setReturnArrays] of node:sqlite
 * @property {(on: boolean) => unknown} [raw] of libsql
 */

/** Not a literal in the import: the types of one of the two are missing. @param {string} name */
const load = name => import(name)

const { name, open } = await load('node:sqlite').then(
  ({ DatabaseSync }) => ({ name: 'node:sqlite', open: (/** @type {string} */ file) => new DatabaseSync(file) }),
  async () => {
    const { default: Libsql } = await load('libsql')
    return { name: 'libsql', open: (/** @type {string} */ file) => new Libsql(file) }
  },
)

/** Opens a file, with the dictionary's settings: write-ahead log, and an fsync at every commit. @param {string} file @returns {Database} */
export function openDatabase(file) {
  const database = open(file)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  return database
}

/** The engine's name and the version of SQLite inside. */
export function describeEngine() {
  const database = open(':memory:')
  const { version } = database.prepare('SELECT sqlite_version() AS version').get()
  database.close()
  return `${name}, SQLite ${version}`
}
