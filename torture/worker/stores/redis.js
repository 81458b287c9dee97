// @ts-check
/** @import { Connect } from '../store.js' */
import { NAME } from '../store.js'
import { lossy } from './lossy.js'
import { openClient } from './redis-client.js'

/** @typedef {{ type: 'redis', url: string, client: 'node-redis' | 'node-redis, RESP3' | 'ioredis' }} RedisPlan */

/** @type {Connect<RedisPlan>} */
export async function connect({ url, client: kind }, common, built) {
  /** @type {typeof import('../../../dist/index.js')} */
  const { DurableDict } = await built('index.js')
  /** @type {typeof import('../../../dist/backends/redis/redis-backend.js')} */
  const { RedisBackend } = await built('backends/redis/redis-backend.js')
  /** @type {typeof import('../../../dist/conformance/faulty-backend.js')} */
  const { FaultyBackend } = await built('conformance/faulty-backend.js')
  const client = await openClient(kind, url)
  return {
    open(options, channel) {
      const backend = new RedisBackend(/** @type {any} */ (client), NAME)
      return DurableDict.open(channel ? lossy(new FaultyBackend(backend), channel) : backend, { ...common, ...options })
    },
    disconnect: () => void ('destroy' in client ? client.destroy() : client.disconnect()),
  }
}
