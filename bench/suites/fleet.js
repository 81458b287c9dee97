// @ts-check
import { idleStores } from '../benches/fleet/idle.js'
import { redisFleet } from '../benches/fleet/redis.js'
import { describeServer } from '../benches/redis/server.js'

/** Many idle processes on one server: what docs/scale.md calculates with. @type {import('../types.js').Suite} */
export const suite = {
  name: 'fleet',
  engine: describeServer,
  makePlace: () => Promise.reject(new Error('Its benches make their own.')),
  findPlace: () => Promise.reject(new Error('Its benches make their own.')),
  benches: { redisFleet, idleStores },
}
