// @ts-check
/** @import { Store } from '../types.js' */

/** The stores by name, each imported when it is needed. @type {Readonly<Record<string, () => Promise<Store>>>} */
const STORES = {
  'model-mariadb': () => import('./model-mariadb/store.js'),
  'model-postgres': () => import('./model-postgres/store.js'),
  'model-sqlite': () => import('./model-sqlite/store.js'),
  postgres: () => import('./postgres/store.js'),
  redis: () => import('./redis/store.js'),
  'redis-cluster': () => import('./redis-cluster/store.js'),
  sentinel: () => import('./sentinel/store.js'),
  sqlite: () => import('./sqlite/store.js'),
  zookeeper: () => import('./zookeeper/store.js'),
}

/** @param {string} name a member of STORES */
export async function storeNamed(name) {
  const store = STORES[name]
  if (!store) throw new Error(`--store must be one of ${Object.keys(STORES).join(', ')}; got ${name}.`)
  return store()
}
