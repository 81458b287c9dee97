// @ts-check
import { opening } from '../benches/opening.js'
import { checkedReads } from '../benches/postgres/checked-reads.js'
import { history } from '../benches/postgres/history.js'
import { push } from '../benches/postgres/push.js'
import { clientOf, describeServer, makeTable, openDict } from '../benches/postgres/server.js'
import { writes } from '../benches/postgres/writes.js'

/** Tables of PostgreSQL without an ORM, against the drivers alone. @type {import('../types.js').Suite} */
export const suite = {
  name: 'postgres',
  engine: describeServer,
  makePlace: async (_folder, count) => placeOf(await makeTable(count)),
  findPlace: async address => placeOf(/** @type {Address} */ (address)),
  benches: { checkedReads, writes, history, opening, push },
}

/** @typedef {{ url: string, name: string }} Address */

/** @param {Address} address @returns {import('../types.js').Place} */
function placeOf(address) {
  const { url, name } = address
  const { client, query } = clientOf('pg', url)
  return {
    address,
    open: options => openDict(client, name, options),
    async openPlain() {
      return {
        get: key => query(`SELECT value FROM ${name} WHERE key = $1`, [key]),
        async readAll() {
          const rows = /** @type {any} */ (await query(`SELECT * FROM ${name}`))
          return new Map(rows.map((/** @type {any} */ row) => [row.key, row.value]))
        },
        set: async () => {},
        setAll: async () => {},
        close: async () => {},
      }
    },
  }
}
