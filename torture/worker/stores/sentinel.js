// @ts-check
/** @import { Connect } from '../store.js' */
/** @import { Place } from './redis-client.js' */
import { addressMap, IOREDIS, tenacious } from './redis-client.js'
import { dictionariesOn } from './redis-dict.js'

/**
 * @typedef {object} SentinelPlan
 * @property {'sentinel'} type
 * @property {string} name of the primary
 * @property {readonly Place[]} sentinels
 * @property {readonly Place[]} servers
 */

/** @type {Connect<SentinelPlan>} */
export async function connect({ name, sentinels, servers }, common, built) {
  const { Redis } = await import('ioredis')
  const roots = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
  const natMap = addressMap([...sentinels, ...servers])
  const client = new Redis({
    name,
    sentinels: roots,
    natMap,
    lazyConnect: true,
    failoverDetector: true,
    ...IOREDIS,
  })
  // As docs/redis.md advises: it gives up for good if its failover detector ends a connection that is being opened.
  const again = () => void client.connect().catch(() => {})
  client.on('end', again)
  await tenacious(client)
  const { open, disconnect } = await dictionariesOn(client, common, built)
  const leave = () => {
    client.off('end', again)
    return disconnect()
  }
  return { open, disconnect: leave }
}
