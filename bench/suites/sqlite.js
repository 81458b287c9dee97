// @ts-check
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { RichEncoding, SqliteDict } from '../../dist/index.js'
import { catchUp } from '../benches/catch-up.js'
import { checkedReads } from '../benches/checked-reads.js'
import { footprint } from '../benches/footprint.js'
import { liveLatency } from '../benches/live.js'
import { opening } from '../benches/opening.js'
import { history } from '../benches/sqlite/history.js'
import { writes } from '../benches/writes.js'
import { describeEngine, openDatabase } from '../engine.js'
import { makeEntries } from '../samples.js'

/** @typedef {import('../types.js').Dict} Dict */
/** @typedef {import('../types.js').Place} Place */
/** @typedef {import('../types.js').Plain} Plain */

/** How many entries are written at a time. */
const CHUNK = 50_000

/** One file, on the disk of the clone. @type {import('../types.js').Suite} */
export const suite = {
  name: 'sqlite',
  engine: async () => describeEngine(),
  makePlace,
  findPlace: async address => placeIn(/** @type {string} */ (address)),
  benches: { checkedReads, catchUp, opening, footprint, writes, history, liveLatency },
}

/** @param {string} folder @param {number} count */
async function makePlace(folder, count) {
  const place = placeIn(join(folder, randomUUID()))
  const dict = await place.open()
  const plain = await place.openPlain()
  const encoding = new RichEncoding()
  for (let start = 0; start < count; start += CHUNK) {
    const entries = [...makeEntries(Math.min(CHUNK, count - start), start)]
    await dict.update(entries)
    plain.setAll(entries.map(([key, value]) => [key, encoding.encode(value)]))
  }
  await dict.close()
  plain.close()
  return place
}

/** The dictionary in one file, and the same entries in a plain table beside it. @param {string} path @returns {Place} */
function placeIn(path) {
  return {
    address: path,
    open: async options => /** @type {Dict} */ (await SqliteDict.open('bench', `${path}.db`, options)),
    openPlain: async () => openPlain(`${path}-plain.db`),
  }
}

/** @param {string} file @returns {Plain} */
function openPlain(file) {
  const database = openDatabase(file)
  database.exec('CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
  const select = database.prepare('SELECT value FROM entries WHERE key = ?')
  const replace = database.prepare('INSERT OR REPLACE INTO entries (key, value) VALUES (?, ?)')
  return {
    get: key => select.get(key)?.value,
    readAll() {
      const rows = database.prepare('SELECT key, value FROM entries')
      // Rows as arrays, which both engines create faster than objects, and which make a map directly.
      rows.setReturnArrays?.(true)
      rows.raw?.(true)
      return new Map(rows.all())
    },
    set: (key, stored) => replace.run(key, stored),
    setAll(entries) {
      database.exec('BEGIN IMMEDIATE')
      for (const [key, stored] of entries) replace.run(key, stored)
      database.exec('COMMIT')
    },
    close: () => database.close(),
  }
}
