// @ts-check
/** @import { StoredRecord } from './stores.js' */

/** Every cell of every table in a file. @param {string} file @returns {Promise<StoredRecord[]>} */
export async function sqliteRecords(file) {
  const { default: Database } = await import('libsql')
  /** @template V @param {(database: any) => V} work */
  const using = work => {
    const database = new Database(file)
    try {
      database.exec('PRAGMA busy_timeout = 5000')
      return work(database)
    } finally {
      database.close()
    }
  }
  return using(database =>
    database
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
      .all()
      .flatMap((/** @type {any} */ { name }) => recordsOf(database, name, using)),
  )
}

/** @param {any} database @param {string} table @param {(work: (database: any) => unknown) => unknown} using @returns {StoredRecord[]} */
function recordsOf(database, table, using) {
  const columns = database.prepare(`PRAGMA table_info("${table}")`).all()
  const keys = columns.filter((/** @type {any} */ { pk }) => pk > 0).map((/** @type {any} */ { name }) => `"${name}"`)
  const names = columns.map((/** @type {any} */ { name }) => name)
  const where = keys.map((/** @type {string} */ key) => `${key} IS ?`).join(' AND ') || '1'
  return database
    .prepare(`SELECT ${[...names.map((/** @type {string} */ one) => `"${one}"`), ...keys].join(', ')} FROM "${table}"`)
    .raw()
    .all()
    .flatMap((/** @type {unknown[]} */ row) =>
      names.map((/** @type {string} */ name, /** @type {number} */ index) => {
        const old = row[index]
        const key = row.slice(names.length)
        const run = (/** @type {string} */ sql, /** @type {unknown[]} */ ...values) =>
          using(database => database.prepare(sql).run(...values, ...key))
        return {
          name: `${table}.${name} of row ${JSON.stringify(key)}`,
          bytes: Buffer.isBuffer(old) ? old : Buffer.from(String(old ?? '')),
          put: async (/** @type {Buffer} */ bytes, /** @type {boolean} */ isText) =>
            run(`UPDATE "${table}" SET "${name}" = ? WHERE ${where}`, isText ? textOrNumber(bytes, old) : bytes),
          remove: async () =>
            old === null
              ? run(`DELETE FROM "${table}" WHERE ${where}`)
              : run(`UPDATE "${table}" SET "${name}" = ? WHERE ${where}`, null),
        }
      }),
    )
}

/** @param {Buffer} bytes @param {unknown} old */
function textOrNumber(bytes, old) {
  const text = bytes.toString('utf8')
  if (typeof old !== 'number' && typeof old !== 'bigint') return text
  const number = Number(text)
  return Number.isNaN(number) || text === '' ? text : number
}
