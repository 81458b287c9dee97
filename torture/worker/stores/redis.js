// @ts-check
/** @import { Connect } from '../store.js' */
/** @import { ClientKind } from './redis-client.js' */
import { openClient } from './redis-client.js'
import { dictionariesOn } from './redis-dict.js'

/** @typedef {{ type: 'redis', url: string, client: ClientKind }} RedisPlan */

/** @type {Connect<RedisPlan>} */
export async function connect({ url, client: kind }, common, built) {
  return dictionariesOn(await openClient(kind, url), common, built)
}
