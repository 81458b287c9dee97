// @ts-check
/** @import { Connect } from '../store.js' */
/** @import { ClientKind, Place } from './redis-client.js' */
import { addressMap, IOREDIS, NODE_REDIS, respOf, tenacious } from './redis-client.js'
import { dictionariesOn } from './redis-dict.js'

/** @typedef {{ type: 'redis-cluster', nodes: readonly Place[], client: ClientKind }} RedisClusterPlan */

/** How soon the slots are asked for again after a lost connection, in ms: docs/redis.md recommends this. */
const REFRESH_AFTER = 500

/** How soon ioredis asks the nodes again if none of them answered, in ms, and how long each may take. */
const AGAIN_AFTER = 50
const SLOTS_WITHIN = 2_000

/** @type {Connect<RedisClusterPlan>} */
export async function connect({ nodes, client: kind }, common, built) {
  const client = kind === 'ioredis' ? await openIoredis(nodes) : await openNodeRedis(nodes, respOf(kind))
  return dictionariesOn(client, common, built)
}

/** @param {readonly Place[]} nodes */
async function openIoredis(nodes) {
  const { Cluster } = await import('ioredis')
  const roots = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const retries = { clusterRetryStrategy: () => AGAIN_AFTER, slotsRefreshTimeout: SLOTS_WITHIN }
  return tenacious(
    new Cluster(roots, { lazyConnect: true, redisOptions: IOREDIS, natMap: addressMap(nodes), ...retries }),
  )
}

/** @param {readonly Place[]} nodes @param {2 | 3} RESP */
async function openNodeRedis(nodes, RESP) {
  const { createCluster } = await import('redis')
  const client = createCluster({
    rootNodes: nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
    RESP,
    defaults: NODE_REDIS,
    nodeAddressMap: addressMap(nodes),
    topologyRefreshOnReconnectionAttemptStrategy: REFRESH_AFTER,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}
