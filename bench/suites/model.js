// @ts-check
import { RichEncoding } from '../../dist/index.js'
import { footprint } from '../benches/footprint.js'
import { catchUp } from '../benches/model/catch-up.js'
import { checkedReads } from '../benches/model/checked-reads.js'
import { edits } from '../benches/model/edits.js'
import { history } from '../benches/model/history.js'
import { idleCost } from '../benches/model/idle.js'
import { describeServer, makeTable, openTable } from '../benches/model/server.js'
import { writes } from '../benches/model/writes.js'

/** A table of PostgreSQL through Kysely, with versions in the database, against the driver alone. @type {import('../types.js').Suite} */
export const suite = {
  name: 'model',
  engine: describeServer,
  makePlace: async (_folder, count) => placeOf(await makeTable(count)),
  findPlace: async address => placeOf(/** @type {Address} */ (address)),
  benches: { checkedReads, catchUp, writes, history, edits, idleCost, footprint },
}

/** @typedef {{ url: string, name: string }} Address */

/** @param {Address} address @returns {import('../types.js').Place} */
function placeOf(address) {
  const { url, name } = address
  const encoding = new RichEncoding()
  return {
    address,
    async open(options) {
      const table = await openTable(url, name)
      return table.open(options)
    },
    async openPlain() {
      const { pool, select, close } = await openTable(url, name)
      return {
        get: select,
        readAll: async () => {
          const { rows } = await pool.query(`SELECT key, value FROM ${name}`)
          return new Map(rows.map(row => [row.key, row.value]))
        },
        set: (key, stored) =>
          pool.query(`UPDATE ${name} SET value = $2 WHERE key = $1`, [key, encoding.encode(stored)]),
        setAll: async () => {},
        close,
      }
    },
  }
}
