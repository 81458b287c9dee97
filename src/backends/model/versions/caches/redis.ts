import { type Recognized, type RedisClient, recognize } from '../../../../clients/redis/clients.js'
import { nodeRedisPrefix } from '../../../../clients/redis/prefixes.js'
import { checkSettings } from '../../../../clients/redis/settings.js'
import type { VersionCache } from '../version-cache.js'
import { OutsideVersions, type VersionCacheOptions, type VersionClient } from './outside-versions.js'
import incr from './scripts/incr.lua'

/**
 * Versions in Redis 6.2 or later, or in Valkey: strings that never expire, under the client's `keyPrefix`. Every call
 * is answered by a primary: linearizable, unless a failover loses what another one had acknowledged.
 *
 * @param client - of node-redis (client, pool, cluster or sentinel) or ioredis (Redis or Cluster), connected by the
 * caller, and left open at the end.
 * @throws TypeError for another client.
 *
 * @example
 * await ModelDict.open(prisma.setting, { cache: redisVersions(client) })
 */
export function redisVersions(client: RedisClient, options?: VersionCacheOptions): VersionCache {
  const recognized = recognize(client, 'redisVersions() takes')
  checkSettings(recognized, 'redisVersions()')
  return new OutsideVersions(new RedisVersions(recognized), options)
}

class RedisVersions implements VersionClient {
  readonly label = 'Redis'
  readonly #recognized: Recognized
  readonly #prefix: string

  constructor(recognized: Recognized) {
    this.#recognized = recognized
    this.#prefix = recognized.kind.startsWith('ioredis') ? '' : nodeRedisPrefix(recognized.client)
  }

  /** GETEX, which changes nothing without an option, is a write to clients and servers: no replica answers it. */
  async get(key: string, timeout: number): Promise<unknown> {
    const place = this.#prefix + key
    return (await this.#send(place, ['GETEX', place], timeout)) ?? undefined
  }

  async add(key: string, token: string, timeout: number): Promise<boolean> {
    const place = this.#prefix + key
    return (await this.#send(place, ['SET', place, token, 'NX'], timeout)) === 'OK'
  }

  async incr(key: string, timeout: number): Promise<unknown> {
    const place = this.#prefix + key
    return (await this.#send(place, ['EVAL', incr, '1', place], timeout)) ?? undefined
  }

  /** To the primary in charge of the key. What a client of node-redis has not sent in time, it gives up. */
  #send(key: string, command: string[], timeout: number): Promise<unknown> {
    const { kind, client } = this.#recognized
    const options = { ...AS_THEY_COME, timeout }
    switch (kind) {
      case 'node-redis':
      case 'node-redis pool':
        return client.sendCommand(command, options)
      case 'node-redis sentinel':
        return client.sendCommand(false, command, options)
      case 'node-redis cluster':
        return client.sendCommand(key, false, command, options)
      case 'ioredis':
      case 'ioredis cluster':
        return client.call(command[0] as string, command.slice(1))
    }
  }
}

/** No mapping of types that the caller has chosen. */
const AS_THEY_COME = { typeMapping: {} }
