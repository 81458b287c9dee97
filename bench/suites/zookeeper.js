// @ts-check
import { catchUp } from '../benches/zookeeper/catch-up.js'
import { checkedReads } from '../benches/zookeeper/checked-reads.js'
import { CLIENTS } from '../benches/zookeeper/clients.js'
import { history } from '../benches/zookeeper/history.js'
import { idleCost } from '../benches/zookeeper/idle.js'
import { opening } from '../benches/zookeeper/opening.js'
import { push } from '../benches/zookeeper/push.js'
import { describeServer, makeDict } from '../benches/zookeeper/server.js'
import { writes } from '../benches/zookeeper/writes.js'

/** A server on this machine, against bare calls of the same client. @type {import('../types.js').Suite} */
export const suite = {
  name: 'zookeeper',
  engine: describeServer,
  makePlace: async (_folder, count) => placeOf(await makeDict(count)),
  findPlace: async address => placeOf(/** @type {Address} */ (address)),
  benches: {
    checkedReads,
    writes: async context => [...(await writes(context)), ...(await history(context))],
    push,
    idleCost,
    // In one process: the server takes the time.
    loading: async context => [...(await catchUp(context)), ...(await opening(context))],
  },
}

/** @typedef {{ address: string, path: string }} Address */

/** @param {Address} where @returns {import('../types.js').Place} */
function placeOf(where) {
  const { address, path } = where
  const connect = () => /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['connection string'])(address)
  return {
    address: where,
    open: async options => (await connect()).open(path, options),
    async openPlain() {
      const client = await connect()
      return {
        get: async key => `${await client.getData(`${path}/${key}`, false)}`,
        readAll: async () => new Map(),
        set: (key, stored) => client.setData(`${path}/${key}`, Buffer.from(stored)),
        setAll: async () => {},
        close: client.close,
      }
    },
  }
}
