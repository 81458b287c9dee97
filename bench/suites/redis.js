// @ts-check
import { footprint } from '../benches/footprint.js'
import { catchUp } from '../benches/redis/catch-up.js'
import { checkedReads } from '../benches/redis/checked-reads.js'
import { CLIENTS } from '../benches/redis/clients.js'
import { fleet, idleCost } from '../benches/redis/fleet.js'
import { history } from '../benches/redis/history.js'
import { hotReads } from '../benches/redis/hot-reads.js'
import { loading, loadingMillion } from '../benches/redis/loading.js'
import { push } from '../benches/redis/push.js'
import { everywhere } from '../benches/redis/replicas.js'
import { connect, describeServer, makeHash } from '../benches/redis/server.js'
import { serverTime } from '../benches/redis/server-time.js'
import { bytesOnTheWire } from '../benches/redis/wire.js'
import { writes } from '../benches/redis/writes.js'
import { installRivals } from '../redis/rivals.js'

/** A server on this machine, against its clients alone and the alternatives. @type {import('../types.js').Suite} */
export const suite = {
  name: 'redis',
  engine: describeServer,
  async prepare(quick) {
    if (quick)
      return 'A quick run compares with nothing that has to be installed: without keyv, unstorage, cacheable and bentocache.'
    await installRivals()
    return undefined
  },
  makePlace: async (_folder, count) => placeOf(await makeHash(count)),
  findPlace: async address => placeOf(/** @type {Address} */ (address)),
  benches: {
    hotReads,
    checkedReads,
    writes,
    history,
    loading,
    loadingMillion,
    catchUp,
    push,
    bytesOnTheWire,
    serverTime,
    idleCost,
    everywhere,
    fleet,
    footprint,
  },
}

/** @typedef {{ url: string, name: string }} Address */

/** @param {Address} address @returns {import('../types.js').Place} */
function placeOf(address) {
  const { url, name } = address
  return {
    address,
    async open(options) {
      const client = await /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])(url)
      return client.open(name, options)
    },
    async openPlain() {
      const client = await connect(url)
      return {
        get: key => client.hGet(name, key),
        readAll: async () => new Map(Object.entries(await client.hGetAll(name))),
        set: (key, stored) => client.hSet(name, key, stored),
        setAll: entries => client.hSet(name, new Map(entries)),
        close: () => client.destroy(),
      }
    },
  }
}
