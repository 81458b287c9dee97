import { nameOf } from '../../../../clients/name-of.js'
import type { VersionCache } from '../version-cache.js'
import { type MemcacheClient, MemcacheClientVersions } from './memcache-client.js'
import { type MemjsClient, MemjsVersions } from './memjs.js'
import { OutsideVersions, type VersionCacheOptions, type VersionClient } from './outside-versions.js'

/**
 * The clients that versions can be kept in memcached with: a `Client` of memjs, a `MemcacheClient` of memcache-client.
 */
export type MemcachedClient = MemjsClient | MemcacheClient

/**
 * Versions in memcached. The entries never expire; the server may evict them at any time.
 *
 * @param client - left open at the end. All processes must reach the same server for a key: one server, or with memjs
 * the same list of servers in each of them, and no failover.
 * @throws TypeError for another client, or one that may look for a key on one server now and on another one then.
 *
 * @example
 * await ModelDict.open(prisma.setting, { cache: memcachedVersions(client) })
 */
export function memcachedVersions(client: MemcachedClient, options?: VersionCacheOptions): VersionCache {
  return new OutsideVersions(versionsOf(client), options)
}

function versionsOf(client: unknown): VersionClient {
  if (has(client, ['perform', 'incrSeq'], ['servers'])) return new MemjsVersions(client as unknown as MemjsClient)
  if (has(client, ['xretrieve', 'store', 'incr'], ['options'])) {
    return new MemcacheClientVersions(client as unknown as MemcacheClient)
  }
  throw new TypeError(
    `memcachedVersions() takes a Client of memjs or a MemcacheClient of memcache-client; got ${nameOf(client)}.`,
  )
}

function has(client: unknown, methods: readonly string[], objects: readonly string[]): boolean {
  if (typeof client !== 'object' || client === null) return false
  const typeOf = (member: string) => typeof (client as Record<string, unknown>)[member]
  return methods.every(name => typeOf(name) === 'function') && objects.every(name => typeOf(name) === 'object')
}
