// @ts-check
/** @import { DurableDict } from '../../dist/index.js' */
/** @import { Channel } from './stores/lossy.js' */
/** @import { ModelPlan } from './stores/model.js' */
/** @import { RedisPlan } from './stores/redis.js' */
/** @import { PostgresPlan } from './stores/postgres.js' */
/** @import { RedisClusterPlan } from './stores/redis-cluster.js' */
/** @import { SentinelPlan } from './stores/sentinel.js' */
/** @import { SqlitePlan } from './stores/sqlite.js' */
/** @import { ZookeeperPlan } from './stores/zookeeper.js' */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** How a process reaches its store. @typedef {ModelPlan | RedisPlan | PostgresPlan | RedisClusterPlan | SentinelPlan | SqlitePlan | ZookeeperPlan} StorePlan */

/**
 * Opens a dictionary. Its pushed messages pass through the channel, if the store's module supports that.
 * @typedef {(options: object, channel?: Channel) => Promise<DurableDict<Record<string, string>>>} Open
 */

/**
 * The client of a process, and how to open dictionaries with it.
 * @typedef {object} Connection
 * @property {Open} open
 * @property {() => unknown} disconnect
 * @property {readonly string[]} [warnings] codes of warnings that faults may cause
 * @property {((ms: number) => Promise<unknown>) | undefined} [occupy] holds all connections of its pool
 */

/**
 * What each module in `stores` exports as `connect`: `built` imports a module of the built library.
 * @template {StorePlan} P
 * @typedef {(plan: P, common: object, built: (file: string) => Promise<any>) => Promise<Connection>} Connect
 */

/** @type {Readonly<Record<StorePlan['type'], () => Promise<{ connect: Connect<any> }>>>} */
const STORES = {
  model: () => import('./stores/model.js'),
  postgres: () => import('./stores/postgres.js'),
  redis: () => import('./stores/redis.js'),
  'redis-cluster': () => import('./stores/redis-cluster.js'),
  sentinel: () => import('./stores/sentinel.js'),
  sqlite: () => import('./stores/sqlite.js'),
  zookeeper: () => import('./stores/zookeeper.js'),
}

/** The name of the dictionary. */
export const NAME = 'torture'

/** So large that nothing is dropped during a scene. */
export const KEEP = { keep: 100_000, days: 1 }

/** The client of a store, and how to open dictionaries on it. @param {string} dist the built library @param {StorePlan} plan @returns {Promise<Connection>} */
export async function connect(dist, plan) {
  const built = (/** @type {string} */ file) => import(pathToFileURL(join(dist, file)).href)
  /** @type {typeof import('../../dist/index.js')} */
  const { JSONEncoding } = await built('index.js')
  const store = await STORES[plan.type]()
  const connection = await store.connect(plan, { encoding: JSONEncoding }, built)
  return { ...connection, open: keeping(connection.open) }
}

/** Opens dictionaries that record the policy of the history, if the store keeps one. @param {Open} open @returns {Open} */
const keeping = open => async (options, channel) => {
  try {
    return await open({ ...options, history: KEEP }, channel)
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'DURABLEDICT_UNSUPPORTED') throw error
    return open(options, channel)
  }
}
