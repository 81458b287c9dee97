// @ts-check
/** @import { Connect } from '../store.js' */
/** @import { ClientKind } from './redis-client.js' */
import { IOREDIS, NODE_REDIS, respOf, tenacious } from './redis-client.js'
import { dictionariesOn } from './redis-dict.js'

/**
 * @typedef {object} SentinelPlan
 * @property {'sentinel'} type
 * @property {string} name of the primary
 * @property {readonly number[]} sentinels their ports on 127.0.0.1. They name ports that the process can reach.
 * @property {ClientKind} client
 */

/** How often node-redis looks for another primary, in ms: docs/redis.md recommends this. */
const SCAN_EVERY = 500

/** @type {Connect<SentinelPlan>} */
export async function connect(plan, common, built) {
  const { client, leave } = await (plan.client === 'ioredis' ? openIoredis(plan) : openNodeRedis(plan))
  const { open, disconnect } = await dictionariesOn(client, common, built)
  return {
    open,
    disconnect: () => {
      leave()
      disconnect()
    },
  }
}

/** @param {SentinelPlan} plan */
async function openIoredis({ name, sentinels }) {
  const { Redis } = await import('ioredis')
  const roots = rootsOf(sentinels)
  const client = new Redis({ name, sentinels: roots, lazyConnect: true, failoverDetector: true, ...IOREDIS })
  // As docs/redis.md advises: it gives up for good if its failover detector ends a connection that is being opened.
  const again = () => void client.connect().catch(() => {})
  client.on('end', again)
  return { client: await tenacious(client), leave: () => void client.off('end', again) }
}

/** @param {SentinelPlan} plan */
async function openNodeRedis({ name, sentinels, client: kind }) {
  const { createSentinel } = await import('redis')
  const client = createSentinel({
    name,
    sentinelRootNodes: rootsOf(sentinels),
    RESP: respOf(kind),
    scanInterval: SCAN_EVERY,
    nodeClientOptions: NODE_REDIS,
  })
  client.on('error', () => {})
  await client.connect()
  return { client, leave: () => {} }
}

/** @param {readonly number[]} ports */
const rootsOf = ports => ports.map(port => ({ host: '127.0.0.1', port }))
