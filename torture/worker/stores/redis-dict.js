// @ts-check
/** @import { Connection } from '../store.js' */
import { NAME } from '../store.js'
import { lossy } from './lossy.js'

/** How to open dictionaries on a connected client. @param {any} client @param {object} common @param {(file: string) => Promise<any>} built @returns {Promise<Connection>} */
export async function dictionariesOn(client, common, built) {
  /** @type {typeof import('../../../dist/index.js')} */
  const { DurableDict } = await built('index.js')
  /** @type {typeof import('../../../dist/backends/redis/redis-backend.js')} */
  const { RedisBackend } = await built('backends/redis/redis-backend.js')
  /** @type {typeof import('../../../dist/conformance/faulty-backend.js')} */
  const { FaultyBackend } = await built('conformance/faulty-backend.js')
  return {
    open(options, channel) {
      const backend = new RedisBackend(client, NAME)
      return DurableDict.open(channel ? lossy(new FaultyBackend(backend), channel) : backend, { ...common, ...options })
    },
    disconnect: () => void ('destroy' in client ? client.destroy() : client.disconnect()),
  }
}
