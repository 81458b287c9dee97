import { connect } from './backends/redis/connect.js'
import { checkName } from './backends/redis/names.js'
import { RedisBackend } from './backends/redis/redis-backend.js'
import type { RedisClient } from './clients/redis/clients.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import type { Open } from './dictionary/open.js'
import { type CommonOptions, checkOptions } from './dictionary/options.js'

/** A dictionary in Redis 7 or later, or in Valkey. */
export type RedisDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

type OpenRedisDict = Open<[name: string, client: RedisClient | string]>

interface RedisDictKind extends Kind<OpenRedisDict> {
  /**
   * Opens the dictionary of that name: the hash of that name, and two keys beside it.
   *
   * @param name - what all processes that share the dictionary call it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which
   * is left open at the end; or a URL `redis://…` or `rediss://…`, for a connection of the dictionary's own.
   */
  readonly open: OpenRedisDict
}

export const RedisDict: RedisDictKind = kindOf<OpenRedisDict>(
  async (name: string, client: RedisClient | string, options?: CommonOptions) => {
    checkName(name)
    // Before a connection is opened for nothing.
    checkOptions(options)
    const own = typeof client === 'string' ? await connect(client, options?.timeout, options?.signal) : undefined
    return DurableDict.open(new RedisBackend(own ?? client, name, { owned: own !== undefined }), options)
  },
)
